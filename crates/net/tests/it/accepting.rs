//! Listening, accepting, refusing, stopping.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::time::Duration;

use net::{CloseReason, Listen, Notice, Options, Server, StartError};

use crate::lab::{Bench, Client, PATIENCE, Seen, until};

#[test]
fn connections_are_spread() {
    let bench = Bench::start(3);
    let mut clients: Vec<_> = (0..300).map(|_| bench.connect()).collect();
    for worker in 0..3 {
        let count = clients
            .iter()
            .filter(|(_, id, _)| id.worker == worker)
            .count();
        assert_eq!(count, 100, "worker {worker}");
        assert_eq!(bench.call(worker, |conns| conns.len()), 100);
    }
    for (client, ..) in &mut clients {
        client.ask("PING\r\n", "+PONG\r\n");
    }
    assert_eq!(bench.server.totals().connections, 300);
    assert_eq!(bench.server.arrivals(), (300, 0));
    drop(clients);
    until("all are gone", || bench.server.totals().connections == 0);
    bench.stop();
}

#[test]
fn too_many_clients() {
    let bench = Bench::with(Options {
        workers: 2,
        max_clients: 3,
        ..Options::default()
    });
    let clients: Vec<_> = (0..3).map(|_| bench.connect()).collect();
    assert_eq!(
        bench.dial().rest(),
        b"-ERR max number of clients reached\r\n"
    );
    assert_eq!(bench.server.arrivals(), (3, 1));
    drop(clients);
    until("all are gone", || bench.server.totals().connections == 0);
    for _ in 0..3 {
        bench.closed();
    }
    let (mut client, ..) = bench.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    bench.server.set_max_clients(1);
    assert_eq!(
        bench.dial().rest(),
        b"-ERR max number of clients reached\r\n"
    );
    bench.server.set_max_clients(2);
    bench.server.set_other_clients(1);
    assert_eq!(
        bench.dial().rest(),
        b"-ERR max number of clients reached\r\n"
    );
    bench.stop();
}

#[test]
fn the_handler_may_refuse() {
    let bench = Bench::start(1);
    bench.permit("nobody");
    assert_eq!(bench.dial().rest(), b"-DENIED\r\n");
    until("it is gone", || bench.server.totals().connections == 0);
    bench.stop();
}

