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
