//! Pipelines in pieces, large arguments, slow readers, order.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::lab::{Bench, Random, command, until};

/// A pipeline of all kinds of requests, and its replies.
fn pipeline() -> (Vec<u8>, &'static str) {
    let mut bytes = command(&[b"PING"]);
    bytes.extend(command(&[b"ECHO", b"a\r\nb"]));
    bytes.extend_from_slice(b"\r\nECHO \"in line\"\r\nPING\n*0\r\n");
    bytes.extend(command(&[b"SET", b"key", b"0123456789"]));
    bytes.extend(command(&[b"GET", b"key"]));
    bytes.extend(command(&[b"ECHO", b""]));
    bytes.extend(command(&[b"COUNT"]));
    (
        bytes,
        "+PONG\r\n$4\r\na\r\nb\r\n$7\r\nin line\r\n+PONG\r\n+OK\r\n$10\r\n0123456789\r\n$0\r\n\r\n:8\r\n",
    )
}

#[test]
fn split_at_every_byte() {
    let bench = Bench::start(2);
    let (bytes, replies) = pipeline();
    for at in 0..bytes.len() {
        let (mut client, _, stats) = bench.connect();
        client.send(&bytes[..at]);
        until("the first part is read", || stats.bytes_in() == at as u64);
        client.send(&bytes[at..]);
        client.expect(replies);
        drop(client);
        bench.closed();
        assert_eq!(
            (stats.commands(), stats.query_len()),
            (8, 0),
            "split at {at}"
        );
    }
    bench.stop();
}

#[test]
fn byte_by_byte() {
    let bench = Bench::start(1);
    let (bytes, replies) = pipeline();
    let (mut client, _, stats) = bench.connect();
    for (sent, byte) in bytes.iter().enumerate() {
        client.send([*byte]);
        until("the byte is read", || stats.bytes_in() == sent as u64 + 1);
    }
    client.expect(replies);
    bench.stop();
}

#[test]
fn long_pipelines_run_in_batches() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    let mut other = client.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let bytes: Vec<u8> = (0..20_000)
            .flat_map(|i| command(&[b"ECHO", format!("{i}").as_bytes()]))
            .collect();
        other.write_all(&bytes).unwrap();
    });
    for i in 0..20_000 {
        assert_eq!(client.reply().text(), i.to_string());
    }
    writer.join().unwrap();
    assert_eq!(stats.commands(), 20_000);
    assert_eq!(stats.query_len(), 0);
    assert!(bench.shared.widest.load(Ordering::Relaxed) > 1);
    assert_eq!(bench.server.totals().commands, 20_000);
    assert_eq!(bench.server.totals().bytes_in, stats.bytes_in());
    assert_eq!(bench.server.totals().bytes_out, stats.bytes_out());
    bench.stop();
}

#[test]
fn large_arguments() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    for len in [
        16 * 1024 - 20,
        16 * 1024,
        32 * 1024,
        100_000,
        1 << 20,
        48 << 20,
    ] {
        let value: Vec<u8> = (0..len as u32)
            .map(|i| (i.wrapping_mul(2654435761) >> 24) as u8)
            .collect();
        let mut bytes = command(&[b"PING"]);
        bytes.extend(command(&[b"SET", b"large", &value]));
        bytes.extend(command(&[b"GET", b"large"]));
        bytes.extend(command(&[b"PING"]));
        let mut other = client.stream.try_clone().unwrap();
        let writer = std::thread::spawn(move || other.write_all(&bytes).unwrap());
        client.expect("+PONG\r\n+OK\r\n");
        assert!(client.reply().bytes() == value, "{len} bytes");
        client.expect("+PONG\r\n");
        writer.join().unwrap();
        until("all is executed", || stats.query_len() == 0);
    }
    bench.stop();
}

#[test]
fn many_arguments_in_small_pieces() {
    let bench = Bench::start(1);
    let (mut client, ..) = bench.connect();
    let args: Vec<Vec<u8>> = (0..200_000)
        .map(|i: u32| i.to_string().into_bytes())
        .collect();
    let mut all: Vec<&[u8]> = vec![b"ECHO"];
    all.extend(args.iter().map(Vec::as_slice));
    for piece in command(&all).chunks(1000) {
        client.send(piece);
    }
    client.expect("$1\r\n0\r\n");
    bench.stop();
}

#[test]
fn a_slow_reader_gets_everything_and_delays_nobody() {
    let bench = Bench::start(1);
    let (mut slow, _, stats) = bench.connect();
    for i in 0..40 {
        slow.send(command(&[b"BIG", b"1000000"]));
        slow.send(command(&[b"ECHO", format!("{i}").as_bytes()]));
    }
    until("all is executed", || stats.commands() == 80);
    until("the socket is full", || stats.output_memory() > 1_000_000);
    let (mut other, ..) = bench.connect();
    other.ask("PING\r\n", "+PONG\r\n");
    for i in 0..40 {
        assert_eq!(slow.reply().bytes().len(), 1_000_000);
        assert_eq!(slow.reply().text(), i.to_string());
    }
    until("the queue is empty", || stats.output_memory() < 1000);
    bench.stop();
}

