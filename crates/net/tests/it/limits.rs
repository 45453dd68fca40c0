//! Limits of input and output, protocol errors, time-outs.

use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use net::{CloseReason, OutputLimits, ReadLimits};

use crate::lab::{Bench, command, until};

#[test]
fn protocol_errors_come_after_the_replies_before_them() {
    let bench = Bench::start(1);
    let cases: [(&[u8], &str); 4] = [
        (b"*1\r\nx\r\n", "expected '$', got 'x'"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"ECHO \"\r\n", "unbalanced quotes in request"),
    ];
    for (bad, text) in cases {
        let (mut client, id, _) = bench.connect();
        client.send([b"PING\r\n", bad, b"PING\r\n"].concat());
        let expected = format!("+PONG\r\n-ERR Protocol error: {text}\r\n");
        assert_eq!(String::from_utf8(client.rest()).unwrap(), expected);
        let (closed, why) = bench.closed();
        assert_eq!(closed, id);
        assert!(matches!(why, CloseReason::Protocol(_)), "{why:?}");
    }
    bench.stop();
}

#[test]
fn a_protocol_error_behind_a_parked_command() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    client.send("PARK a\r\nPING\r\n*x\r\n");
    assert_eq!(bench.waits(), id);
    bench.permit("a");
    bench.call(0, move |conns| conns.unpark(id));
    assert_eq!(
        client.rest(),
        b"+ran\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"
    );
    bench.stop();
}

#[test]
fn before_authentication() {
    let bench = Bench::start(1);
    bench.shared.read.lock().unwrap().request.authenticated = false;
    let eleven: Vec<&[u8]> = vec![b"ECHO"; 11];
    let (mut client, ..) = bench.connect();
    client.send(command(&eleven));
    client.expect("-ERR Protocol error: unauthenticated multibulk length\r\n");
    bench.closed();
    let (mut client, ..) = bench.connect();
    client.send("*2\r\n$4\r\nECHO\r\n$16385\r\n");
    client.expect("-ERR Protocol error: unauthenticated bulk length\r\n");
    bench.closed();
    // In one piece with the command that authenticates.
    let (mut client, ..) = bench.connect();
    let mut bytes = command(&[b"AUTH"]);
    bytes.extend(command(&eleven));
    client.send(bytes);
    client.expect("+OK\r\n$4\r\nECHO\r\n");
    bench.stop();
}

#[test]
fn who_may_have_little_output_is_read_no_further_until_it_reads() {
    const COMMANDS: usize = 2_000_000;
    let bench = Bench::start(1);
    bench.shared.read.lock().unwrap().unsent = 4096;
    let (client, _, stats) = bench.connect();
    let mut writer = client.stream.try_clone().unwrap();
    let mut reader = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&b"PING\r\n".repeat(COMMANDS)));
    until("its output is all that it may be", || {
        stats.output_len() > 4096
    });
    let (mut read, mut most, mut chunk) = (0, 0, vec![0; 1 << 16]);
    while read < COMMANDS * b"+PONG\r\n".len() {
        most = most.max(stats.output_len());
        let got = reader.read(&mut chunk).unwrap();
        assert!(got > 0, "closed after {read} bytes");
        read += got;
    }
    // Sixteen commands run between two looks.
    assert!(most < 4096 + 2048, "{most} bytes");
    sender.join().unwrap().unwrap();
    assert_eq!(stats.commands(), COMMANDS as u64);
    bench.stop();
}

#[test]
fn the_query_buffer_is_limited() {
    let bench = Bench::start(1);
    *bench.shared.read.lock().unwrap() = ReadLimits {
        query_buffer: 1 << 20,
        ..ReadLimits::default()
    };
    let (mut client, id, stats) = bench.connect();
    let value = vec![b'x'; 900_000];
    client.send(command(&[b"ECHO", &value]));
    assert!(client.reply().bytes() == value);
    client.send("*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    // The server closes in the midst of it.
    let _ = client.stream.write_all(&vec![b'x'; 3_000_000]);
    assert_eq!(client.rest(), b"");
    let (closed, why) = bench.closed();
    assert_eq!(closed, id);
    assert!(
        matches!(why, CloseReason::QueryBuffer { bytes } if bytes > 1 << 20),
        "{why:?}"
    );
    assert_eq!(stats.commands(), 1);
    bench.stop();
}

#[test]
fn memory_is_set_aside_only_for_what_has_come() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    client.send("*2\r\n$4\r\nECHO\r\n$500000000\r\n");
    client.send(vec![b'x'; 100_000]);
    until("it is read", || stats.bytes_in() > 100_000);
    // What is given on credit, and what has come.
    assert!(
        stats.query_memory() < 3 << 19,
        "{} bytes",
        stats.query_memory()
    );
    bench.stop();
}

