//! Transcripts of whole links, in pieces of any size, and what goes wrong.
use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";

fn config() -> ReplicaConfig {
    ReplicaConfig {
        host: "10.0.0.1".into(),
        port: 6379,
        auth: None,
        announce_port: 6380,
        announce_ip: None,
        diskless_load: false,
        failover: false,
    }
}

fn id(text: &str) -> ReplId {
    ReplId::parse(text.as_bytes()).unwrap()
}

/// What a driver would have seen, with pieces and units joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    sent: String,
    log: Vec<String>,
    events: Vec<String>,
    snapshot: Vec<u8>,
    units: Vec<String>,
}

impl Seen {
    fn take(&mut self, session: &mut ReplicaSession) {
        while let Some(effect) = session.poll() {
            match effect {
                ReplicaEffect::Send(bytes) => {
                    self.sent
                        .push_str(&String::from_utf8(bytes).unwrap().replace("\r\n", " "));
                }
                ReplicaEffect::Log(_, line) => self.log.push(line),
                ReplicaEffect::Snapshot(piece) => {
                    self.snapshot
                        .extend_from_slice(&session.bytes()[..piece.len]);
                    session.done();
                }
                ReplicaEffect::Unit(unit) => {
                    let text = String::from_utf8_lossy(&session.bytes()[..unit.len]);
                    self.units
                        .push(format!("{}@{}", text.replace("\r\n", " "), unit.end));
                    session.done();
                }
                ReplicaEffect::SnapshotEnds => {
                    self.events.push("SnapshotEnds".into());
                    session.loaded(5, Ok(()));
                }
                other => self.events.push(format!("{other:?}")),
            }
        }
    }
}

fn start(config: ReplicaConfig, place: Option<(ReplId, Offset)>) -> (ReplicaSession, Seen) {
    let mut session = ReplicaSession::new(config, place);
    let mut seen = Seen::default();
    session.tick(0, 60_000);
    seen.take(&mut session);
    assert_eq!(seen.events, ["Connect"]);
    session.connected(1);
    seen.take(&mut session);
    (session, seen)
}

fn feed(session: &mut ReplicaSession, seen: &mut Seen, wire: &[u8], piece: usize) {
    for bytes in wire.chunks(piece) {
        session.input(2, bytes);
        seen.take(session);
    }
}

const MARK: &[u8; 40] = b"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";
const HELLO: &[u8] = b"+PONG\r\n+OK\r\n+OK\r\n";

fn stream() -> Vec<u8> {
    let mut out = command(&[b"SELECT", b"0"]);
    out.extend(command(&[b"SET", b"k", b"v\r\n*1\r\n"]));
    out.extend(command(&[b"MULTI"]));
    out.extend(command(&[b"INCR", b"n"]));
    out.extend(command(&[b"EXEC"]));
    out.extend(command(&[b"REPLCONF", b"GETACK", b"*"]));
    out.extend(command(&[b"PING"]));
    out
}

#[test]
fn a_full_synchronization_in_any_pieces() {
    let mark = [&b"$EOF:"[..], MARK, b"\r\nREDISmmmm data", MARK].concat();
    for body in [
        b"\n\n$14\r\nREDISmmmm data".to_vec(),
        [&b"\n"[..], &mark].concat(),
    ] {
        let head = format!("+FULLRESYNC {ID} 1000\r\n");
        let wire = [HELLO, b"\n\n", head.as_bytes(), &body, &stream()].concat();
        let mut first: Option<Seen> = None;
        for piece in [1, 2, 3, 5, 8, 17, 64, 1000] {
            let (mut session, mut seen) = start(config(), None);
            feed(&mut session, &mut seen, &wire, piece);
            assert!(session.is_online());
            let end = Offset(1000 + stream().len() as i64);
            assert_eq!(session.place(), Some((id(ID), end)));
            assert_eq!(seen.snapshot, b"REDISmmmm data");
            if let Some(first) = &first {
                assert_eq!(*first, seen, "pieces of {piece}");
            }
            first = Some(seen);
        }
        let seen = first.unwrap();
        assert_eq!(seen.units.len(), 5, "{:?}", seen.units);
        assert_eq!(
            seen.units[2],
            "*1 $5 MULTI *2 $4 INCR $1 n *1 $4 EXEC @1106"
        );
        let before_ping = 1000 + stream().len() - 14;
        assert!(
            seen.sent
                .starts_with("*1 $4 PING *3 $8 REPLCONF $14 listening-port $4 6380 ")
        );
        assert!(
            seen.sent
                .contains("*3 $5 PSYNC $1 ? $2 -1 *3 $8 REPLCONF $3 ACK $4 1000 ")
        );
        assert!(
            seen.sent.ends_with(&format!("$3 ACK $4 {before_ping} ")),
            "{}",
            seen.sent
        );
        assert_eq!(
            seen.events[1],
            format!("FullResync(Some((ReplId({ID}), Offset(1000))))")
        );
    }
}

