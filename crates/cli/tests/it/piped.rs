//! Commands line by line from a pipe.

use crate::pair::{case, compare, keys, server};

#[test]
fn sessions_without_a_terminal() {
    let server = server();
    let sessions: [&str; 15] = [
        "ping\nset \"a\nget k\n3 incr n\n0 incr n\n-1 ping\n5\nselect 2\nget q\n",
        "multi\nselect 3\nexec\nget h\nselect 3\nmulti\nset a b\ndiscard\nmulti\nfoo\nexec\nget x",
        "\n   \n\t\nping",
        "help @nope\nhelp nosuch\n:set foo\n:foo\n:set\nrestart\nclear\nping\n",
        "connect 127.0.0.1 PORT\nping\nconnect 127.0.0.1 1\nping\nconnect 127.0.0.1 PORT\nping\n",
        "hello 3\nhgetall h\ndebug protocol push\nhello 2\nhgetall h\nreset\nping\n",
        "info nosuch\ncluster info\nlatency doctor\nclient getname\n",
        "set key\"\" bar\nget \"\"key\nget \"key\"x\nset 'a b' \"\\x41\\n\"\nget 'a b'\n",
        "quit\nping\n",
        "exit\nping\n",
        "QUIT now\nping\n",
        "shutdown foo\nget\nping\n",
        "watch k\nmulti\nget k\nexec\nmulti\nselect 5\nexec\ndbsize\n",
        "eval 'return {1,2}' 0\neval 'return redis.error_reply(\"MY x\")' 0\nscript exists a b\n",
        "ping\r\nget k\r\n",
    ];
    let mut cases = Vec::new();
    for session in sessions {
        for options in ["", "--no-raw ", "--csv ", "-3 --json ", "-n 1 --raw "] {
            let input = session.replace("PORT", &server.port().to_string());
            let mut plain = case(&format!("-p PORT {options}")).input(&input);
            if input.contains("hello") {
                plain = plain.masked();
            }
            cases.push(plain.clone());
            if options.is_empty() {
                cases.push(plain.faketty());
            }
        }
    }
    compare(&server, &keys, &cases);
}

#[test]
fn a_slow_command_is_timed() {
    let server = server();
    let cases = [case("-p PORT --no-raw").input("debug sleep 0.51\nping\n")];
    for case in cases {
        let (ours, theirs) = (case.ours(server.port()), case.theirs(server.port()));
        let shape =
            |text: &[u8]| String::from_utf8_lossy(text).replace(|c: char| c.is_ascii_digit(), "#");
        assert_eq!(shape(&ours.stdout), shape(&theirs.stdout));
        assert!(
            String::from_utf8_lossy(&ours.stdout).contains("s)\n"),
            "{ours:?}"
        );
    }
}

/// The real 7.0 stays in the subscription for ever; the session goes on as 7.2's does.
#[test]
fn a_subscriber_goes_on_reading_commands() {
    let server = server();
    keys(&server);
    let input = "subscribe a b\nget k\nunsubscribe\nget k\n";
    let done = case("-p PORT").input(input).ours(server.port());
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let expected = "subscribe\na\n1\nsubscribe\nb\n2\n\
        ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
        allowed in this context\n\n";
    assert!(text.starts_with(expected), "{done:?}");
    assert!(text.ends_with("\n0\nhello\n"), "{done:?}");

    let input = "client tracking on\nget k\nsubscribe a\nset k 42\nget k\nunsubscribe a\nget k\n";
    let done = case("-p PORT -3").input(input).ours(server.port());
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "OK\nhello\nsubscribe\na\n1\nOK\ninvalidate\nk\n42\nunsubscribe\na\n0\n42\n",
    );
}

#[test]
fn a_lost_connection_is_made_again() {
    let server = server();
    let input = "client kill type normal skipme no\nping\nping\n";
    let done = case("-p PORT").input(input).ours(server.port());
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "1\nPONG\n",
        "{done:?}"
    );
    assert!(done.stderr.starts_with(b"Error: "), "{done:?}");
    assert_eq!(done.code, Some(0));
    let done = case("-p PORT -r 2 client kill type normal skipme no").ours(server.port());
    assert_eq!(
        (done.code, done.stdout.as_slice()),
        (Some(1), b"1\n".as_slice()),
        "{done:?}"
    );
}