#[test]
fn the_hard_output_limit() {
    let bench = Bench::start(1);
    bench.shared.output.lock().unwrap().hard = 1_000_000;
    // By one reply.
    let (mut client, id, _) = bench.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    client.send("BIG 1000001\r\nPING\r\n");
    assert_eq!(client.rest(), b"");
    let (closed, why) = bench.closed();
    assert_eq!(closed, id);
    assert!(
        matches!(why, CloseReason::OutputLimit { soft: false, .. }),
        "{why:?}"
    );
    // By many pushes to a peer that does not read.
    let (_client, id, _) = bench.connect();
    let mut pushed = 0;
    while bench.call(0, move |conns| conns.push(id, &[b'x'; 100_000])) {
        pushed += 1;
        assert!(pushed < 1000, "never closed");
    }
    let (closed, why) = bench.closed();
    assert_eq!(closed, id);
    assert!(matches!(why, CloseReason::OutputLimit { bytes, soft: false } if bytes < 1_500_000));
    // By what waits in inboxes.
    bench.shared.output.lock().unwrap().pushed = 1_000_000;
    let (mut client, id, _) = bench.connect();
    client.send("BIG 17000\r\n");
    assert_eq!(bench.closed().0, id);
    bench.stop();
}

#[test]
fn the_soft_output_limit_strikes_only_after_its_time() {
    let bench = Bench::start(1);
    let limit = Duration::from_millis(300);
    *bench.shared.output.lock().unwrap() = OutputLimits {
        soft: 1_000_000,
        soft_for: limit,
        ..OutputLimits::default()
    };
    // A peer that reads at once may pass it as often as it likes.
    let (mut quick, ..) = bench.connect();
    let (_slow, id, _) = bench.connect();
    let began = Instant::now();
    bench.call(0, move |conns| conns.push(id, &[b'x'; 20_000_000]));
    let why = loop {
        quick.send("BIG 2000000\r\n");
        assert_eq!(quick.reply().bytes().len(), 2_000_000);
        match bench.seen.try_recv() {
            Ok(crate::lab::Seen::Closed(closed, why)) => {
                assert_eq!(closed, id);
                break why;
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => assert!(began.elapsed() < crate::lab::PATIENCE),
        }
    };
    assert!(began.elapsed() >= limit);
    assert!(
        matches!(why, CloseReason::OutputLimit { soft: true, .. }),
        "{why:?}"
    );
    bench.stop();
}

#[test]
fn idle_connections_are_closed_unless_they_wait() {
    let bench = Bench::start(1);
    let (mut blocked, blocked_id, _) = bench.connect();
    blocked.send("BLOCK\r\n");
    assert_eq!(bench.waits(), blocked_id);
    let (mut idle, id, _) = bench.connect();
    *bench.shared.idle.lock().unwrap() = Some(Duration::from_millis(50));
    assert_eq!(idle.rest(), b"");
    assert!(matches!(bench.closed(), (closed, CloseReason::Idle) if closed == id));
    *bench.shared.idle.lock().unwrap() = None;
    bench.call(0, move |conns| conns.unblock(blocked_id));
    blocked.ask("PING\r\n", "+PONG\r\n");
    bench.stop();
}

#[test]
fn timers_can_be_set_at_any_time() {
    let bench = Bench::start(1);
    until("the first tick", || {
        bench.shared.ticks.load(Ordering::Relaxed) == 1
    });
    let began = Instant::now();
    let due = began + Duration::from_millis(30);
    let shared = bench.shared.clone();
    bench.call(0, move |_| *shared.due.lock().unwrap() = Some(due));
    until("the second tick", || {
        bench.shared.ticks.load(Ordering::Relaxed) == 2
    });
    assert!(Instant::now() >= due);
    bench.stop();
}

/// The numbers are those that Redis's own test of query buffers looks for.
#[test]
fn a_buffer_of_its_own_stays_only_while_it_is_used() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    assert_eq!(stats.query_memory(), 0);
    client.send("*2\r\n$4\r\nEC");
    until("a part is kept", || stats.query_len() == 10);
    client.ask("HO\r\n$1\r\na\r\n", "$1\r\na\r\n");
    bench.call(0, |_| ());
    assert!(
        (16384..=32770).contains(&stats.query_memory()),
        "{} bytes",
        stats.query_memory()
    );
    // A large command, then small ones without a pause.
    let large = vec![b'x'; 400_000];
    client.send(command(&[b"ECHO", &large]));
    assert!(client.reply().bytes() == large);
    bench.call(0, |_| ());
    assert!(stats.query_memory() > 400_000);
    until("the room is given back", || {
        client.ask("PING\r\n", "+PONG\r\n");
        stats.query_memory() < 32768
    });
    assert_eq!(stats.query_memory(), 16384);
    until("the buffer is given back", || stats.query_memory() == 0);
    // A large argument that is announced and does not come.
    client.send("*2\r\n$4\r\nECHO\r\n$1000000\r\n");
    until("it is read", || stats.query_len() > 0);
    client.send("a");
    until("room is made", || stats.query_memory() >= 1_000_000);
    until("the room is given back", || stats.query_memory() < 100);
    client.send(&large);
    client.send(vec![b'x'; 599_999]);
    client.send("\r\n");
    assert_eq!(client.reply().bytes().len(), 1_000_000);
    bench.stop();
}