#[test]
fn the_log_is_that_of_a_real_replica() {
    let (mut session, mut seen) = start(config(), None);
    let wire = [
        HELLO,
        format!("+FULLRESYNC {ID} 7\r\n$4\r\nabcd").as_bytes(),
    ]
    .concat();
    feed(&mut session, &mut seen, &wire, 1000);
    assert_eq!(
        seen.log,
        [
            "Connecting to MASTER 10.0.0.1:6379",
            "MASTER <-> REPLICA sync started",
            "Non blocking connect for SYNC fired the event.",
            "Master replied to PING, replication can continue...",
            "Partial resynchronization not possible (no cached master)",
            &format!("Full resync from master: {ID}:7"),
            "MASTER <-> REPLICA sync: receiving 4 bytes from master to disk",
            "MASTER <-> REPLICA sync: Flushing old data",
            "MASTER <-> REPLICA sync: Loading DB in memory",
            "MASTER <-> REPLICA sync: Finished with success",
        ]
    );
}

fn online(session: &mut ReplicaSession, seen: &mut Seen) {
    let wire = [HELLO, format!("+FULLRESYNC {ID} 100\r\n$0\r\n").as_bytes()].concat();
    feed(session, seen, &wire, 1000);
    assert!(session.is_online());
}

#[test]
fn a_lost_link_is_continued_where_the_last_whole_unit_ended() {
    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    let whole = command(&[b"SET", b"a", b"1"]);
    let open = [command(&[b"MULTI"]), command(&[b"SET", b"b", b"2"])].concat();
    feed(&mut session, &mut seen, &[&whole[..], &open].concat(), 7);
    let end = 100 + whole.len() as i64;
    assert_eq!(session.place(), Some((id(ID), Offset(end))));
    session.disconnected("Connection reset by peer");
    session.tick(1000, 60_000);
    seen = Seen::default();
    seen.take(&mut session);
    assert_eq!(
        seen.log[..2],
        [
            "Connection with master lost.",
            "Caching the disconnected master state."
        ]
    );
    session.connected(1001);
    let reply = format!("+CONTINUE {OTHER}\r\n");
    let again = [HELLO, reply.as_bytes(), &open, &command(&[b"EXEC"])].concat();
    feed(&mut session, &mut seen, &again, 3);
    assert!(
        seen.sent
            .contains(&format!("PSYNC $40 {ID} $3 {} ", end + 1)),
        "{}",
        seen.sent
    );
    assert!(
        seen.events
            .contains(&format!("PartialResync(ReplId({OTHER}))")),
        "{:?}",
        seen.events
    );
    assert!(
        seen.log
            .contains(&format!("Master replication ID changed to {OTHER}"))
    );
    assert_eq!(seen.units.len(), 1);
    let (now, offset) = session.place().unwrap();
    assert_eq!((now, offset.0), (id(OTHER), end + open.len() as i64 + 14));
}

#[test]
fn a_promotion_drops_an_unfinished_unit() {
    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    let whole = command(&[b"SET", b"a", b"1"]);
    let open = [command(&[b"MULTI"]), command(&[b"SET", b"b", b"2"])].concat();
    feed(
        &mut session,
        &mut seen,
        &[&whole[..], &open, b"*1\r\n$4\r\nEX"].concat(),
        11,
    );
    assert_eq!(seen.units.len(), 1);
    assert_eq!(
        session.end(),
        Some((id(ID), Offset(100 + whole.len() as i64)))
    );
}

#[test]
fn an_old_place_lives_until_new_data_is_loaded() {
    let place = Some((id(OTHER), Offset(55)));
    for (diskless_load, kept) in [(false, place), (true, None)] {
        let (mut session, mut seen) = start(
            ReplicaConfig {
                diskless_load,
                ..config()
            },
            place,
        );
        let wire = [
            HELLO,
            format!("+FULLRESYNC {ID} 7\r\n$400\r\nabcd").as_bytes(),
        ]
        .concat();
        feed(&mut session, &mut seen, &wire, 9);
        assert!(seen.sent.contains(&format!("PSYNC $40 {OTHER} $2 56 ")));
        assert_eq!(session.transferred(), Some((4, Some(400))));
        assert_eq!(session.role_state(), "sync");
        session.disconnected("connection lost");
        assert_eq!(
            session.place(),
            kept,
            "without the new data the old is continued"
        );
    }
}

