//! Our primary over real replicas: full synchronizations of both kinds, the stream, partial ones
//! after a cut.
use super::{Clock, LIMIT, receive, send};
use base::{Offset, ReplId};
use replproto::{History, Mark, PrimaryEffect, PrimarySession, PrimaryView, Role, Window};
use resp::{Arena, Limits, Parser, Step};
use std::net::{TcpListener, TcpStream};
use testkit::{Program, Server};

const MARK: Mark = *b"0123456789012345678901234567890123456789";

/// A primary of one replica, with everything it ever wrote as its backlog.
struct Primary {
    listener: TcpListener,
    stream: Option<TcpStream>,
    session: PrimarySession,
    parser: Parser,
    input: Vec<u8>,
    clock: Clock,
    history: History,
    /// The stream from offset 1 on.
    journal: Vec<u8>,
    /// What of the journal was sent, once it is to be.
    sent: Option<usize>,
    diskless: bool,
    /// How much of the end of the journal is kept.
    kept: u64,
    full: u32,
    partial: u32,
    log: Vec<String>,
}

impl Primary {
    fn start(diskless: bool) -> Primary {
        let port = testkit::reserve();
        let listener = TcpListener::bind(("127.0.0.1", port.number())).unwrap();
        listener.set_nonblocking(true).unwrap();
        Primary {
            listener,
            stream: None,
            session: PrimarySession::new("127.0.0.1"),
            parser: Parser::new(),
            input: Vec::new(),
            clock: Clock::start(),
            history: History::begin(ReplId::from_random([1; 20])),
            journal: Vec::new(),
            sent: None,
            diskless,
            kept: u64::MAX,
            full: 0,
            partial: 0,
            log: Vec::new(),
        }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Appends a command to the stream.
    fn write(&mut self, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        rdb::aof::put_command(&mut self.journal, &words);
        self.history.offset = Offset(self.journal.len() as i64);
    }

    fn window(&self) -> Window {
        let len = (self.journal.len() as u64).min(self.kept);
        Window {
            first: Offset(self.history.offset.0 - len as i64 + 1),
            len,
        }
    }

    fn cut(&mut self) {
        self.stream = None;
        self.sent = None;
        self.session = PrimarySession::new("127.0.0.1");
        self.parser = Parser::new();
        self.input.clear();
    }

    #[track_caller]
    fn run_until(&mut self, what: &str, mut reached: impl FnMut(&Primary) -> bool) {
        let start = self.clock.now();
        while !reached(self) {
            let waited = self.clock.now() - start;
            assert!(waited < LIMIT.as_millis() as u64, "{what}: {:#?}", self.log);
            if let Ok((stream, _)) = self.listener.accept() {
                self.cut();
                stream.set_nonblocking(false).unwrap();
                self.stream = Some(stream);
            }
            match self.stream.as_mut().map(receive) {
                Some(Some(bytes)) => self.input.extend(bytes),
                Some(None) => self.cut(),
                // Nobody is here yet.
                None => std::thread::yield_now(),
            }
            self.commands();
            self.session.tick(self.clock.now(), 60_000);
            self.effects();
            self.stream_on();
        }
    }

    fn commands(&mut self) {
        let mut arena = Arena::new();
        loop {
            let step = self
                .parser
                .next(&self.input, &mut arena, &Limits::default())
                .unwrap();
            let used = match step {
                Step::Incomplete { .. } => return,
                Step::Nothing(len) => len,
                Step::Command(command) => {
                    let args = arena.args(&command, &self.input);
                    let words: Vec<&[u8]> = args.iter().collect();
                    let now = self.clock.now();
                    match words[0].to_ascii_lowercase().as_slice() {
                        b"ping" => send(self.stream.as_mut().unwrap(), b"+PONG\r\n"),
                        b"replconf" => self.session.replconf(now, &words[1..]),
                        _ => {
                            let window = self.window();
                            let view = PrimaryView {
                                history: &self.history,
                                window: (!self.journal.is_empty()).then_some(window),
                                role: Role::Primary,
                                failing_over: false,
                                pending_replies: false,
                            };
                            self.session.sync(now, &words, &view);
                        }
                    }
                    command.len
                }
            };
            self.input.drain(..used);
            arena.clear();
        }
    }

    fn effects(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                PrimaryEffect::Send(bytes) => {
                    if let Some(stream) = &mut self.stream {
                        send(stream, &bytes);
                    }
                }
                PrimaryEffect::Log(_, line) => self.log.push(line),
                PrimaryEffect::NeedSnapshot => self.send_snapshot(),
                PrimaryEffect::Stream(from) => {
                    if self.full == 0 || from.0 - 1 != self.history.offset.0 {
                        self.partial += 1;
                    }
                    self.sent = Some(from.0 as usize - 1);
                }
                PrimaryEffect::Close => self.cut(),
                PrimaryEffect::Acknowledged { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn send_snapshot(&mut self) {
        self.full += 1;
        let mut writer = rdb::Writer::new(true, true);
        writer.select_db(0);
        writer.string(
            b"snapshot",
            &rdb::KeyMeta::default(),
            &b"taken ".repeat(self.full as usize),
        );
        writer.string(b"large", &rdb::KeyMeta::default(), &[b'x'; 200_000]);
        let file = writer.finish();
        let now = self.clock.now();
        let mark = self.diskless.then_some(MARK);
        self.session
            .snapshot_begins(now, self.history.id, self.history.offset, mark);
        if !self.diskless {
            self.session.snapshot_on_disk(file.len() as u64);
        }
        while let Some(effect) = self.session.poll() {
            if let PrimaryEffect::Send(bytes) = effect {
                send(self.stream.as_mut().unwrap(), &bytes);
            }
        }
        send(self.stream.as_mut().unwrap(), &file);
        if self.diskless {
            send(self.stream.as_mut().unwrap(), &MARK);
        }
        self.session.snapshot_sent(now);
    }

    fn stream_on(&mut self) {
        if let (Some(from), Some(stream)) = (self.sent, &mut self.stream) {
            send(stream, &self.journal[from..]);
            self.sent = Some(self.journal.len());
        }
    }

    fn in_step(&self) -> bool {
        self.session.is_streaming() && self.session.acknowledged() == self.history.offset
    }
}

#[test]
fn full_and_partial_synchronization_of_real_replicas() {
    let cases = [
        (Program::Redis70, false),
        (Program::Redis70, true),
        (Program::Redis74, true),
        (Program::Redis8, true),
        (Program::Valkey, true),
    ];
    for (program, diskless) in cases {
        let mut primary = Primary::start(diskless);
        primary.write(&["PING"]);
        let server = Server::of(program).start();
        let mut conn = server.connect();
        conn.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()])
            .expect_ok();
        primary.run_until("in step", Primary::in_step);
        assert_eq!(primary.full, 1, "{program:?}");
        assert_eq!(
            primary.session.introduction().port,
            Some(i64::from(server.port()))
        );
        assert_eq!(conn.line("GET snapshot").text(), "taken ");
        primary.write(&["SELECT", "0"]);
        primary.write(&["SET", "streamed", "1"]);
        primary.run_until("in step", Primary::in_step);
        assert_eq!(conn.line("GET streamed").text(), "1");
        assert_eq!(conn.info("master_link_status").unwrap().unwrap(), "up");

        // The link breaks, and the history gets a new id meanwhile: a take-over.
        primary.cut();
        primary.history.promote(ReplId::from_random([2; 20]));
        primary.write(&["SET", "missed", "2"]);
        primary.run_until("in step", Primary::in_step);
        assert_eq!(primary.full, 1, "{program:?}: {:#?}", primary.log);
        assert_eq!(conn.line("GET missed").text(), "2");
        let id = conn.info("master_replid").unwrap().unwrap();
        assert_eq!(id, primary.history.id.as_str());
        let id2 = conn.info("master_replid2").unwrap().unwrap();
        assert_eq!(id2, primary.history.id2.as_str());

        // What the replica misses is no longer kept.
        primary.cut();
        for i in 0..100 {
            primary.write(&["SET", "lost", &i.to_string()]);
        }
        primary.kept = 100;
        primary.run_until("in step", Primary::in_step);
        assert_eq!(primary.full, 2, "{program:?}: {:#?}", primary.log);
        assert_eq!(conn.line("GET snapshot").text(), "taken taken ");
        assert!(
            primary
                .log
                .iter()
                .any(|l| l.contains("for lack of backlog")),
            "{:#?}",
            primary.log
        );
    }
}

#[test]
fn the_real_command_line_takes_a_snapshot_from_us() {
    let mut primary = Primary::start(true);
    let directory = testkit::TempDir::new("rdb-only");
    let path = directory.path().join("taken.rdb");
    let port = primary.port().to_string();
    let mut child = Program::Redis70
        .command(testkit::Tool::Cli)
        .args(["-p", &port, "--rdb", path.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    primary.run_until("the end", |_| child.try_wait().unwrap().is_some());
    assert!(child.wait().unwrap().success());
    assert_eq!(super::keys(&std::fs::read(&path).unwrap()).len(), 2);
}
