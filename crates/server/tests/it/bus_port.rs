//! The bus port asks for no password: whoever reaches it must not use up what the server needs.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use base::{Epoch, NodeId, Offset};
use bus::{Body, Flags, Gossip, GossipEntry, Header, HeaderState, IpText, Packet};
use testkit::{Program, Server, ServerPlan, TempDir, eventually};

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

fn id(letter: u8) -> NodeId {
    NodeId::parse(&[letter; 40]).unwrap()
}

/// A ping by which a node tells of so many others.
fn news(from: NodeId, nodes: u16) -> Vec<u8> {
    let entry = |nth: u16| GossipEntry {
        id: NodeId::parse(format!("{nth:040x}").as_bytes()).unwrap(),
        ping_sent: 0,
        pong_received: 0,
        ip: IpText::new("127.0.0.1").unwrap(),
        port: 1,
        bus_port: 1,
        flags: Flags::MASTER,
        secondary_port: 0,
    };
    let header = Header {
        sender: from,
        port: 2,
        secondary_port: 0,
        bus_port: 2,
        current_epoch: Epoch(1),
        config_epoch: Epoch(1),
        offset: Offset(0),
        slots: Default::default(),
        replica_of: None,
        ip: IpText::EMPTY,
        flags: Flags::MASTER,
        state: HeaderState::Ok,
        marks: 0,
    };
    let gossip = Gossip {
        entries: (1..=nodes).map(entry).collect(),
        extensions: Vec::new(),
    };
    let body = Body::Ping(gossip);
    Packet { header, body }.encode()
}

fn write_conf(directory: &Path, me: NodeId, friend: NodeId) {
    let text = format!(
        "{me} 127.0.0.1:1@10001 myself,master - 0 0 1 connected\n\
         {friend} 127.0.0.1:2@2 master - 0 0 1 connected\n\
         vars currentEpoch 1 lastVoteEpoch 0\n"
    );
    std::fs::write(directory.join("nodes.conf"), text).unwrap();
}

#[test]
fn a_cluster_that_outgrows_the_descriptors_is_told_of() {
    let directory = TempDir::new("outgrown");
    let (me, friend) = (id(b'a'), id(b'b'));
    write_conf(directory.path(), me, friend);
    let server = limited().directory(directory.path()).start();
    let mut link = TcpStream::connect(("127.0.0.1", server.bus_port())).unwrap();
    std::io::Write::write_all(&mut link, &news(friend, 100)).unwrap();
    let most = server.line("CONFIG GET maxclients").texts();
    let line = format!(
        "Beside the links of 102 nodes there are descriptors for 0 clients only, and maxclients is {}",
        most[1]
    );
    eventually("the log says so", LIMIT, || server.log().contains(&line));
}
