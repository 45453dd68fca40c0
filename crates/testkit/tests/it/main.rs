//! The kit proved on the real Redis 7.0.15: start, talk, pause, kill, restart, cluster.

use std::time::Duration;

use testkit::{ClusterPlan, Conn, Program, Server, Tool, eventually, wait_for};

#[test]
fn a_server_starts_pauses_dies_and_comes_back_with_its_data() {
    let plan = Server::of(Program::Redis70)
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .password("secret");
    let mut server = plan.start();
    server.line("SET k v").expect_ok();
    let mut stranger = Conn::open(server.port()).unwrap();
    stranger.line("GET k").expect_error("NOAUTH");

    server.pause();
    let mut conn = Conn::open(server.port()).unwrap();
    conn.set_patience(Duration::from_millis(100)).unwrap();
    assert!(conn.try_call(&["PING"]).is_err());
    server.resume();

    server.kill();
    assert!(server.try_connect().is_err());
    server.restart();
    assert_eq!(server.line("GET k").text(), "v");
    assert!(server.stop().success());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = Server::of(Program::Redis70)
        .option("maxmemory", "lots")
        .try_start()
        .unwrap_err();
    assert!(error.log.contains("FATAL CONFIG FILE ERROR"), "{error}");
    assert_eq!(error.status.and_then(|status| status.code()), Some(1));
}

#[test]
fn a_cluster_forms_and_fails_over() {
    let mut cluster = ClusterPlan::of(Program::Redis70, 3, 1).start();
    assert_eq!(cluster.owner(4, 0), Some(0));
    // foo is in slot 12182, the third master's.
    cluster.nodes[0]
        .line("SET foo bar")
        .expect_error("MOVED 12182");
    cluster.nodes[2].line("SET foo bar").expect_ok();
    eventually("the replica has it", Duration::from_secs(10), || {
        let mut conn = cluster.nodes[5].connect();
        conn.line("READONLY").expect_ok();
        conn.line("GET foo") == testkit::Reply::Bulk(b"bar".to_vec())
    });
    cluster.nodes[2].kill();
    wait_for("the replica takes over", Duration::from_secs(20), || {
        (cluster.owner(0, 12_182)? == 5).then_some(())
    });
    cluster.await_ok_among(&[0, 1, 3, 4, 5], Duration::from_secs(20));
    assert_eq!(cluster.nodes[5].line("GET foo").text(), "bar");
}

#[test]
fn every_peer_is_there_and_is_what_it_says() {
    let version = |program: Program| {
        let output = program
            .command(Tool::Server)
            .arg("--version")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(version(Program::Redis70).contains("v=7.0."));
    assert!(version(Program::Redis74).contains("v=7.4.1"));
    assert!(version(Program::Redis8).contains("v=8."));
    assert!(version(Program::Valkey).contains("v=9."));
    for program in [Program::Redis74, Program::Redis8, Program::Valkey] {
        let mut server = Server::of(program).start();
        server.line("SET k v").expect_ok();
        assert_eq!(
            server.connect().info("role").unwrap().as_deref(),
            Some("master")
        );
        server.kill();
    }
}
