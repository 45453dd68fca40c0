//! INFO counts what replication links, the cluster bus and the append-only file carry and hold.

use std::time::Duration;

use testkit::{ClusterPlan, Conn, Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const VALUE: usize = 1 << 20;
/// What may come besides the value: its command, pings and acknowledgements.
const SLACK: u64 = 16 << 10;

fn start(program: Program) -> Server {
    let plan = Server::of(program).option("save", "");
    plan.option("repl-diskless-sync-delay", "0").start()
}

fn number(conn: &mut Conn, field: &str) -> f64 {
    let text = conn.info(field).expect("a reply").expect(field);
    text.parse().expect("a number")
}

/// Both count the stream as replication's share of all bytes, on either side.
#[test]
fn replication_has_a_share_of_the_traffic() {
    for program in [Program::Redis74, Program::Shoal] {
        let (primary, replica) = (start(program), start(program));
        let port = primary.port().to_string();
        let (mut here, mut there) = (primary.connect(), replica.connect());
        // The snapshot counts too. Random bytes cannot be compressed.
        let mut state = 1u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        let noise: Vec<u8> = noise.take(VALUE).collect();
        here.call(&[b"SET".as_slice(), b"before", &noise])
            .expect_ok();
        there.call(&["REPLICAOF", "127.0.0.1", &port]).expect_ok();
        eventually("the link is up", LIMIT, || {
            number(&mut here, "connected_slaves") == 1.0
                && here.call(&["WAIT", "1", "100"]).int() == 1
        });
        let whole = VALUE as f64;
        let sent = number(&mut here, "total_net_repl_output_bytes");
        assert!(sent > whole, "{program:?} sent {sent}");
        let got = number(&mut there, "total_net_repl_input_bytes");
        assert!(got > whole, "{program:?} got {got}");
        for conn in [&mut here, &mut there] {
            conn.call(&["CONFIG", "RESETSTAT"]).expect_ok();
            for field in ["total_net_input_bytes", "total_net_output_bytes"] {
                let now = number(conn, field);
                assert!(now < whole, "{program:?} {field} begins at {now}");
            }
        }
        let value = vec![b'v'; VALUE];
        here.call(&[b"SET".as_slice(), b"k", &value]).expect_ok();
        assert_eq!(here.call(&["WAIT", "1", "20000"]).int(), 1);
        for (conn, way, other) in [
            (&mut here, "output", "input"),
            (&mut there, "input", "output"),
        ] {
            let share = number(conn, &format!("total_net_repl_{way}_bytes"));
            assert!(
                (whole..whole + SLACK as f64).contains(&share),
                "{program:?} {way}: {share}"
            );
            assert_eq!(number(conn, &format!("total_net_repl_{other}_bytes")), 0.0);
            let all = number(conn, &format!("total_net_{way}_bytes"));
            assert!(all >= share, "{program:?} {way}: {all} with {share}");
        }
        // The rates are those of the last second or two.
        here.call(&[b"SET".as_slice(), b"k", &value]).expect_ok();
        for (conn, way) in [(&mut here, "output"), (&mut there, "input")] {
            let field = format!("instantaneous_{way}_repl_kbps");
            eventually(&field, LIMIT, || number(conn, &field) > 0.0);
        }
    }
}

#[test]
fn links_of_the_bus_and_the_files_buffer_count_as_memory() {
    for program in [Program::Redis74, Program::Shoal] {
        let cluster = ClusterPlan::of(program, 3, 0).start();
        let mut conn = cluster.nodes[0].connect();
        eventually("the links are counted", LIMIT, || {
            number(&mut conn, "mem_cluster_links") > 0.0
        });
        let alone = start(program);
        let mut conn = alone.connect();
        let fields = ["mem_cluster_links", "mem_aof_buffer"];
        assert_eq!(fields.map(|field| number(&mut conn, field)), [0.0, 0.0]);
        conn.call(&["CONFIG", "SET", "appendonly", "yes"])
            .expect_ok();
        conn.call(&["SET", "k", &"v".repeat(10_000)]).expect_ok();
        eventually("there is a buffer", LIMIT, || {
            number(&mut conn, "mem_aof_buffer") > 0.0
        });
    }
}
