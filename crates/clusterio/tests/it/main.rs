//! The bus among real Redis 7.0 nodes: joining, gossip, slots, failure, messages, elections both
//! ways. Nodes of ours have no data engine here; what it would say of replication is made up.

mod real;

use base::{Offset, Slot, SlotSet};
use cluster::{Level, Replication, Reply, Request, Settings, State, View};
use clusterio::{Handle, Hooks, Options, Primary, start};
use real::{Dir, Redis, free_port, wait};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

const TIMEOUT: u64 = 1_500;

/// What a node of ours was told.
#[derive(Default)]
struct Told {
    delivered: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
    promotions: AtomicU64,
    log: Mutex<Vec<String>>,
}

struct Ears(Arc<Told>);

impl Hooks for Ears {
    fn view(&mut self, _: Arc<View>) {}
    fn serve_until(&mut self, _: Instant) {}
    fn replicate(&mut self, _: Primary) {}
    fn become_primary(&mut self) {
        self.0.promotions.fetch_add(1, Ordering::SeqCst);
    }
    fn slots_lost(&mut self, _: SlotSet) {}
    fn empty_data(&mut self) {}
    fn pause(&mut self, _: Instant) {}
    fn unpause(&mut self) {}
    fn deliver(&mut self, channel: Vec<u8>, message: Vec<u8>, _: bool) {
        self.0
            .delivered
            .lock()
            .expect("no panic before")
            .push((channel, message));
    }
    fn log(&mut self, _: Level, text: String) {
        self.0.log.lock().expect("no panic before").push(text);
    }
}

struct Ours {
    handle: Handle,
    told: Arc<Told>,
    port: u16,
    id: String,
    _dir: Dir,
}

impl Ours {
    fn start() -> Ours {
        let port = free_port();
        let dir = Dir::new(port);
        let settings = Settings {
            node_timeout: TIMEOUT,
            port,
            bus_port: port + 10_000,
            announce_hostname: format!("ours-{port}.example"),
            ..Settings::default()
        };
        let options = Options {
            settings,
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            conf_path: dir.path().join("nodes.conf"),
            link_limit: 0,
            source: None,
            kept_from: usize::MAX,
            data_lost: false,
        };
        let told = Arc::new(Told::default());
        let handle = start(options, Box::new(Ears(told.clone()))).expect("started");
        let id = handle.view().my_id().to_string();
        Ours {
            handle,
            told,
            port,
            id,
            _dir: dir,
        }
    }

    fn ask(&self, request: Request) -> Reply {
        let (sender, receiver) = mpsc::channel();
        self.handle.request(request, move |reply| {
            _ = sender.send(reply);
        });
        receiver
            .recv_timeout(Duration::from_secs(10))
            .expect("an answer")
    }

    fn nodes(&self) -> String {
        match self.ask(Request::Nodes { tls: false }) {
            Reply::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn meet(&self, port: u16) {
        let ip = "127.0.0.1".to_owned();
        let reply = self.ask(Request::Meet {
            ip,
            port: i64::from(port),
            bus_port: None,
        });
        assert_eq!(reply, Reply::Ok);
    }

    fn add_slots(&self, first: u16, last: u16) {
        let slots = (first..=last).filter_map(Slot::new).collect();
        assert_eq!(self.ask(Request::AddSlots(slots)), Reply::Ok);
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// The line of a node in CLUSTER NODES.
fn line<'a>(nodes: &'a str, id: &str) -> &'a str {
    nodes.lines().find(|l| l.starts_with(id)).unwrap_or("")
}

/// The flags of a node in CLUSTER NODES.
fn flags<'a>(nodes: &'a str, id: &str) -> &'a str {
    line(nodes, id).split(' ').nth(2).unwrap_or("")
}

fn join(first: &Ours, others: &[u16]) {
    others.iter().for_each(|port| first.meet(*port));
}

