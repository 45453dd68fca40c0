//! The scripts of each family on a real Redis 7.4.1: what the engine's tests go by is what it says.

use testkit::{Conn, Program, Server, script};

#[test]
fn a_real_server_confirms_each_script() {
    let server = Server::of(Program::Redis74).start();
    let mut wrong = Vec::new();
    for (family, text) in script::ALL {
        for section in script::parse(text) {
            for resp3 in [false, true] {
                let mut conn = connect(&server, resp3);
                for step in &section.steps {
                    let wanted = if resp3 { &step.resp3 } else { &step.reply };
                    let reply = conn.call(&step.words).notation();
                    if reply != *wanted {
                        let number = step.number;
                        wrong.push(format!(
                            "{family}.txt:{number}: {reply} instead of {wanted}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A new connection, and no keys.
fn connect(server: &Server, resp3: bool) -> Conn {
    let mut conn = server.connect();
    conn.line("FLUSHALL").expect_ok();
    if resp3 {
        conn.line("HELLO 3");
    }
    conn
}