#[test]
fn unix_sockets() {
    let dir = std::env::temp_dir().join(format!("net-unix-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("s");
    std::fs::write(&path, "what lies there is removed").unwrap();
    let listen = vec![
        Listen::Unix {
            path: path.clone(),
            mode: Some(0o700),
        },
        Listen::Tcp(([127, 0, 0, 1], 0).into()),
    ];
    let bench = Bench::with(Options {
        listen,
        ..Options::default()
    });
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client {
        stream,
        bytes: Vec::new(),
    };
    client.ask("PING\r\nECHO a\r\n", "+PONG\r\n$1\r\na\r\n");
    client.send("BIG 5000000\r\n");
    assert_eq!(client.reply().bytes().len(), 5_000_000);
    match bench.next() {
        Seen::Opened(_, peer) => assert_eq!(peer.peer.to_string(), format!("{}:0", path.display())),
        other => panic!("{other:?}"),
    }
    bench.stop();
    assert!(!path.exists());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_port_in_use_is_reported() {
    let bench = Bench::start(1);
    let listen = vec![Listen::Tcp(bench.addr())];
    let second = Server::<Box<dyn FnOnce(&mut net::Conns<'_, crate::lab::Lab>) + Send>>::start::<
        crate::lab::Lab,
        _,
    >(
        Options {
            listen,
            ..Options::default()
        },
        |_| unreachable!(),
    );
    match second {
        Err(StartError::Listen(error)) => {
            assert_eq!(error.at, Listen::Tcp(bench.addr()));
            assert_eq!(error.source.kind(), std::io::ErrorKind::AddrInUse);
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two servers at one port"),
    }
    bench.stop();
}

#[test]
fn listening_elsewhere() {
    let mut bench = Bench::start(1);
    let old = bench.addr();
    let (mut client, ..) = bench.connect();
    let both = vec![
        Listen::Tcp(([127, 0, 0, 1], 0).into()),
        Listen::Tcp(([127, 0, 0, 2], 0).into()),
    ];
    bench.server.listen(both.clone()).unwrap();
    assert_eq!(bench.server.addresses().len(), 2);
    assert_eq!(bench.addr(), old);
    bench.server.listen(both[1..].to_vec()).unwrap();
    assert!(TcpStream::connect(old).is_err());
    let (mut other, ..) = bench.connect();
    other.ask("PING\r\n", "+PONG\r\n");
    client.ask("PING\r\n", "+PONG\r\n");
    // What cannot be listened at changes nothing.
    let bad = vec![Listen::Tcp(([192, 0, 2, 1], 0).into())];
    assert!(bench.server.listen(bad).is_err());
    bench.connect();
    bench.stop();
}

#[test]
fn accepting_can_be_paused() {
    let later = Bench::start(1);
    later.server.pause_accepting(true).unwrap();
    accepts_when_told(later);
    accepts_when_told(Bench::with(Options {
        paused: true,
        ..Options::default()
    }));
}

fn accepts_when_told(bench: Bench) {
    let mut client = bench.dial();
    client.send("PING\r\n");
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(client.stream.read(&mut [0]).is_err());
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    bench.server.pause_accepting(false).unwrap();
    client.expect("+PONG\r\n");
    bench.stop();
}

#[test]
fn stopping_sends_what_is_to_be_sent() {
    let bench = Bench::start(2);
    let (mut client, _, stats) = bench.connect();
    client.send("BIG 30000000\r\n");
    until("it is executed", || stats.commands() == 1);
    let reader = std::thread::spawn(move || client.rest().len());
    bench.server.stop(PATIENCE).unwrap();
    assert_eq!(reader.join().unwrap(), 30_000_000 + 13);
    let why: Vec<_> = bench.seen.try_iter().collect();
    assert!(
        matches!(why[..], [Seen::Closed(_, CloseReason::Stopped)]),
        "{why:?}"
    );
}

#[test]
fn stopping_does_not_wait_for_those_who_do_not_read() {
    let bench = Bench::start(1);
    let (mut client, _, stats) = bench.connect();
    client.send("BIG 30000000\r\nPARK a\r\n");
    until("it is executed", || stats.commands() == 2);
    let workers = bench.server.workers().clone();
    bench.server.stop(Duration::from_millis(10)).unwrap();
    assert!(!workers.send(0, Box::new(|_| ())));
}

/// Without descriptors the acceptor must neither spin nor give up, and nobody waits for nothing.
/// Runs in a process of its own, because the limit is the process's.
#[test]
fn out_of_descriptors() {
    const CHILD: &str = "NET_TEST_OUT_OF_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "accepting::out_of_descriptors", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(
            child.status.success(),
            "{}{}",
            String::from_utf8_lossy(&child.stdout),
            String::from_utf8_lossy(&child.stderr)
        );
        return;
    }
    let (sender, notices) = channel();
    let sender = std::sync::Mutex::new(sender);
    let notice = Box::new(move |notice: Notice| match notice {
        Notice::AcceptFailed(error) => sender.lock().unwrap().send(error.to_string()).unwrap(),
        other => panic!("{other:?}"),
    });
    let bench = Bench::with(Options {
        notice,
        ..Options::default()
    });
    let (mut first, ..) = bench.connect();
    first.ask("PING\r\n", "+PONG\r\n");
    // All that are left but one, which the connection's own end takes.
    let mut hoard: Vec<std::fs::File> = Vec::new();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let low = rustix::process::Rlimit {
        current: Some(200),
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, low).unwrap();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }
    hoard.pop();
    assert_eq!(bench.dial().rest(), FULL);
    assert!(
        notices
            .recv_timeout(PATIENCE)
            .unwrap()
            .contains("Too many open files")
    );
    // Those that are connected are served meanwhile.
    first.ask("PING\r\n", "+PONG\r\n");
    let before = cpu_ticks();
    // Retries ten times a second: a fifth of a second must cost next to nothing.
    assert!(
        notices.recv_timeout(Duration::from_millis(200)).is_err(),
        "told more than once"
    );
    assert!(cpu_ticks() - before < 10, "the acceptor spins");
    assert_eq!(bench.dial().rest(), FULL);
    hoard.clear();
    let (mut late, ..) = bench.connect();
    late.ask("PING\r\n", "+PONG\r\n");
    bench.stop();
}

const FULL: &[u8] = b"-ERR max number of clients reached\r\n";

/// Clients never get the last descriptors.
#[test]
fn some_descriptors_are_kept() {
    let (sender, notices) = channel();
    let sender = std::sync::Mutex::new(sender);
    let notice = Box::new(move |notice: Notice| match notice {
        Notice::DescriptorsKept(from) => sender.lock().unwrap().send(from).unwrap(),
        other => panic!("{other:?}"),
    });
    let bench = Bench::with(Options {
        notice,
        ..Options::default()
    });
    let (mut first, ..) = bench.connect();
    bench.server.keep_descriptors_from(3);
    assert_eq!(bench.dial().rest(), FULL);
    assert_eq!(bench.dial().rest(), FULL);
    assert_eq!(notices.recv_timeout(PATIENCE).unwrap(), 3);
    assert!(notices.try_recv().is_err(), "told more than once");
    assert_eq!(bench.server.arrivals(), (1, 2));
    first.ask("PING\r\n", "+PONG\r\n");
    bench.server.keep_descriptors_from(usize::MAX);
    let (mut second, ..) = bench.connect();
    second.ask("PING\r\n", "+PONG\r\n");
    bench.stop();
}

/// Processor time of this process, in hundredths of a second.
fn cpu_ticks() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 100 + time.tv_nsec as u64 / 10_000_000
}