#[test]
fn refusals_are_told_and_tried_again() {
    for (wire, line) in [
        (&b"-MISCONF whatever\r\n"[..], "Error reply to PING from master: '-MISCONF whatever'"),
        (
            b"+PONG\r\n+OK\r\n+OK\r\n-NOMASTERLINK Can't SYNC\r\n",
            "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK Can't SYNC",
        ),
        (
            b"+PONG\r\n+OK\r\n+OK\r\n-LOADING x\r\n",
            "Master is currently unable to PSYNC but should be in the future: -LOADING x",
        ),
        (
            b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n",
            "Unexpected reply to PSYNC from master: +CONTINUE without a place to continue from",
        ),
        (
            b"+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789abcdef0123456789abcdef01234567 1\r\n-no space\r\n",
            "MASTER aborted replication with an error: no space",
        ),
        (
            b"+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789abcdef0123456789abcdef01234567 1\r\nHTTP\r\n",
            "Bad protocol from MASTER, the first byte is not '$' (we received 'HTTP'), are you sure the host and \
             port are right?",
        ),
    ] {
        let (mut session, mut seen) = start(config(), None);
        feed(&mut session, &mut seen, wire, 4);
        assert_eq!(seen.log.last().unwrap(), line);
        assert_eq!(seen.events.last().unwrap(), "Close");
        assert_eq!(session.role_state(), "connect");
        session.tick(2000, 60_000);
        assert_eq!(session.role_state(), "connecting");
    }
}

#[test]
fn a_place_that_makes_no_sense_is_none() {
    for place in [
        format!("{ID} {}", i64::MAX),
        format!("{ID} -1"),
        format!("{ID} x"),
        format!("{} 5", &ID[1..]),
        ID.to_string(),
        String::new(),
    ] {
        let (mut session, mut seen) = start(config(), None);
        let wire = [HELLO, format!("+FULLRESYNC {place}\r\n$0\r\n").as_bytes()].concat();
        feed(&mut session, &mut seen, &wire, 9);
        feed(&mut session, &mut seen, &stream(), 9);
        let line = "Master replied with wrong +FULLRESYNC syntax.".to_string();
        assert!(seen.log.contains(&line), "{place}");
        assert_eq!((seen.units.len(), session.place()), (5, None));
    }
}

#[test]
fn a_password_is_given_first_and_a_refused_one_told() {
    let auth = Some((Some("user".into()), "secret".into()));
    let announce_ip = Some("1.2.3.4".into());
    let named = ReplicaConfig {
        auth,
        announce_ip,
        ..config()
    };
    let (mut session, mut seen) = start(named.clone(), None);
    feed(
        &mut session,
        &mut seen,
        b"-NOAUTH Authentication required.\r\n",
        5,
    );
    let words = "*3 $4 AUTH $4 user $6 secret *3 $8 REPLCONF $14 listening-port $4 6380 \
                 *3 $8 REPLCONF $10 ip-address $7 1.2.3.4 *5 $8 REPLCONF $4 capa $3 eof $4 capa $6 psync2 ";
    assert!(seen.sent.ends_with(words), "{}", seen.sent);
    feed(
        &mut session,
        &mut seen,
        b"+OK\r\n-ERR a\r\n-ERR b\r\n-ERR c\r\n",
        5,
    );
    assert_eq!(
        seen.log[4..7],
        [
            "(Non critical) Master does not understand REPLCONF listening-port: -ERR a",
            "(Non critical) Master does not understand REPLCONF ip-address: -ERR b",
            "(Non critical) Master does not understand REPLCONF capa: -ERR c",
        ]
    );
    let (mut session, mut seen) = start(named, None);
    feed(&mut session, &mut seen, b"+PONG\r\n-WRONGPASS no\r\n", 5);
    assert_eq!(
        seen.log.last().unwrap(),
        "Unable to AUTH to MASTER: -WRONGPASS no"
    );
}

#[test]
fn a_primary_without_psync_is_followed_without_acknowledging() {
    let (mut session, mut seen) = start(config(), None);
    let wire = [
        HELLO,
        b"-ERR unknown command 'PSYNC'\r\n$2\r\nxy",
        &command(&[b"PING"]),
    ]
    .concat();
    feed(&mut session, &mut seen, &wire, 6);
    assert!(seen.sent.ends_with("SYNC "), "{}", seen.sent);
    assert!(seen.log.contains(&"Retrying with SYNC...".to_string()));
    assert_eq!((seen.units.len(), session.place()), (1, None));
    session.tick(10_000, 60_000);
    seen.take(&mut session);
    assert!(!seen.sent.contains("ACK"));
}