#[test]
fn a_real_node_and_ours_see_each_other_and_each_others_slots() {
    let redis = Redis::start(TIMEOUT, &["--cluster-announce-hostname", "theirs.example"]);
    let ours = Ours::start();
    redis.ok("CLUSTER ADDSLOTSRANGE 0 8191");
    redis.ok("CLUSTER SET-CONFIG-EPOCH 3");
    ours.add_slots(8192, 16383);
    ours.meet(redis.port);
    wait("both sides know all slots", || {
        let theirs = redis.ask("CLUSTER NODES");
        let mine = ours.nodes();
        line(&theirs, &ours.id).ends_with("connected 8192-16383")
            && line(&mine, &redis.id()).ends_with("connected 0-8191")
    });
    wait("the cluster is ok on both sides", || {
        redis.ask("CLUSTER INFO").contains("cluster_state:ok")
            && ours.handle.view().state() == State::Ok
    });
    // Names travel both ways, and nothing else gets into CLUSTER NODES.
    wait("host names", || {
        let address = format!(
            "127.0.0.1:{0}@{1},ours-{0}.example ",
            ours.port,
            ours.port + 10_000
        );
        redis.ask("CLUSTER NODES").contains(&address)
            && ours
                .nodes()
                .contains(&format!("{},theirs.example ", redis.port + 10_000))
    });
    let slot = Slot::new(5).expect("a slot");
    let moved = ours.handle.view().moved(slot, false);
    assert_eq!(moved, Some(format!("MOVED 5 127.0.0.1:{}", redis.port)));
    assert!(
        redis
            .ask("GET foo")
            .starts_with(&format!("-MOVED 12182 127.0.0.1:{}", ours.port))
    );

    // Messages, both ways.
    let mut subscriber = redis.subscribe("news");
    ours.handle
        .publish(b"news".to_vec(), b"from ours".to_vec(), false);
    assert!(subscriber.read_until("from ours"));
    redis.ask("PUBLISH news theirs");
    wait("their message", || {
        let delivered = ours.told.delivered.lock().expect("no panic before");
        delivered.contains(&(b"news".to_vec(), b"theirs".to_vec()))
    });

    // A file written by ours is read by a real node.
    let text = std::fs::read_to_string(ours._dir.path().join("nodes.conf")).expect("readable");
    assert!(cluster::NodesConf::parse(text.as_bytes()).is_ok());
    let reader = Redis::with_file(&text, TIMEOUT);
    assert_eq!(reader.id(), ours.id);
    assert!(reader.ask("CLUSTER NODES").contains("8192-16383"));
    // And theirs by ours.
    let theirs = std::fs::read(redis.path().join("nodes.conf")).expect("readable");
    cluster::NodesConf::parse(&theirs).expect("a file of a real node");
}

#[test]
fn failures_are_agreed_upon_among_real_nodes_and_ours() {
    let (a, b) = (Redis::start(TIMEOUT, &[]), Redis::start(TIMEOUT, &[]));
    let ours = Ours::start();
    a.ok("CLUSTER ADDSLOTSRANGE 0 5000");
    b.ok("CLUSTER ADDSLOTSRANGE 5001 10000");
    ours.add_slots(10_001, 16_383);
    join(&ours, &[a.port, b.port]);
    let ids = [a.id(), b.id(), ours.id.clone()];
    wait("all are joined", || {
        let ok = |nodes: &str| ids.iter().all(|id| line(nodes, id).contains("connected "));
        ok(&a.ask("CLUSTER NODES"))
            && ok(&b.ask("CLUSTER NODES"))
            && ok(&ours.nodes())
            && ours.handle.view().state() == State::Ok
    });
    // One of theirs stops answering: ours and theirs agree.
    b.freeze();
    wait("both call it failed", || {
        flags(&ours.nodes(), &ids[1]) == "master,fail"
            && flags(&a.ask("CLUSTER NODES"), &ids[1]) == "master,fail"
    });
    assert_eq!(ours.handle.view().state(), State::Fail);
    b.thaw();
    wait("it is taken back", || {
        flags(&ours.nodes(), &ids[1]) == "master"
            && flags(&a.ask("CLUSTER NODES"), &ids[1]) == "master"
            && ours.handle.view().state() == State::Ok
    });
    // Ours stops: the two of them agree.
    ours.handle.shutdown();
    wait("ours is called failed", || {
        flags(&a.ask("CLUSTER NODES"), &ids[2]) == "master,fail"
            && flags(&b.ask("CLUSTER NODES"), &ids[2]) == "master,fail"
    });
}

