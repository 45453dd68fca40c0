//! Resharding while clients read and write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Cluster, ClusterPlan, Conn, Program, Reply};

use super::pair::{filled, run_ours};

/// Follows MOVED, ASK, TRYAGAIN as a client does.
struct Follower {
    conns: BTreeMap<u16, Conn>,
    start: u16,
}

impl Follower {
    fn conn(&mut self, port: u16) -> &mut Conn {
        self.conns
            .entry(port)
            .or_insert_with(|| Conn::open(port).expect("a connection"))
    }

    fn call(&mut self, request: &[&str]) -> Reply {
        let mut port = self.start;
        let mut asks = false;
        for _ in 0..1000 {
            let conn = self.conn(port);
            if asks {
                conn.call(&["ASKING"]).expect_ok();
            }
            let reply = conn.call(request);
            let Some(error) = reply.error() else {
                return reply;
            };
            let words: Vec<&str> = error.split(' ').collect();
            asks = words[0] == "ASK";
            match words[0] {
                "ASK" | "MOVED" => {
                    port = words[2]
                        .rsplit(':')
                        .next()
                        .expect("a port")
                        .parse()
                        .expect("a port");
                }
                "TRYAGAIN" => {}
                _ => return reply,
            }
        }
        panic!("{request:?} was sent around in circles")
    }
}

/// Counts up in the keys of a few slots until told to end; how often for each key.
fn count_up(cluster: &Cluster, writer: usize, end: &AtomicBool) -> BTreeMap<String, i64> {
    let mut follower = Follower {
        conns: BTreeMap::new(),
        start: cluster.nodes[writer % 3].port(),
    };
    let mut counts = BTreeMap::new();
    for round in 0.. {
        if end.load(Ordering::Relaxed) {
            break;
        }
        let slot = (round % 8) as u16;
        let key = format!(
            "{}-{writer}-{}",
            super::reshard::keys_of(slot, 1)[0],
            round % 40
        );
        let counted = counts.entry(key.clone()).or_insert(0);
        *counted += 1;
        assert_eq!(follower.call(&["INCR", &key]).int(), *counted, "{key}");
    }
    counts
}

/// Sets a flag when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_write_is_lost_in_a_reshard() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (cluster, end) = (&cluster, &end);
                scope.spawn(move || count_up(cluster, writer, end))
            })
            .collect();
        // However this ends, the writers end too.
        let stop = Stop(&end);
        let reshard = |from: &str, to: &str| {
            let words = [
                "reshard",
                "{addr2}",
                "--cluster-from",
                from,
                "--cluster-to",
                to,
                "--cluster-slots",
                "40",
                "--cluster-yes",
                "--cluster-pipeline",
                "3",
            ];
            let run = run_ours(&filled(&cluster, &words), &[]);
            assert!(run.success, "{run:?}");
            cluster.await_ok(Duration::from_secs(20));
            let agree = || {
                let owners = (0..3).map(|node| cluster.owner(node, 3));
                owners.collect::<std::collections::BTreeSet<_>>().len() == 1
            };
            testkit::eventually("all know the owner", Duration::from_secs(20), agree);
        };
        reshard("{id0}", "{id1}");
        reshard("{id1}", "{id2}");
        drop(stop);
        let mut follower = Follower {
            conns: BTreeMap::new(),
            start: cluster.nodes[0].port(),
        };
        for writer in writers {
            for (key, count) in writer.join().expect("the writer") {
                assert_eq!(
                    follower.call(&["GET", &key]).text(),
                    count.to_string(),
                    "{key}"
                );
            }
        }
    });
}
