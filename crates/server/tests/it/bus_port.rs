//! The bus port asks for no password: whoever reaches it must not use up what the server needs.

use std::net::TcpStream;
use std::time::Duration;

use testkit::{Program, Server, ServerPlan, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// A node with 200 descriptors.
fn limited() -> ServerPlan {
    Server::of(Program::Shoal)
        .wrapped_in(&["sh", "-c", "ulimit -n 200; exec \"$@\"", "sh"])
        .option("io-threads", "2")
        .option("cluster-enabled", "yes")
        .option("cluster-node-timeout", "2000")
        .options("save", &["3600", "1"])
}

fn descriptors(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.id());
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn idle_links_to_the_bus_stop_neither_saves_nor_clients() {
    let server = limited().start();
    let mut conn = server.connect();
    conn.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
    eventually("the cluster serves", LIMIT, || {
        server.line("SET key value").error().is_none()
    });
    let before = descriptors(&server);
    let links: Vec<TcpStream> = (0..300)
        .filter_map(|_| TcpStream::connect(("127.0.0.1", server.bus_port())).ok())
        .collect();
    assert!(links.len() > 200);
    // Behind whatever the bus does with them.
    conn.line("CLUSTER SAVECONFIG").expect_ok();
    let saves = |conn: &mut testkit::Conn| conn.info("rdb_saves").unwrap().unwrap();
    let old = saves(&mut conn);
    assert_eq!(conn.line("BGSAVE").error(), None);
    eventually("the save ends", LIMIT, || {
        saves(&mut conn) != old
            || conn.info("rdb_last_bgsave_status").unwrap().as_deref() == Some("err")
    });
    let status = conn.info("rdb_last_bgsave_status").unwrap();
    assert_eq!(status.as_deref(), Some("ok"));
    conn.line("SET key value").expect_ok();
    server.connect().line("SET key other").expect_ok();
    eventually("silent links are closed", LIMIT, || {
        descriptors(&server) <= before + 1
    });
}