#[test]
fn replicas_of_either_kind_take_over_from_the_other() {
    let (a, b) = (Redis::start(TIMEOUT, &[]), Redis::start(TIMEOUT, &[]));
    // Without a data engine on our side its link to us never comes up: any age must do.
    let e = Redis::start(TIMEOUT, &["--cluster-replica-validity-factor", "0"]);
    let (c, d) = (Ours::start(), Ours::start());
    a.ok("CLUSTER ADDSLOTSRANGE 0 5460");
    b.ok("CLUSTER ADDSLOTSRANGE 5461 10922");
    c.add_slots(10_923, 16_383);
    a.ok("CLUSTER SET-CONFIG-EPOCH 1");
    b.ok("CLUSTER SET-CONFIG-EPOCH 2");
    assert_eq!(c.ask(Request::SetConfigEpoch(3)), Reply::Ok);
    join(&c, &[a.port, b.port, d.port, e.port]);
    wait("all five are known everywhere", || {
        let five = |text: &str| {
            text.lines().count() == 5 && !text.contains("handshake") && !text.contains("disconn")
        };
        five(&a.ask("CLUSTER NODES"))
            && five(&b.ask("CLUSTER NODES"))
            && five(&d.nodes())
            && five(&e.ask("CLUSTER NODES"))
            && five(&c.nodes())
    });
    let node = a.id().into_bytes();
    assert_eq!(
        d.ask(Request::Replicate {
            node,
            has_keys: false
        }),
        Reply::Ok
    );
    e.ok(&format!("CLUSTER REPLICATE {}", c.id));
    let clock = d.handle.clock();
    let in_sync = |offset| Replication {
        offset: Offset(offset),
        primary: base::NodeId::parse(a.id().as_bytes()),
        synced: true,
        whole: true,
        connected: true,
        last_heard: Some(clock.now()),
    };
    d.handle.replication(in_sync(100));
    wait("roles are known", || {
        let nodes = b.ask("CLUSTER NODES");
        flags(&nodes, &d.id) == "slave" && flags(&nodes, &e.id()) == "slave"
    });
    // A replica of ours takes over from a real primary, with a real primary's vote.
    let old = a.id();
    a.freeze();
    wait("ours took over", || {
        let nodes = b.ask("CLUSTER NODES");
        flags(&nodes, &d.id) == "master" && line(&nodes, &d.id).ends_with("0-5460")
    });
    assert_eq!(d.told.promotions.load(Ordering::SeqCst), 1);
    a.thaw();
    wait("the old primary follows ours", || {
        line(&b.ask("CLUSTER NODES"), &old).contains(&format!(" slave {}", d.id))
            && line(&d.nodes(), &old).contains(&format!(" slave {}", d.id))
    });
    // And a real replica from a primary of ours, with our vote.
    c.handle.shutdown();
    wait("theirs took over", || {
        let nodes = d.nodes();
        flags(&nodes, &e.id()) == "master" && line(&nodes, &e.id()).ends_with("10923-16383")
    });
    let granted = format!("Failover auth granted to {}", e.id());
    let log = d.told.log.lock().expect("no panic before");
    assert!(
        log.iter().any(|l| l.starts_with(&granted)),
        "no vote of ours"
    );
}

#[test]
fn a_file_in_use_is_refused_by_both_kinds() {
    let ours = Ours::start();
    let output = Redis::try_on(ours._dir.path());
    assert!(
        output.contains("already used by a different Redis Cluster node"),
        "{output}"
    );
    // Also after ours has replaced the file.
    ours.add_slots(0, 10);
    let output = Redis::try_on(ours._dir.path());
    assert!(
        output.contains("already used by a different Redis Cluster node"),
        "{output}"
    );

    let redis = Redis::start(TIMEOUT, &[]);
    let options = Options {
        settings: Settings {
            bus_port: free_port() + 10_000,
            ..Settings::default()
        },
        bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        conf_path: redis.path().join("nodes.conf"),
        link_limit: 0,
        source: None,
        kept_from: usize::MAX,
        data_lost: false,
    };
    let error = start(options, Box::new(Ears(Arc::default())))
        .map(|_| ())
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("already used by a different Redis Cluster node")
    );
}
