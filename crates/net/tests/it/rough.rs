//! Rough treatment: floods, peers that vanish, messages from all sides.

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::{Conns, Workers};
use socket2::SockRef;

use crate::lab::{Bench, Call, Lab, PATIENCE, Random, command, until};

#[test]
fn a_request_and_the_end_of_the_stream_together() {
    let bench = Bench::start(2);
    for round in 0..300 {
        let (mut client, ..) = bench.connect();
        if round % 2 == 0 {
            client.send("PING\r\n");
        } else {
            client.send("PI");
            client.send("NG\r\n*1\r\n$4\r\nPI");
        }
        client.stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.rest(), b"+PONG\r\n", "round {round}");
        bench.closed();
    }
    bench.stop();
}

#[test]
fn a_flood_does_not_starve_others() {
    let bench = Bench::start(1);
    let (flood, _, stats) = bench.connect();
    let (mut other, ..) = bench.connect();
    let total = 400_000;
    let mut writer = flood.stream.try_clone().unwrap();
    let mut reader = flood;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let piece = command(&[b"PING"]).repeat(1000);
            for _ in 0..total / 1000 {
                writer.write_all(&piece).unwrap();
            }
        });
        scope.spawn(move || {
            let mut read = 0;
            while read < total * 7 {
                assert!(reader.fill());
                read += reader.bytes.len();
                reader.bytes.clear();
            }
        });
        until("the flood has begun", || stats.commands() > 0);
        let mut answered = 0;
        while stats.commands() < total as u64 {
            other.ask("PING\r\n", "+PONG\r\n");
            answered += 1;
        }
        // Each takes its turn with at most a few socket buffers of the other's.
        assert!(answered > 5, "{answered} answers during the flood");
    });
    bench.stop();
}

#[test]
fn peers_that_vanish_leave_nothing_behind() {
    let bench = Bench::start(2);
    std::thread::scope(|scope| {
        for seed in 1..=4u64 {
            let addr = bench.addr();
            scope.spawn(move || {
                println!("seed {seed}");
                let mut random = Random(seed);
                for _ in 0..150 {
                    let mut stream = std::net::TcpStream::connect(addr).unwrap();
                    let requests: [&[u8]; 5] = [
                        b"PING\r\n",
                        b"BIG 3000000\r\n",
                        b"BLOCK\r\n",
                        b"HOLD x\r\n",
                        b"*2\r\n$4\r\nECHO\r\n$100000\r\nxxxxxxxx",
                    ];
                    for _ in 0..random.below(4) {
                        // The server may have seen the end of this peer's patience already.
                        let _ = stream.write_all(requests[random.below(5) as usize]);
                    }
                    match random.below(3) {
                        0 => drop(stream.shutdown(Shutdown::Both)),
                        1 => SockRef::from(&stream)
                            .set_linger(Some(Duration::ZERO))
                            .unwrap(),
                        _ => {}
                    }
                }
            });
        }
    });
    until("all are accepted", || bench.server.arrivals().0 == 600);
    until("all are gone", || bench.server.totals().connections == 0);
    let (mut client, id, _) = {
        // What the others left in the queue of events.
        while bench.seen.try_recv().is_ok() {}
        bench.connect()
    };
    client.ask("PING\r\n", "+PONG\r\n");
    assert_eq!(bench.call(id.worker, |conns| conns.len()), 1);
    bench.stop();
}

/// Two workers that have nothing else to wake them play a message to and fro.
#[test]
fn no_message_lies_unseen_while_its_worker_sleeps() {
    fn hop(workers: Workers<Call>, to: usize, left: usize, done: std::sync::mpsc::Sender<()>) {
        let next = workers.clone();
        let call: Call = Box::new(move |_: &mut Conns<'_, Lab>| match left {
            0 => done.send(()).unwrap(),
            _ => hop(next, 1 - to, left - 1, done),
        });
        assert!(workers.send(to, call));
    }
    let bench = Bench::start(2);
    let (sender, done) = channel();
    hop(bench.server.workers().clone(), 0, 20_000, sender);
    done.recv_timeout(PATIENCE)
        .expect("the message came through");
    bench.stop();
}

#[test]
fn messages_from_many_threads_arrive_once_and_in_each_thread_s_order() {
    let bench = Bench::start(2);
    let seen: Arc<Mutex<Vec<(usize, usize)>>> = Arc::default();
    let count = Arc::new(AtomicUsize::new(0));
    const EACH: usize = 5000;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (workers, seen, count) = (bench.server.workers().clone(), &seen, &count);
            scope.spawn(move || {
                for i in 0..EACH {
                    let (seen, count) = (seen.clone(), count.clone());
                    let call: Call = Box::new(move |_: &mut Conns<'_, Lab>| {
                        seen.lock().unwrap().push((thread, i));
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(workers.send(1, call));
                    if i % 50 == 0 {
                        // Long enough for the worker to fall asleep now and then.
                        std::thread::yield_now();
                    }
                }
            });
        }
    });
    until("all have arrived", || {
        count.load(Ordering::Relaxed) == 4 * EACH
    });
    let seen = seen.lock().unwrap();
    for thread in 0..4 {
        let own: Vec<usize> = seen.iter().filter(|s| s.0 == thread).map(|s| s.1).collect();
        assert!(own.iter().copied().eq(0..EACH), "thread {thread}");
    }
    bench.stop();
}
