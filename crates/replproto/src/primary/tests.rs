//! Replies, states and time-outs towards a replica.
use super::*;
use crate::transfer::Mark;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";
const MARK: Mark = *b"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

fn id() -> ReplId {
    ReplId::parse(ID.as_bytes()).unwrap()
}

fn history() -> History {
    History {
        offset: Offset(1000),
        ..History::begin(id())
    }
}

fn view(history: &History) -> PrimaryView<'_> {
    PrimaryView {
        history,
        window: Some(Window {
            first: Offset(501),
            len: 500,
        }),
        role: Role::Primary,
        failing_over: false,
        pending_replies: false,
    }
}

fn sent(session: &mut PrimarySession) -> String {
    let mut out = Vec::new();
    while let Some(effect) = session.poll() {
        if let PrimaryEffect::Send(bytes) = effect {
            out.extend(bytes);
        }
    }
    String::from_utf8(out).unwrap()
}

fn effects(session: &mut PrimarySession) -> Vec<PrimaryEffect> {
    std::iter::from_fn(|| session.poll())
        .filter(|effect| !matches!(effect, PrimaryEffect::Log(..)))
        .collect()
}

fn log(session: &mut PrimarySession) -> Vec<String> {
    std::iter::from_fn(|| session.poll())
        .filter_map(|effect| match effect {
            PrimaryEffect::Log(_, line) => Some(line),
            _ => None,
        })
        .collect()
}

fn introduced() -> PrimarySession {
    let mut session = PrimarySession::new("10.0.0.2");
    session.replconf(0, &[b"listening-port", b"6380"]);
    session.replconf(0, &[b"capa", b"eof", b"CAPA", b"psync2", b"capa", b"else"]);
    assert_eq!(sent(&mut session), "+OK\r\n+OK\r\n");
    session
}

#[test]
fn names_are_those_of_log_lines() {
    let mut session = PrimarySession::new("10.0.0.2");
    assert_eq!(session.name(), "10.0.0.2:<unknown-replica-port>");
    session.replconf(0, &[b"listening-port", b"6380"]);
    assert_eq!(session.name(), "10.0.0.2:6380");
    session.replconf(0, &[b"ip-address", b"::1"]);
    assert_eq!(session.name(), "[::1]:6380");
}

#[test]
fn a_full_synchronization_over_a_file() {
    let (history, mut session) = (history(), introduced());
    session.sync(0, &[b"PSYNC", b"?", b"-1"], &view(&history));
    assert_eq!(effects(&mut session), [PrimaryEffect::NeedSnapshot]);
    assert_eq!(
        (session.info_state(), session.needs_stream()),
        ("wait_bgsave", false)
    );
    session.tick(1000, 60_000);
    assert_eq!(sent(&mut session), "\n");
    session.snapshot_begins(1100, id(), Offset(900), None);
    assert!(session.needs_stream());
    assert_eq!(sent(&mut session), format!("+FULLRESYNC {ID} 900\r\n"));
    session.tick(500_000, 60_000);
    assert_eq!(sent(&mut session), "\n", "a file may take its time");
    session.snapshot_on_disk(12_345);
    assert_eq!(sent(&mut session), "$12345\r\n");
    session.tick(502_000, 60_000);
    assert_eq!(sent(&mut session), "");
    session.snapshot_sent(502_000);
    assert_eq!(effects(&mut session), [PrimaryEffect::Stream(Offset(901))]);
    assert!(session.is_streaming());
    session.tick(562_000, 60_000);
    assert_eq!(effects(&mut session), []);
    session.replconf(562_000, &[b"ACK", b"905", b"FACK", b"880"]);
    let ack = PrimaryEffect::Acknowledged {
        applied: Offset(905),
        fsynced: Some(Offset(880)),
    };
    assert_eq!(effects(&mut session), [ack]);
    session.replconf(562_000, &[b"ack", b"700"]);
    assert_eq!(session.acknowledged(), Offset(905), "it never goes back");
    session.tick(622_001, 60_000);
    let line = "Disconnecting timedout replica (streaming sync): 10.0.0.2:6380";
    let effects: Vec<_> = std::iter::from_fn(|| session.poll()).collect();
    assert_eq!(effects[1], PrimaryEffect::Log(Level::Warning, line.into()));
    assert_eq!(effects[2], PrimaryEffect::Close);
}

