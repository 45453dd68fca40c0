//! The scripts of each family on a real Redis 7.4.1: what the engine's tests go by, replies and
//! events, is what it says.

use testkit::script::{self, Section};
use testkit::{Conn, Program, Server};

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

/// What hears of events: all that come up to a message of its own.
struct Ear {
    conn: Conn,
    admin: Conn,
}

impl Ear {
    fn new(server: &Server) -> Ear {
        let (mut conn, mut admin) = (server.connect(), server.connect());
        // An event of a key whose time is up belongs to the command that meets the key.
        admin.line("DEBUG SET-ACTIVE-EXPIRE 0").expect_ok();
        conn.line("PSUBSCRIBE __keyevent@*__:*");
        conn.line("SUBSCRIBE mark");
        Ear { conn, admin }
    }

    /// What has come since the last call: the number of the database, the name and the key of each.
    fn events(&mut self) -> Vec<(u16, String, Vec<u8>)> {
        self.admin.line("PUBLISH mark now");
        let mut events = Vec::new();
        loop {
            let message = self.conn.receive().expect("a message");
            let [_, _, channel, key] = message.array() else {
                return events;
            };
            let channel = channel.text();
            let place = channel.strip_prefix("__keyevent@").expect("an event");
            let (db, name) = place.split_once("__:").expect("an event");
            let db = db.parse().expect("the number of a database");
            events.push((db, name.to_owned(), key.bytes().to_vec()));
        }
    }
}

/// Runs a section while events of these classes are told of; what was not as the script says.
fn wrong_events(server: &Server, ear: &mut Ear, section: &Section, classes: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut conn = connect(server, false);
    let set = format!("CONFIG SET notify-keyspace-events E{classes}");
    ear.admin.line(&set).expect_ok();
    for step in &section.steps {
        conn.call(&step.words);
        let told = |line: &&String| classes == "An" || line.starts_with(classes);
        let wanted: Vec<&String> = step.events.iter().filter(told).collect();
        let events = ear.events();
        // The letter is known where only one class is told of; else the script's own is taken.
        let lines = events.iter().enumerate().map(|(nth, (db, name, key))| {
            let letter = |line: &&String| line.chars().next();
            let class = wanted.get(nth).and_then(letter).unwrap_or('?');
            script::event_line(class, name, key, *db)
        });
        let lines: Vec<String> = lines.collect();
        if !lines.iter().eq(wanted.iter().copied()) {
            let (number, name) = (step.number, &section.name);
            wrong.push(format!("{name}:{number}: {lines:?} instead of {wanted:?}"));
        }
    }
    ear.admin
        .call(&["CONFIG", "SET", "notify-keyspace-events", ""])
        .expect_ok();
    wrong
}

/// All classes together say in which order events come, and each alone which belong to it.
#[test]
fn a_real_server_confirms_the_events() {
    let server = Server::of(Program::Redis74).option("enable-debug-command", "yes");
    let server = server.start();
    let mut ear = Ear::new(&server);
    let mut wrong = Vec::new();
    for (family, text) in script::ALL {
        for section in script::parse(text) {
            for classes in ["An", "g", "$", "l", "h", "x", "n"] {
                let here = wrong_events(&server, &mut ear, &section, classes);
                wrong.extend(here.into_iter().map(|line| format!("{family}: {line}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