#[test]
fn silence_ends_the_link_in_every_state_but_loading() {
    let (mut session, mut seen) = start(config(), None);
    session.tick(60_001, 60_000);
    seen.take(&mut session);
    assert_ne!(
        seen.events.last().unwrap(),
        "Close",
        "exactly the limit is not over it"
    );
    session.tick(60_002, 60_000);
    seen.take(&mut session);
    assert_eq!(
        seen.log.last().unwrap(),
        "Timeout connecting to the MASTER..."
    );

    let (mut session, mut seen) = start(config(), None);
    let wire = [
        HELLO,
        format!("+FULLRESYNC {ID} 7\r\n$400\r\nabcd").as_bytes(),
    ]
    .concat();
    feed(&mut session, &mut seen, &wire, 100);
    session.tick(70_000, 60_000);
    seen.take(&mut session);
    assert!(
        seen.log
            .last()
            .unwrap()
            .starts_with("Timeout receiving bulk data from MASTER...")
    );

    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    session.tick(70_000, 60_000);
    seen.take(&mut session);
    assert_eq!(
        seen.log.last().unwrap(),
        "MASTER timeout: no data nor PING received..."
    );
    assert_eq!(session.place(), Some((id(ID), Offset(100))));
}

#[test]
fn while_loading_the_primary_is_shown_that_we_live() {
    let mut session = ReplicaSession::new(config(), None);
    session.tick(0, 60_000);
    session.connected(0);
    let wire = [HELLO, format!("+FULLRESYNC {ID} 7\r\n$0\r\n").as_bytes()].concat();
    session.input(0, &wire);
    let mut last = None;
    while let Some(effect) = session.poll() {
        last = Some(effect);
    }
    assert_eq!(last, Some(ReplicaEffect::SnapshotEnds));
    assert!(!session.wants_input());
    for second in [1000, 1500, 2000, 500_000] {
        session.tick(second, 60_000);
    }
    let beats = std::iter::from_fn(|| session.poll()).collect::<Vec<_>>();
    assert_eq!(beats, vec![ReplicaEffect::Send(b"\n".to_vec()); 3]);
    session.loaded(500_001, Err("Invalid argument"));
    let line = "Failed trying to load the MASTER synchronization DB from disk: Invalid argument";
    let told = ReplicaEffect::Log(Level::Warning, line.into());
    assert_eq!(session.poll(), Some(told));
    assert_eq!(session.poll(), Some(ReplicaEffect::Close));
    assert_eq!(session.place(), None, "the old data is gone");
}

#[test]
fn acknowledgements_come_every_second_with_what_is_on_disk() {
    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    session.set_fsynced(Some(Offset(90)));
    seen.sent.clear();
    session.tick(1004, 60_000);
    session.tick(1005, 60_000);
    session.tick(1900, 60_000);
    seen.take(&mut session);
    assert_eq!(seen.sent, "*5 $8 REPLCONF $3 ACK $3 100 $4 FACK $2 90 ");
}

#[test]
fn a_stream_that_is_none_ends_the_link_and_the_place() {
    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    feed(&mut session, &mut seen, b"*1\r\n:5\r\n", 3);
    let line = seen.log.last().unwrap();
    assert!(line.starts_with("Protocol error from master: "), "{line}");
    assert_eq!(
        (seen.events.last().unwrap().as_str(), session.place()),
        ("Close", None)
    );
}

#[test]
fn lent_bytes_hold_everything_up_until_done() {
    let (mut session, mut seen) = start(config(), None);
    online(&mut session, &mut seen);
    session.input(3, &stream());
    let mut units = 0;
    while let Some(effect) = session.poll() {
        let ReplicaEffect::Unit(unit) = effect else {
            continue;
        };
        assert_eq!(session.poll(), None, "nothing else while a unit is lent");
        let before = session.place().unwrap().1.0;
        assert_eq!(before + unit.len as i64, unit.end.0);
        session.done();
        assert_eq!(session.place().unwrap().1, unit.end);
        units += 1;
    }
    assert_eq!(units, 5);
}

#[test]
fn damaged_transcripts_never_panic() {
    let mark = [
        &b"\x05"[..],
        HELLO,
        b"+FULLRESYNC ",
        ID.as_bytes(),
        b" 1000\r\n$EOF:",
        MARK,
        b"\r\ndata",
        MARK,
    ]
    .concat();
    let wire = [&mark[..], &stream()].concat();
    for seed in 0..20_000 {
        let mut rng = rdb::fuzz::Seeded::new(seed);
        let mut data = wire.clone();
        rng.mutate(&mut data);
        let caught = std::panic::catch_unwind(|| crate::fuzz::replica(&data));
        assert!(caught.is_ok(), "seed {seed}");
    }
}