#[test]
fn a_streamed_snapshot_waits_for_an_acknowledgement() {
    let (history, mut session) = (history(), introduced());
    session.sync(0, &[b"psync", b"?", b"-1"], &view(&history));
    effects(&mut session);
    session.snapshot_begins(1, id(), Offset(1000), Some(MARK));
    let mark = String::from_utf8(MARK.to_vec()).unwrap();
    assert_eq!(
        sent(&mut session),
        format!("+FULLRESYNC {ID} 1000\r\n$EOF:{mark}\r\n")
    );
    session.snapshot_progress(50_000);
    session.tick(70_000, 60_000);
    assert_eq!(effects(&mut session), [], "it takes bytes");
    session.snapshot_sent(71_000);
    assert_eq!(effects(&mut session), []);
    assert_eq!(session.info_state(), "online");
    session.replconf(72_000, &[b"ACK", b"1000"]);
    assert!(effects(&mut session).contains(&PrimaryEffect::Stream(Offset(1001))));
    let (history, mut session) = (self::history(), introduced());
    session.sync(0, &[b"psync", b"?", b"-1"], &view(&history));
    session.snapshot_begins(1, id(), Offset(1000), Some(MARK));
    effects(&mut session);
    session.tick(60_002, 60_000);
    assert_eq!(
        effects(&mut session),
        [PrimaryEffect::Close],
        "it takes nothing"
    );
}

#[test]
fn a_client_that_wants_the_snapshot_only_is_closed_after_it() {
    let (history, mut session) = (history(), introduced());
    session.replconf(0, &[b"rdb-only", b"1"]);
    session.replconf(0, &[b"rdb-filter-only", b"functions"]);
    assert!(session.introduction().without_data && !session.introduction().without_functions);
    session.sync(0, &[b"SYNC"], &view(&history));
    session.snapshot_begins(1, id(), Offset(1000), Some(MARK));
    assert!(!session.needs_stream());
    assert!(
        !sent(&mut session).contains("FULLRESYNC"),
        "SYNC knows no such line"
    );
    session.snapshot_sent(2);
    assert_eq!(effects(&mut session), [PrimaryEffect::Close]);
}

#[test]
fn a_partial_resynchronization_is_decided_and_told() {
    let (mut history, mut session) = (history(), introduced());
    history.promote(ReplId::parse(&[b'b'; 40]).unwrap());
    session.sync(0, &[b"PSYNC", ID.as_bytes(), b"800"], &view(&history));
    let reply = PrimaryEffect::Send(format!("+CONTINUE {}\r\n", history.id).into_bytes());
    assert_eq!(
        effects(&mut session),
        [reply, PrimaryEffect::Stream(Offset(800))]
    );
    let mut old = PrimarySession::new("10.0.0.3");
    old.sync(0, &[b"PSYNC", ID.as_bytes(), b"800"], &view(&history));
    assert_eq!(
        log(&mut old),
        [
            "Replica 10.0.0.3:<unknown-replica-port> asks for synchronization",
            "Partial resynchronization request from 10.0.0.3:<unknown-replica-port> accepted. Sending 201 bytes of \
             backlog starting from offset 800.",
        ]
    );
    let refused = |id: &[u8], offset: &[u8]| {
        let mut session = introduced();
        session.sync(0, &[b"PSYNC", id, offset], &view(&history));
        log(&mut session)[1..].to_vec()
    };
    let bs = "b".repeat(40);
    assert_eq!(
        refused(b"?", b"-1"),
        ["Full resync requested by replica 10.0.0.2:6380"]
    );
    assert_eq!(
        refused(b"xyz", b"5"),
        [format!(
            "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for 'xyz', my replication \
             IDs are '{bs}' and '{ID}')"
        )]
    );
    assert_eq!(
        refused(ID.as_bytes(), b"1002"),
        [
            "Partial resynchronization not accepted: Requested offset for second ID was 1002, but I can reply up to 1001"
        ]
    );
    assert_eq!(
        refused(bs.as_bytes(), b"1002"),
        [
            "Unable to partial resync with replica 10.0.0.2:6380 for lack of backlog (Replica request was: 1002).",
            "Warning: replica 10.0.0.2:6380 tried to PSYNC with an offset that is greater than the master \
             replication offset.",
        ]
    );
}

