//! Tests of requests, replies and values; the expected texts were taken from Redis 7.0.15.

use crate::request::commands;
use crate::{ArgsBuf, Limits, ProtocolError, Reply};

type Found = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// What `data` says, demanded to be the same in pieces of every size.
fn read_as(data: &[u8], limits: Limits) -> Found {
    let whole = commands(data, usize::MAX, &limits);
    for piece in 1..data.len().min(64) {
        assert_eq!(
            commands(data, piece, &limits),
            whole,
            "in pieces of {piece}"
        );
    }
    whole
}

#[track_caller]
fn check(data: &[u8], expected: &[&[&[u8]]]) {
    let (found, error) = read_as(data, Limits::default());
    assert_eq!(error, None);
    assert_eq!(found, expected);
}

#[track_caller]
fn check_error(data: &[u8], text: &[u8]) {
    let (_, error) = read_as(data, Limits::default());
    let reply = error.expect("an error").reply();
    let expected = [b"-ERR Protocol error: ", text, b"\r\n"].concat();
    assert_eq!(
        reply.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn multibulk() {
    check(
        b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n",
        &[&[b"GET", b"k"], &[b"PING"]],
    );
    check(b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", &[&[b"ECHO", b""]]);
    check(b"*1\r\n$0\r\n\r\n", &[&[b""]]);
    check(b"*0\r\n*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n", &[&[b"PING"]]);
    check(
        b"*1\rX$4\rXPINGXX*1\r\n$1\r\n\r\r\n",
        &[&[b"PING"], &[b"\r"]],
    );
    check(
        b"*2\r\n$4\r\nECHO\r\n$1\r\nabcPING\r\n",
        &[&[b"ECHO", b"a"], &[b"PING"]],
    );
    check(b"*1\r\n\x00", &[]);
    check(b"*1\r\n\x00\r\n$4\r\n", &[]);
    check(b"*2147483647\r\n", &[]);
    let long = vec![b'x'; 12345];
    let request = [b"*2\r\n$3\r\nSET\r\n$12345\r\n", &long[..], b"\r\n"].concat();
    check(&request, &[&[b"SET", &long]]);
}

#[test]
fn multibulk_errors() {
    for bad in [
        "abc",
        "",
        "2147483648",
        "+1",
        "01",
        " 1",
        "-0",
        "1 ",
        "99999999999999999999",
    ] {
        check_error(
            format!("*{bad}\r\n").as_bytes(),
            b"invalid multibulk length",
        );
    }
    check_error(b"*1\n$4\r\nPING\r\n", b"invalid multibulk length");
    for bad in [
        "abc",
        "",
        "-1",
        "00",
        "+3",
        "536870913",
        "99999999999999999999",
    ] {
        check_error(
            format!("*1\r\n${bad}\r\n").as_bytes(),
            b"invalid bulk length",
        );
    }
    check_error(b"*1\r\nx4\r\n", b"expected '$', got 'x'");
    check_error(b"*1\r\n\r\n", b"expected '$', got ' '");
    check_error(b"*1\r\n\n4\r\n", b"expected '$', got ' '");
    check_error(b"*1\r\n\xff1\r\n", b"expected '$', got '\xff'");
    let ones = [b'1'; 65536];
    check_error(
        &[b"*", &ones[..], b"1"].concat(),
        b"too big mbulk count string",
    );
    check_error(
        &[b"*1\r\n$", &ones[..], b"1"].concat(),
        b"too big bulk count string",
    );
    check_error(&[b"*\0", &ones[..]].concat(), b"too big mbulk count string");
}

#[test]
fn inline() {
    check(
        b"\r\n\r\n\nPING\nPING\r\n   \r\n PING\r\r\n",
        &[&[b"PING"], &[b"PING"], &[b"PING"]],
    );
    check(
        b"ECHO  'a\\'b\\n' \"\\x41\\n\\a\\b\\t\\r\\z\"\r\n",
        &[&[b"ECHO", b"a'b\\n", b"A\n\x07\x08\t\rz"]],
    );
    check(b"ECHO foo\"bar\"\r\n", &[&[b"ECHO", b"foobar"]]);
    check(b"ECHO \"\" ''\r\n\"\"\r\n", &[&[b"ECHO", b"", b""], &[b""]]);
    check(b"ECHO\ta\x0bb\x0c\r\n", &[&[b"ECHO", b"a\x0bb\x0c"]]);
    check(
        b"ECHO \"\\x4\" \"\\x4g\\\"q\"\r\n",
        &[&[b"ECHO", b"x4", b"x4g\"q"]],
    );
    check(b"ECHO a\0b\r\nPING\r\n", &[]);
    check(
        b"PING\r\n*1\r\n$4\r\nPING\r\nECHO a\r\n",
        &[&[b"PING"], &[b"PING"], &[b"ECHO", b"a"]],
    );
    for bad in ["\"abc", "\"abc\"d", "'a", "'a'b", "\"a\\", "'a\\'"] {
        check_error(
            format!("ECHO {bad}\r\n").as_bytes(),
            b"unbalanced quotes in request",
        );
    }
    check_error(&[b'a'; 65537], b"too big inline request");
    check_error(
        &[&b"\0"[..], &[b'\n'; 65536]].concat(),
        b"too big inline request",
    );
}

#[test]
fn limits_before_authentication() {
    let limits = Limits {
        authenticated: false,
        ..Limits::default()
    };
    let error = |data: &[u8]| read_as(data, limits).1;
    assert_eq!(error(b"*10\r\n$16384\r\n"), None);
    assert_eq!(
        error(b"*11\r\n"),
        Some(ProtocolError::UnauthenticatedMultibulk)
    );
    assert_eq!(
        error(b"*1\r\n$16385\r\n"),
        Some(ProtocolError::UnauthenticatedBulk)
    );
    let limits = Limits {
        max_bulk: 100,
        authenticated: true,
    };
    assert_eq!(read_as(b"*1\r\n$100\r\n", limits).1, None);
    assert_eq!(
        read_as(b"*1\r\n$101\r\n", limits).1,
        Some(ProtocolError::BulkLength)
    );
}

#[test]
fn args() {
    let buf: ArgsBuf = ["SET", "key", "value"].iter().collect();
    let args = buf.as_args();
    assert_eq!(
        (args.len(), args.get(1), &args[2]),
        (3, &b"key"[..], &b"value"[..])
    );
    assert_eq!((args.opt(2), args.opt(3)), (Some(&b"value"[..]), None));
    assert_eq!(
        args.from(1).iter().collect::<Vec<_>>(),
        [&b"key"[..], b"value"]
    );
    assert!(args.from(4).is_empty());
    assert_eq!(args.payload_len(), 11);
    assert_eq!(args.to_buf(), buf);
}

#[track_caller]
fn check_reply(write: impl Fn(&mut Reply<'_>), resp2: &str, resp3: &str) {
    for (resp3, expected) in [(false, resp2), (true, resp3)] {
        let mut buf = b"before".to_vec();
        write(&mut Reply::new(&mut buf, resp3));
        assert_eq!(
            buf[6..].escape_ascii().to_string(),
            expected.escape_default().to_string()
        );
    }
}

#[test]
fn replies() {
    check_reply(|w| w.ok(), "+OK\r\n", "+OK\r\n");
    check_reply(|w| w.status("a\r\nb"), "+a  b\r\n", "+a  b\r\n");
    check_reply(
        |w| w.error("\r\nERR a\r\n+OK\n\r\n"),
        "-ERR a  +OK\r\n",
        "-ERR a  +OK\r\n",
    );
    check_reply(|w| w.error("\r\n"), "-\r\n", "-\r\n");
    for (value, text) in [
        (0, "0"),
        (1, "1"),
        (-1, "-1"),
        (42, "42"),
        (i64::MIN, "-9223372036854775808"),
    ] {
        let text = format!(":{text}\r\n");
        check_reply(|w| w.int(value), &text, &text);
    }
    check_reply(
        |w| w.bulk("hello, world"),
        "$12\r\nhello, world\r\n",
        "$12\r\nhello, world\r\n",
    );
    check_reply(|w| w.bulk_int(-7), "$2\r\n-7\r\n", "$2\r\n-7\r\n");
    check_reply(|w| w.null(), "$-1\r\n", "_\r\n");
    check_reply(|w| w.null_array(), "*-1\r\n", "_\r\n");
    check_reply(|w| w.array(100), "*100\r\n", "*100\r\n");
    check_reply(|w| w.map(5), "*10\r\n", "%5\r\n");
    check_reply(|w| w.set(5), "*5\r\n", "~5\r\n");
    check_reply(|w| w.push(3), "*3\r\n", ">3\r\n");
    check_reply(|w| w.bool(true), ":1\r\n", "#t\r\n");
    check_reply(|w| w.bool(false), ":0\r\n", "#f\r\n");
    check_reply(|w| w.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
    check_reply(
        |w| w.double(f64::NEG_INFINITY),
        "$4\r\n-inf\r\n",
        ",-inf\r\n",
    );
    check_reply(|w| w.big_number("123"), "$3\r\n123\r\n", "(123\r\n");
    check_reply(
        |w| w.verbatim(*b"txt", "hi"),
        "$2\r\nhi\r\n",
        "=6\r\ntxt:hi\r\n",
    );
    check_reply(|w| assert_eq!(w.attribute(1), w.is_resp3()), "", "|1\r\n");
}

#[test]
fn deferred_lengths() {
    for len in [0, 9, 10, 12345] {
        let mut buf = Vec::new();
        let mut w = Reply::new(&mut buf, true);
        let outer = w.deferred_array();
        let inner = w.deferred_array();
        for i in 0..len {
            w.int(i as i64);
        }
        w.set_set(inner, len);
        w.set_array(outer, 1);
        let items: String = (0..len).map(|i| format!(":{i}\r\n")).collect();
        let text = String::from_utf8(buf).unwrap();
        assert_eq!(text, format!("*1\r\n~{len}\r\n{items}"));
    }
    check_reply(
        |w| {
            let at = w.deferred_array();
            w.set_map(at, 6);
        },
        "*12\r\n",
        "%6\r\n",
    );
}

/// Random bytes of the kind that requests and replies are made of; the seed is in the message of
/// a failure.
#[test]
fn any_bytes_are_read_alike_whole_and_in_pieces() {
    let pieces: &[&[u8]] = &[
        b"*",
        b"$",
        b"1",
        b"2",
        b"3",
        b"0",
        b"-",
        b"\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b" ",
        b"\"",
        b"'",
        b"\\",
        b"\\x41",
        b"a",
        b"PING",
        b"*1\r\n$4\r\nPING\r\n",
        b"*2\r\n",
        b"$1\r\na\r\n",
        b"\0",
        b"%1\r\n",
        b"|1\r\n",
        b",1.5\r\n",
        b":1\r\n",
        b"_\r\n",
        b"+OK\r\n",
        b">2\r\n",
        b"=5\r\ntxt:a\r\n",
        b"#t\r\n",
        b"\xff",
    ];
    for seed in 1..3000u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut data = vec![next() as u8];
        for _ in 0..next() % 24 {
            data.extend_from_slice(pieces[next() as usize % pieces.len()]);
        }
        let shown = data.escape_ascii().to_string();
        let result = std::panic::catch_unwind(|| {
            crate::fuzz_request(&data);
        });
        assert!(result.is_ok(), "seed {seed}: {shown}");
    }
}
