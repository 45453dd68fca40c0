//! Tests of the kit's parts that need no server.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::{
    Direction, Link, Reply, Rng, TempDir, eventually, reserve, reserve_exact, script, until,
};

fn read(text: &str) -> std::io::Result<Reply> {
    Reply::read(&mut BufReader::new(text.as_bytes()))
}

#[test]
fn replies_of_every_kind_are_read() {
    assert_eq!(read("+OK\r\n").unwrap(), Reply::Simple("OK".into()));
    assert_eq!(read("-ERR no\r\n").unwrap().error(), Some("ERR no"));
    assert_eq!(read(":-7\r\n").unwrap().int(), -7);
    assert_eq!(read("$3\r\na\nb\r\n").unwrap().bytes(), b"a\nb");
    for nil in ["$-1\r\n", "*-1\r\n", "_\r\n"] {
        assert_eq!(read(nil).unwrap(), Reply::Nil);
    }
    let array = read("*2\r\n:1\r\n*1\r\n$0\r\n\r\n").unwrap();
    assert_eq!(array.array()[1].array()[0].text(), "");
    let map = read("%1\r\n+k\r\n#t\r\n").unwrap();
    assert_eq!(
        map,
        Reply::Map(vec![(Reply::Simple("k".into()), Reply::Bool(true))])
    );
    assert_eq!(read("=7\r\ntxt:abc\r\n").unwrap().text(), "abc");
    assert_eq!(read(",1.5\r\n").unwrap().text(), "1.5");
}

#[test]
fn broken_replies_are_errors() {
    for text in [
        "",
        "+OK",
        "$5\r\nab\r\n",
        "?1\r\n",
        ":x\r\n",
        "\r\n",
        "=2\r\nab\r\n",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_reserved_port_is_given_once() {
    let ports: Vec<_> = (0..20).map(|_| reserve()).collect();
    let mut numbers: Vec<u16> = ports.iter().map(crate::Port::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
    assert!(ports.iter().all(|port| port.bus() < 32_768));
    let number = ports[0].number();
    drop(ports);
    let exact = reserve_exact(number..=number);
    assert_eq!(exact[0].number(), number);
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let numbers = |seed| {
        let mut rng = Rng::new(seed);
        (0..50).map(|_| rng.below(1000)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(7), numbers(7));
    assert_ne!(numbers(7), numbers(8));
}

#[test]
fn waiting_ends_at_the_deadline() {
    let start = Instant::now();
    assert_eq!(until(Duration::from_millis(30), || None::<()>), None);
    assert!(start.elapsed() >= Duration::from_millis(30));
    let mut looks = 0;
    eventually("three looks", Duration::from_secs(5), || {
        looks += 1;
        looks == 3
    });
}

#[test]
fn a_directory_goes_with_its_owner() {
    let dir = TempDir::new("unit");
    let path = dir.path().to_path_buf();
    std::fs::write(path.join("file"), "x").unwrap();
    drop(dir);
    assert!(!path.exists());
}

/// A server that sends back what it gets, for one connection after the other.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut from, mut to) = (stream.try_clone().unwrap(), stream);
                let _ = std::io::copy(&mut from, &mut to);
            });
        }
    });
    port
}

fn ask(stream: &mut TcpStream, limit: Duration) -> std::io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(b"x")?;
    let mut byte = [0];
    stream.read_exact(&mut byte)
}

#[test]
fn a_link_carries_stalls_and_cuts() {
    let link = Link::to(echo()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", link.port())).unwrap();
    ask(&mut stream, Duration::from_secs(10)).unwrap();
    // The byte is counted when it has been passed on.
    eventually("it is counted", Duration::from_secs(5), || {
        link.carried(Direction::FromServer) == 1
    });

    link.stall(Direction::FromServer);
    assert!(ask(&mut stream, Duration::from_millis(100)).is_err());
    eventually("the byte arrives", Duration::from_secs(5), || {
        link.carried(Direction::ToServer) == 2
    });
    link.heal();
    let mut byte = [0];
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.read_exact(&mut byte).unwrap();

    link.delay(Direction::ToServer, Duration::from_millis(50));
    let start = Instant::now();
    ask(&mut stream, Duration::from_secs(10)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(50));

    link.cut();
    assert!(ask(&mut stream, Duration::from_secs(10)).is_err());
    link.heal();
    let mut again = TcpStream::connect(("127.0.0.1", link.port())).unwrap();
    ask(&mut again, Duration::from_secs(10)).unwrap();
}

#[test]
fn a_script_is_read_as_it_is_written() {
    let text = "## one\nSET \"a b\" \"\\x00\" => +OK\n  -> SET \"a b\" \"\\x00\"\n# a comment\nGET k => nil\n  3> _\n\n## two\n";
    let sections = script::parse(text);
    let names: Vec<_> = sections.iter().map(|section| &*section.name).collect();
    assert_eq!(names, ["one", "two"]);
    let [set, get] = &sections[0].steps[..] else {
        panic!("two steps");
    };
    assert_eq!((set.number, get.number), (2, 5));
    assert_eq!(set.words, [&b"SET"[..], b"a b", b"\0"]);
    let words = set.words.iter().map(Vec::as_slice);
    assert_eq!(set.effects, [script::command_line(words)]);
    assert_eq!((&*get.reply, &*get.resp3), ("nil", "_"));
    assert!(get.effects.is_empty());
    for wrong in [
        "GET k => nil\n",
        "## one\nGET k\n",
        "## one\n-> GET k\n",
        "## one\nGET \"k => nil\n",
    ] {
        assert!(
            std::panic::catch_unwind(|| script::parse(wrong)).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_reply_has_a_notation() {
    let bytes = b"%1\r\n+a\r\n*5\r\n:1\r\n$2\r\n\"\n\r\n_\r\n,1.5\r\n#t\r\n";
    let reply = Reply::read(&mut &bytes[..]).unwrap();
    assert_eq!(reply.notation(), "{+a [:1 \"\\\"\\n\" nil ,1.5 #true]}");
}
