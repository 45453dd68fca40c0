//! Parking, holding, blocking, detaching, marks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;

use net::CloseReason;

use crate::lab::{Bench, Seen, command, until};

#[test]
fn a_parked_command_runs_again_and_nothing_overtakes_it() {
    let bench = Bench::start(1);
    let (mut client, id, stats) = bench.connect();
    client.send("PING\r\nPARK a\r\nPING\r\nPARK b\r\nCOUNT\r\n");
    client.expect("+PONG\r\n");
    assert_eq!(bench.waits(), id);
    // Woken without being let through, it waits again; unblocking is not for it.
    bench.call(0, move |conns| conns.unblock(id));
    bench.call(0, move |conns| conns.unpark(id));
    assert_eq!(bench.waits(), id);
    let before = stats.bytes_out();
    assert_eq!(before, 7);
    bench.permit("a");
    bench.call(0, move |conns| conns.unpark(id));
    client.expect("+ran\r\n+PONG\r\n");
    assert_eq!(bench.waits(), id);
    // Later input waits too.
    client.send("ECHO later\r\n");
    bench.permit("b");
    bench.call(0, move |conns| {
        assert!(conns.is_waiting(id));
        conns.unpark(id);
    });
    // PING, three times PARK a, PING, twice PARK b, COUNT.
    client.expect("+ran\r\n:8\r\n$5\r\nlater\r\n");
    bench.stop();
}

/// A wake-up may come before the loop has heard that the command waits, or before the batch is
/// over: neither may be lost, and nothing may overtake the command or run twice.
#[test]
fn wake_ups_that_come_at_once() {
    let bench = Bench::start(1);
    for ordered in [false, true] {
        let (mut client, ..) = bench.connect();
        if ordered {
            client.ask("ORDERED\r\n", "+OK\r\n");
        }
        for name in ["by inbox", "by end"] {
            for kind in ["PARK", "HOLD"] {
                let mut request = String::new();
                let mut reply = String::new();
                for i in 10..60 {
                    request += &format!("ECHO {i}\r\n{kind} \"{name}\"\r\n\r\n");
                    reply += &format!("$2\r\n{i}\r\n+ran\r\n");
                }
                // With a part of the next command behind it.
                client.send(request + "PI");
                client.expect(&reply);
                client.ask("NG\r\n", "+PONG\r\n");
            }
        }
        // The peer has closed its side, but all it sent before is executed.
        client.send("PARK \"by end\"\r\nPARK \"by inbox\"\r\nPING\r\n");
        client.stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.rest(), b"+ran\r\n+ran\r\n+PONG\r\n");
        bench.closed();
    }
    bench.stop();
}

#[test]
fn a_large_parked_command_runs_again() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    let filler = vec![b'x'; 300_000];
    client.send(command(&[b"PARK", b"a", &filler]));
    client.send(command(&[b"ECHO", &filler]));
    assert_eq!(bench.waits(), id);
    bench.permit("a");
    bench.call(0, move |conns| conns.unpark(id));
    client.expect("+ran\r\n");
    assert!(client.reply().bytes() == filler);
    bench.stop();
}

#[test]
fn a_parked_command_runs_even_if_its_peer_has_closed_its_side() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    client.send("PARK a\r\nPING\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(bench.waits(), id);
    bench.permit("a");
    bench.call(0, move |conns| conns.unpark(id));
    assert_eq!(client.rest(), b"+ran\r\n+PONG\r\n");
    assert!(matches!(bench.closed(), (closed, CloseReason::Peer) if closed == id));
    bench.stop();
}

#[test]
fn a_held_or_blocked_connection_ends_with_its_peer() {
    let bench = Bench::start(1);
    for request in ["PING\r\nHOLD a\r\n", "PING\r\nBLOCK\r\nPING\r\n"] {
        // The peer leaves after the command began to wait, and together with the command.
        for together in [false, true] {
            let (mut client, id, stats) = bench.connect();
            client.send(request);
            if together {
                client.stream.shutdown(Shutdown::Write).unwrap();
            }
            assert_eq!(bench.waits(), id);
            client.expect("+PONG\r\n");
            if !together {
                client.stream.shutdown(Shutdown::Write).unwrap();
            }
            assert!(matches!(bench.closed(), (closed, CloseReason::Peer) if closed == id));
            assert_eq!(stats.commands(), 2);
            assert_eq!(client.rest(), b"");
        }
    }
    bench.stop();
}

#[test]
fn a_blocked_connection_gets_its_reply_and_goes_on() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    client.send("BLOCK\r\nPING\r\n");
    assert_eq!(bench.waits(), id);
    // A wake-up that comes too late for an earlier wait must not let it go on.
    bench.call(0, move |conns| {
        conns.unpark(id);
        assert!(conns.is_waiting(id));
    });
    bench.call(0, move |conns| {
        conns.write(id).unwrap().1.push().status("served");
        conns.unblock(id);
    });
    client.expect("+served\r\n+PONG\r\n");
    client.ask("PING\r\n", "+PONG\r\n");
    bench.stop();
}