#[test]
fn requests_at_the_wrong_time_are_refused() {
    let history = history();
    let refused = |change: &dyn Fn(&mut PrimaryView<'_>), args: &[&[u8]]| {
        let mut session = PrimarySession::new("10.0.0.2");
        let mut view = view(&history);
        change(&mut view);
        session.sync(0, args, &view);
        assert!(!session.is_replica());
        sent(&mut session)
    };
    let psync: &[&[u8]] = &[b"PSYNC", b"?", b"-1"];
    let link = "-NOMASTERLINK Can't SYNC while";
    assert_eq!(
        refused(&|v| v.failing_over = true, psync),
        format!("{link} failing over\r\n")
    );
    assert_eq!(
        refused(&|v| v.role = Role::Replica { link_up: false }, psync),
        format!("{link} not connected with my master\r\n")
    );
    assert_eq!(
        refused(&|v| v.pending_replies = true, psync),
        "-ERR SYNC and PSYNC are invalid with pending output\r\n"
    );
    assert_eq!(
        refused(&|_| {}, &[b"PSYNC", b"?", b"x"]),
        "-ERR value is not an integer or out of range\r\n"
    );
    assert_eq!(
        refused(&|_| {}, &[b"PSYNC", ID.as_bytes(), b"1", b"FAILOVER"]),
        "-ERR PSYNC FAILOVER can't be sent to a master.\r\n"
    );
    let replica = |v: &mut PrimaryView<'_>| v.role = Role::Replica { link_up: true };
    assert_eq!(
        refused(&replica, &[b"PSYNC", b"other", b"1", b"failover"]),
        "-ERR PSYNC FAILOVER replid must match my replid.\r\n"
    );
    let mut session = PrimarySession::new("10.0.0.2");
    session.replconf(0, &[b"rdb-filter-only", b""]);
    session.sync(0, psync, &view(&history));
    assert_eq!(
        sent(&mut session),
        "+OK\r\n-ERR Filtered replica requires EOF capability\r\n"
    );
}

#[test]
fn a_hand_over_makes_a_replica_take_over_first() {
    let (mut history, mut session) = (history(), introduced());
    let mut as_replica = view(&history);
    as_replica.role = Role::Replica { link_up: true };
    session.sync(
        0,
        &[b"PSYNC", ID.as_bytes(), b"1001", b"FAILOVER"],
        &as_replica,
    );
    assert_eq!(effects(&mut session), [PrimaryEffect::TakeOver]);
    history.promote(ReplId::parse(&[b'c'; 40]).unwrap());
    session.sync(0, &[b"PSYNC", ID.as_bytes(), b"1001"], &view(&history));
    assert!(effects(&mut session).contains(&PrimaryEffect::Stream(Offset(1001))));
}

#[test]
fn what_is_not_asked_for_changes_nothing() {
    let (history, mut session) = (history(), introduced());
    session.replconf(5, &[b"ack", b"77"]);
    assert_eq!(effects(&mut session), [], "a client's ACK");
    session.replconf(5, &[b"getack", b"*"]);
    assert_eq!(effects(&mut session), [PrimaryEffect::AcknowledgeNow]);
    session.snapshot_begins(1, id(), Offset(1), None);
    session.snapshot_on_disk(5);
    session.snapshot_sent(6);
    session.snapshot_failed();
    session.tick(1_000_000, 1);
    assert_eq!(effects(&mut session), []);
    session.sync(0, &[b"PSYNC", ID.as_bytes(), b"800"], &view(&history));
    assert!(session.is_streaming());
    effects(&mut session);
    session.sync(0, &[b"PSYNC", ID.as_bytes(), b"800"], &view(&history));
    assert_eq!(effects(&mut session), [], "it is a replica already");
}

#[test]
fn a_failed_snapshot_ends_the_link() {
    let (history, mut session) = (history(), introduced());
    session.sync(0, &[b"PSYNC", b"?", b"-1"], &view(&history));
    effects(&mut session);
    session.snapshot_failed();
    assert_eq!(effects(&mut session), [PrimaryEffect::Close]);
}

#[test]
fn damaged_words_never_panic() {
    let lines = b"listening-port\x006380\nip-address\x00::1\ncapa\0eof\0capa\0psync2\nack\x005\0fack\x006\n\
        rdb-only\x001\nrdb-filter-only\0functions \"a b\"\nversion\x008.0\ngetack\0*";
    for seed in 0..20_000 {
        let mut rng = rdb::fuzz::Seeded::new(seed);
        let mut data = lines.to_vec();
        rng.mutate(&mut data);
        let caught = std::panic::catch_unwind(|| crate::fuzz::primary(&data));
        assert!(caught.is_ok(), "seed {seed}");
    }
}
