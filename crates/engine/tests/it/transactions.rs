//! EXEC: what a transaction holds, and for how long.

use crate::lab::Lab;

fn exec(lab: &mut Lab, lines: &[&str], reply: &str) {
    lab.check("MULTI", "+OK");
    lines.iter().for_each(|line| lab.check(line, "+QUEUED"));
    lab.check("EXEC", reply);
}

/// Whatever looks at all slots or empties them, what stands behind it still has its own.
#[test]
fn a_command_of_a_transaction_keeps_the_slots_of_the_others() {
    let mut lab = Lab::new();
    lab.engine.change_settings(|settings| settings.debug = 2);
    lab.check("MSET a 1 b 2", "+OK");
    lab.check("MULTI", "+OK");
    lab.check("MEMORY STATS", "+QUEUED");
    lab.check("GET a", "+QUEUED");
    let reply = lab.line("EXEC");
    assert_eq!(reply.array()[1].text(), "1");
    exec(
        &mut lab,
        &["SET a 2", "FLUSHDB", "SET a 3", "GET a"],
        "[+OK +OK +OK 3]",
    );
    lab.check("DBSIZE", "1");
    let lines = [
        "SELECT 1",
        "SET a x",
        "SWAPDB 0 1",
        "GET a",
        "SELECT 0",
        "GET a",
    ];
    exec(&mut lab, &lines, "[+OK +OK +OK 3 +OK x]");
    exec(
        &mut lab,
        &["GET a", "KEYS *", "SET b 1", "KEYS b"],
        "[x [a] +OK [b]]",
    );
    let lines = ["SET c 1", "SCAN 0 MATCH c COUNT 1000", "GET c"];
    exec(&mut lab, &lines, "[+OK [0 [c]] 1]");
    exec(&mut lab, &["DEL b c", "RANDOMKEY", "SET a y"], "[2 a +OK]");
    lab.check("MULTI", "+OK");
    for line in [
        "GET a",
        "DEBUG DIGEST",
        "DEBUG POPULATE 3 p",
        "GET p:1",
        "FLUSHALL",
    ] {
        lab.check(line, "+QUEUED");
    }
    let reply = lab.line("EXEC");
    assert_eq!(reply.array()[3].text(), "value:1");
    lab.check("DBSIZE", "0");
}

/// What a connection is sent for some lines, one after another.
fn sent(lines: &[&str]) -> String {
    let mut lab = Lab::new();
    let mut all = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        all.extend_from_slice(&lab.execute(&words).1);
    }
    String::from_utf8(all).unwrap()
}

/// As Redis 7.4 and Valkey answer these.
#[test]
fn client_reply_is_about_every_kind_of_reply() {
    assert_eq!(sent(&["CLIENT REPLY SKIP", "nosuch", "PING"]), "+PONG\r\n");
    assert_eq!(sent(&["CLIENT REPLY SKIP", "GET", "PING"]), "+PONG\r\n");
    assert_eq!(sent(&["CLIENT REPLY SKIP", "RESET", "PING"]), "+PONG\r\n");
    let queued = [
        "CLIENT REPLY OFF",
        "MULTI",
        "GET a",
        "EXEC",
        "CLIENT REPLY ON",
    ];
    assert_eq!(sent(&queued), "+OK\r\n");
    let skipped = ["CLIENT REPLY SKIP", "MULTI", "PING", "EXEC"];
    assert_eq!(sent(&skipped), "+QUEUED\r\n*1\r\n+PONG\r\n");
    // The array keeps its places, where Redis leaves one out.
    let inside = [
        "MULTI",
        "CLIENT REPLY SKIP",
        "PING",
        "EXEC",
        "ECHO a",
        "ECHO b",
    ];
    let expected = "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+PONG\r\n$1\r\nb\r\n";
    assert_eq!(sent(&inside), expected);
}
