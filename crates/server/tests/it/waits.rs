//! WAIT and WAITAOF: how waiting ends other than by what was waited for.

use std::time::Duration;

use testkit::{Conn, Program, Reply, Server, wait_for};

const LIMIT: Duration = Duration::from_secs(20);

fn blocked(conn: &mut Conn, count: &str) {
    wait_for("blocked clients", LIMIT, || {
        let blocked = conn.info("blocked_clients").ok()??;
        (blocked == count).then_some(())
    });
}

/// Servers of both kinds with a client that waits by each of the two commands, for a replica that
/// does not come.
fn waiting(end: impl Fn(&mut Conn, &[i64])) -> Vec<[Reply; 2]> {
    let replies = [Program::Shoal, Program::Redis74].map(|program| {
        let plan = Server::of(program).option("appendonly", "yes");
        let server = plan.option("appendfsync", "always").start();
        let mut clients = ["WAIT 1 0", "WAITAOF 0 1 0"].map(|command| {
            let mut conn = server.connect();
            conn.line("INCR n");
            let id = conn.line("CLIENT ID").int();
            let words: Vec<&str> = command.split(' ').collect();
            conn.send(&words).expect("a request");
            (conn, id)
        });
        let mut conn = server.connect();
        blocked(&mut conn, "2");
        end(&mut conn, &[clients[0].1, clients[1].1]);
        let replies = clients
            .each_mut()
            .map(|(conn, _)| conn.receive().expect("a reply"));
        blocked(&mut conn, "0");
        replies
    });
    assert_eq!(replies[0], replies[1]);
    replies.into()
}

#[test]
fn a_client_that_waits_is_unblocked() {
    waiting(|conn, ids| {
        for id in ids {
            assert_eq!(conn.call(&["CLIENT", "UNBLOCK", &id.to_string()]).int(), 1);
        }
    });
    waiting(|conn, ids| {
        for id in ids {
            let words = ["CLIENT", "UNBLOCK", &id.to_string(), "ERROR"];
            assert_eq!(conn.call(&words).int(), 1);
        }
    });
}

#[test]
fn nobody_waits_at_a_node_that_became_a_replica() {
    let replies = waiting(|conn, _| conn.line("REPLICAOF 127.0.0.1 1").expect_ok());
    let error = replies[0][0].error().expect("an error");
    assert!(error.starts_with("UNBLOCKED force unblock"), "{error}");
}

#[test]
fn who_waits_for_a_file_that_is_turned_off_is_told() {
    let replies = [Program::Shoal, Program::Redis74].map(|program| {
        let plan = Server::of(program).option("appendonly", "yes");
        let server = plan.option("appendfsync", "no").start();
        let mut waiting = server.connect();
        waiting.line("INCR n");
        waiting
            .send(&["WAITAOF", "1", "0", "0"])
            .expect("a request");
        let mut conn = server.connect();
        blocked(&mut conn, "1");
        conn.line("CONFIG SET appendonly no").expect_ok();
        waiting.receive().expect("a reply")
    });
    let error = replies[0].error().expect("an error");
    assert!(error.starts_with("ERR WAITAOF cannot be used"), "{error}");
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn nothing_goes_on_waiting_for_a_client_that_left() {
    let server = Server::of(Program::Shoal).start();
    let tasks = format!("/proc/{}/task", server.id());
    let threads = || {
        let tasks = std::fs::read_dir(&tasks).expect("threads");
        let names =
            tasks.map(|task| std::fs::read_to_string(task.expect("a thread").path().join("comm")));
        let names = names.filter(|name| name.as_ref().is_ok_and(|name| name == "wait\n"));
        names.count()
    };
    let mut conn = server.connect();
    conn.send(&["WAIT", "1", "0"]).expect("a request");
    wait_for("a thread", LIMIT, || (threads() == 1).then_some(()));
    drop(conn);
    wait_for("its end", LIMIT, || (threads() == 0).then_some(()));
}
