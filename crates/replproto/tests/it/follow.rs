//! Our replica under real primaries: full synchronizations of both kinds, the stream, partial ones
//! after a cut.
use super::{Clock, LIMIT, keys, receive, send};
use base::Offset;
use replproto::{Framing, ReplicaConfig, ReplicaEffect, ReplicaSession};
use std::net::TcpStream;
use testkit::{Program, Server};

/// A replica that notes what it would do.
struct Replica {
    session: ReplicaSession,
    stream: Option<TcpStream>,
    port: u16,
    clock: Clock,
    snapshot: Vec<u8>,
    streamed: Option<bool>,
    full: u32,
    partial: u32,
    units: Vec<String>,
    log: Vec<String>,
}

impl Replica {
    fn of(server: &Server, password: Option<&str>) -> Replica {
        let config = ReplicaConfig {
            host: "127.0.0.1".into(),
            port: server.port(),
            auth: password.map(|p| (None, p.to_string())),
            announce_port: 23_399,
            announce_ip: None,
            diskless_load: false,
            failover: false,
        };
        Replica {
            session: ReplicaSession::new(config, None),
            stream: None,
            port: server.port(),
            clock: Clock::start(),
            snapshot: Vec::new(),
            streamed: None,
            full: 0,
            partial: 0,
            units: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Runs the link until something shows.
    #[track_caller]
    fn run_until(&mut self, what: &str, reached: impl Fn(&Replica) -> bool) {
        let start = self.clock.now();
        loop {
            self.effects();
            if reached(self) {
                return;
            }
            let waited = self.clock.now() - start;
            assert!(
                waited < LIMIT.as_millis() as u64,
                "{what}: {:#?} {:?}",
                self.log,
                self.units
            );
            let input = self.stream.as_mut().map(receive);
            match input {
                Some(Some(bytes)) if !bytes.is_empty() => {
                    self.session.input(self.clock.now(), &bytes)
                }
                Some(None) => self.cut("end of stream"),
                _ => {}
            }
            self.session.tick(self.clock.now(), 60_000);
        }
    }

    fn cut(&mut self, reason: &str) {
        self.stream = None;
        self.session.disconnected(reason);
    }

    fn effects(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                ReplicaEffect::Connect => {
                    self.stream = Some(TcpStream::connect(("127.0.0.1", self.port)).unwrap());
                    self.session.connected(self.clock.now());
                }
                ReplicaEffect::Send(bytes) => {
                    if let Some(stream) = &mut self.stream {
                        send(stream, &bytes);
                    }
                }
                ReplicaEffect::Log(_, line) => self.log.push(line),
                ReplicaEffect::FullResync(_) => self.full += 1,
                ReplicaEffect::PartialResync(_) => self.partial += 1,
                ReplicaEffect::SnapshotBegins(framing) => {
                    self.snapshot.clear();
                    self.streamed = Some(matches!(framing, Framing::Mark(_)));
                }
                ReplicaEffect::Snapshot(piece) => {
                    self.snapshot
                        .extend_from_slice(&self.session.bytes()[..piece.len]);
                    self.session.done();
                }
                ReplicaEffect::SnapshotEnds => {
                    keys(&self.snapshot);
                    self.session.loaded(self.clock.now(), Ok(()));
                }
                ReplicaEffect::Unit(unit) => {
                    let bytes = &self.session.bytes()[..unit.len];
                    self.units
                        .push(String::from_utf8_lossy(bytes).replace("\r\n", " "));
                    self.session.done();
                }
                ReplicaEffect::Close => self.stream = None,
            }
        }
    }

    fn saw(&self, word: &str) -> bool {
        self.units.iter().any(|unit| unit.contains(word))
    }
}

fn offset(server: &Server) -> i64 {
    let info = server.connect().info("master_repl_offset").unwrap();
    info.unwrap().parse().unwrap()
}