#[test]
fn pushes_are_shared_and_keep_their_order() {
    let bench = Bench::start(1);
    let mut clients: Vec<_> = (0..20).map(|_| bench.connect()).collect();
    let ids: Vec<_> = clients.iter().map(|(_, id, _)| *id).collect();
    // Longer than the sockets take at once, in pieces that are shared and pieces that are not.
    for round in 0..40u32 {
        let ids = ids.clone();
        bench.post(0, move |conns| {
            let long: Arc<[u8]> = vec![b'a' + round as u8 % 26; 200_000].into();
            let short: Arc<[u8]> = format!("<{round}>").into_bytes().into();
            for id in &ids {
                assert!(conns.push(*id, b"["));
                assert!(conns.push_shared(*id, &long));
                assert!(conns.push_shared(*id, &short));
                assert!(conns.push(*id, b"]"));
            }
        });
    }
    let expected: Vec<u8> = (0..40u8)
        .flat_map(|round| {
            let mut bytes = vec![b'a' + round % 26; 200_001];
            bytes[0] = b'[';
            bytes.extend_from_slice(format!("<{round}>]").as_bytes());
            bytes
        })
        .collect();
    for (client, ..) in &mut clients {
        while client.bytes.len() < expected.len() {
            assert!(client.fill());
        }
        assert!(client.bytes == expected);
    }
    bench.stop();
}

#[test]
fn what_lies_in_the_inbox_goes_before_the_reply() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    client.ask("ORDERED\r\n", "+OK\r\n");
    client.send("POST go\r\nPING\r\n");
    // The command runs: what comes now comes before its reply.
    assert_eq!(bench.waits(), id);
    bench.post(0, move |conns| {
        assert!(conns.push(id, b">1\r\n+message\r\n"))
    });
    bench.permit("go");
    client.expect(">1\r\n+message\r\n+posted\r\n+PONG\r\n");
    bench.stop();
}

#[test]
fn discarded_replies() {
    let bench = Bench::start(1);
    let (mut client, id, _) = bench.connect();
    client.send("SILENT on\r\nPING\r\nBIG 100000\r\nSILENT off\r\nECHO heard\r\n");
    client.expect("$5\r\nheard\r\n");
    client.send("SILENT on\r\nPING\r\n");
    until("the command ran", || {
        bench.call(0, move |conns| conns.stats(id).unwrap().commands()) == 7
    });
    bench.call(0, move |conns| conns.push(id, b"+push\r\n"));
    client.expect("+push\r\n");
    bench.stop();
}

/// Several clients send random pipelines in random pieces; each must see its own replies in
/// order. The seed is printed.
#[test]
fn random_pipelines() {
    let bench = Bench::start(3);
    std::thread::scope(|scope| {
        for seed in 1..=8u64 {
            let (mut client, ..) = bench.connect();
            scope.spawn(move || {
                println!("seed {seed}");
                let mut random = Random(seed);
                if seed % 2 == 0 {
                    client.ask("ORDERED\r\n", "+OK\r\n");
                }
                for _ in 0..30 {
                    let mut bytes = Vec::new();
                    let mut replies = Vec::new();
                    for _ in 0..random.below(200) {
                        let len = match random.below(50) {
                            0 => 20_000 + random.below(200_000),
                            _ => random.below(100),
                        };
                        let text: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
                        match random.below(8) {
                            0 => bytes.extend(command(&[b"ASK", &text])),
                            1 => {
                                let by: &[u8] = [&b"by inbox"[..], b"by end"][text.len() % 2];
                                bytes.extend(command(&[b"PARK", by]));
                                bytes.extend(command(&[b"ECHO", &text]));
                                replies.push(b"ran".to_vec());
                            }
                            _ => bytes.extend(command(&[b"ECHO", &text])),
                        }
                        replies.push(text);
                    }
                    let mut stream = client.stream.try_clone().unwrap();
                    let mut cut = Random(random.below(1 << 30));
                    let writer = std::thread::spawn(move || {
                        let mut bytes = &bytes[..];
                        while !bytes.is_empty() {
                            let len = (1 + cut.below(30_000) as usize).min(bytes.len());
                            stream.write_all(&bytes[..len]).unwrap();
                            bytes = &bytes[len..];
                        }
                    });
                    for reply in &replies {
                        assert!(client.reply_bytes() == *reply, "seed {seed}");
                    }
                    writer.join().unwrap();
                }
            });
        }
    });
    bench.stop();
}