#[test]
fn closing() {
    let bench = Bench::start(1);
    let (mut client, id, stats) = bench.connect();
    client.send("PING\r\nCLOSE\r\nPING\r\n");
    assert_eq!(client.rest(), b"+PONG\r\n+OK\r\n");
    assert!(matches!(bench.closed(), (closed, CloseReason::Asked) if closed == id));
    assert_eq!(stats.commands(), 2);

    let (mut client, id, _) = bench.connect();
    client.send("CLOSENOW\r\nPING\r\n");
    assert_eq!(client.rest(), b"");
    assert_eq!(bench.closed().0, id);

    // By another, with output that the peer reads late.
    let (mut client, id, stats) = bench.connect();
    client.send("BIG 30000000\r\n");
    until("it is executed", || stats.commands() == 1);
    bench.call(0, move |conns| {
        conns.close(id);
        assert!(conns.write(id).is_none());
    });
    assert_eq!(client.rest().len(), 30_000_000 + 13);
    assert_eq!(bench.closed().0, id);

    let (mut client, id, _) = bench.connect();
    bench.call(0, move |conns| conns.close_now(id));
    assert_eq!(client.rest(), b"");
    assert_eq!(bench.closed().0, id);
    // Its name means nothing any more, though its place is used again.
    let (mut next, next_id, _) = bench.connect();
    assert_eq!(next_id.index, id.index);
    assert!(!bench.call(0, move |conns| conns.push(id, b"+stray\r\n")));
    next.ask("PING\r\n", "+PONG\r\n");
    bench.stop();
}

#[test]
fn a_socket_is_handed_over_with_what_was_not_read_and_not_sent() {
    let bench = Bench::start(1);
    let (mut client, id, stats) = bench.connect();
    client.send("BIG 20000000\r\nMARK 7\r\nDETACH\r\nleft over");
    until("it is executed", || stats.commands() == 3);
    // Not while something is withheld.
    client.expect("$20000000\r\n");
    assert!(bench.seen.try_recv().is_err());
    bench.call(0, |conns| conns.release(7));
    assert!(matches!(bench.closed(), (closed, CloseReason::Detached) if closed == id));
    let Seen::Detached(detached) = bench.next() else {
        panic!("no detached socket")
    };
    assert_eq!(detached.unread, b"left over");
    assert!(detached.unsent.ends_with(b"\r\n+marked\r\n+leaving\r\n"));
    assert_eq!(bench.server.totals().connections, 1);

    let mut stream = TcpStream::from(detached.stream.into_fd());
    stream.set_nonblocking(false).unwrap();
    let unsent = detached.unsent;
    let writer = std::thread::spawn(move || {
        stream.write_all(&unsent).unwrap();
        let mut word = [0; 4];
        stream.read_exact(&mut word).unwrap();
        stream.write_all(&word).unwrap();
        assert!(stream.as_fd().try_clone_to_owned().is_ok());
    });
    client.expect(&format!(
        "{}\r\n+marked\r\n+leaving\r\n",
        "x".repeat(20_000_000)
    ));
    client.ask("back", "back");
    writer.join().unwrap();
    drop(detached.ticket);
    assert_eq!(bench.server.totals().connections, 0);
    bench.stop();
}

#[test]
fn marks_withhold_what_follows_them() {
    let bench = Bench::start(1);
    let (mut client, id, stats) = bench.connect();
    client.send("PING\r\nMARK 5\r\nPING\r\nMARK 3\r\nMARK 8\r\nECHO end\r\n");
    until("all is executed", || stats.commands() == 6);
    client.expect("+PONG\r\n");
    bench.call(0, move |conns| {
        conns.release(4);
        assert_eq!(conns.withheld(), [id]);
    });
    bench.call(0, |_| ());
    assert_eq!(stats.bytes_out(), 7);
    bench.call(0, |conns| conns.release(7));
    client.expect("+marked\r\n+PONG\r\n+marked\r\n");
    bench.call(0, |_| ());
    assert_eq!(stats.bytes_out(), 7 + 9 + 7 + 9);
    // Pushes wait as well.
    bench.call(0, move |conns| conns.push(id, b"+push\r\n"));
    bench.call(0, move |conns| {
        conns.release(8);
        // An older release changes nothing.
        conns.release(2);
    });
    client.expect("+marked\r\n$3\r\nend\r\n+push\r\n");
    assert!(bench.call(0, |conns| conns.withheld()).is_empty());
    client.ask("MARK 8\r\n", "+marked\r\n");
    bench.stop();
}

#[test]
fn too_much_withheld_output_stops_the_input() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    client.send("MARK 1\r\n");
    until("it is executed", || stats.commands() == 1);
    let bytes: Vec<u8> = (0..1000)
        .flat_map(|_| command(&[b"BIG", b"100000"]))
        .collect();
    client.send(&bytes);
    until("the input stops", || stats.output_memory() > 1 << 20);
    bench.call(0, |_| ());
    assert!(stats.commands() < 200, "{} commands", stats.commands());
    let len = 9 + 1000 * (100_000 + 11);
    bench.call(0, |conns| conns.release(1));
    while client.bytes.len() < len {
        assert!(client.fill());
    }
    assert_eq!(stats.commands(), 1001);
    bench.stop();
}

#[test]
fn a_peer_that_closed_its_side_still_gets_withheld_replies() {
    let bench = Bench::start(1);
    let (mut client, id, stats) = bench.connect();
    client.send("MARK 1\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    until("it is executed", || stats.commands() == 1);
    bench.call(0, |conns| conns.release(1));
    assert_eq!(client.rest(), b"+marked\r\n");
    assert_eq!(bench.closed().0, id);
    bench.stop();
}