#[test]
fn full_and_partial_synchronization_under_real_primaries() {
    let cases = [
        (Program::Redis70, "no"),
        (Program::Redis70, "yes"),
        (Program::Redis74, "yes"),
        (Program::Redis8, "yes"),
        (Program::Valkey, "yes"),
    ];
    for (program, diskless) in cases {
        let server = Server::of(program)
            .option("repl-diskless-sync", diskless)
            .option("repl-diskless-sync-delay", "0")
            .option("repl-ping-replica-period", "1")
            .start();
        let mut conn = server.connect();
        conn.line("SET before 1").expect_ok();
        conn.call(&["SET", "large", &"x".repeat(300_000)])
            .expect_ok();
        let mut replica = Replica::of(&server, None);
        replica.run_until("online", |r| r.session.is_online());
        assert_eq!(replica.streamed, Some(diskless == "yes"), "{program:?}");
        assert_eq!((replica.full, replica.partial), (1, 0));
        assert_eq!(keys(&replica.snapshot).len(), 2);
        conn.line("SET after 2").expect_ok();
        for line in ["MULTI", "INCR n", "RPUSH l a b", "EXEC"] {
            assert!(conn.line(line).error().is_none());
        }
        replica.run_until("the transaction", |r| r.saw("EXEC"));
        assert!(replica.saw("SET $5 after $1 2"));
        let unit = replica.units.iter().find(|u| u.contains("MULTI")).unwrap();
        assert!(
            unit.starts_with("*1 $5 MULTI ") && unit.ends_with("EXEC "),
            "{unit}"
        );
        replica.cut("cut by the test");
        conn.line("SET missed 3").expect_ok();
        replica.run_until("the missed write", |r| r.saw("missed"));
        assert_eq!(
            (replica.full, replica.partial),
            (1, 1),
            "{program:?}: {:#?}",
            replica.log
        );
        replica.run_until("a ping", |r| {
            r.units
                .last()
                .is_some_and(|u| u.eq_ignore_ascii_case("*1 $4 ping "))
        });
        replica.run_until("in step", |r| {
            r.session.place().unwrap().1 == Offset(offset(&server))
        });
    }
}

#[test]
fn wait_is_answered_by_our_acknowledgement() {
    let server = Server::of(Program::Redis70)
        .option("repl-diskless-sync-delay", "0")
        .start();
    let mut replica = Replica::of(&server, None);
    replica.run_until("online", |r| r.session.is_online());
    let waiter = std::thread::spawn({
        let mut conn = server.connect();
        move || {
            conn.line("SET a 1").expect_ok();
            conn.line("WAIT 1 20000").int()
        }
    });
    replica.run_until("the question", |r| r.saw("GETACK"));
    let wait = |replica: &mut Replica| {
        // Runs the link on while the other thread waits.
        replica.run_until("the answer", |_| waiter.is_finished());
    };
    wait(&mut replica);
    assert_eq!(waiter.join().unwrap(), 1);
    let info = server.connect().info("slave0").unwrap().unwrap();
    assert!(info.contains("port=23399,state=online"), "{info}");
}

#[test]
fn a_password_and_an_id_change_are_followed() {
    let server = Server::of(Program::Redis70)
        .option("requirepass", "secret")
        .option("repl-diskless-sync-delay", "0")
        .password("secret")
        .start();
    let mut refused = Replica::of(&server, Some("wrong"));
    refused.run_until("refusal", |r| {
        r.log
            .iter()
            .any(|l| l.starts_with("Unable to AUTH to MASTER"))
    });
    let mut replica = Replica::of(&server, Some("secret"));
    replica.run_until("online", |r| r.session.is_online());
    let before = replica.session.place().unwrap().0;
    replica.cut("cut by the test");
    // Following nobody and then nobody again gives the same history a new id.
    let mut conn = server.connect();
    conn.line("REPLICAOF 127.0.0.1 1").expect_ok();
    conn.line("REPLICAOF NO ONE").expect_ok();
    replica.run_until("online again", |r| r.session.is_online());
    assert_eq!(
        (replica.full, replica.partial),
        (1, 1),
        "{:#?}",
        replica.log
    );
    let after = replica.session.place().unwrap().0;
    assert_ne!(before, after);
    let id = conn.info("master_replid").unwrap().unwrap();
    assert_eq!(after.as_str(), id);
}

#[test]
fn a_primary_that_is_itself_cut_off_is_asked_again() {
    let server = Server::of(Program::Redis70)
        .option("repl-diskless-sync-delay", "0")
        .options("replicaof", &["127.0.0.1", "1"])
        .start();
    let mut replica = Replica::of(&server, None);
    let line = "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK";
    replica.run_until("refusal", |r| r.log.iter().any(|l| l.starts_with(line)));
    server.line("REPLICAOF NO ONE").expect_ok();
    replica.run_until("online", |r| r.session.is_online());
}
