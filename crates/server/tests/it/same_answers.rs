//! The same commands with the same answers as Redis: bits, SORT, LCS; values that travel between
//! the two in DUMP payloads and by MIGRATE.

use testkit::{Conn, Program, Rng, Server, seed};

fn servers() -> (Server, Server) {
    let start = |program| Server::of(program).option("save", "").start();
    (start(Program::Shoal), start(Program::Redis74))
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Sends the command to both; their answers must be the same.
fn both(conns: &mut (Conn, Conn), command: &[String]) {
    let (ours, real) = (conns.0.call(command), conns.1.call(command));
    assert_eq!(ours, real, "{command:?}");
}

fn number(rng: &mut Rng) -> String {
    let numbers = [
        "0",
        "1",
        "-1",
        "7",
        "8",
        "9",
        "63",
        "100",
        "-40",
        "255",
        "x",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
    ];
    (*rng.pick(&numbers)).to_owned()
}

fn field(rng: &mut Rng) -> Vec<String> {
    let kind = rng.pick(&[
        "i1", "u1", "i5", "u8", "i31", "u33", "u63", "i64", "u64", "i0",
    ]);
    let offset = rng.pick(&["0", "1", "7", "#1", "#3", "30", "100", "-1"]);
    match rng.below(4) {
        0 => words(&format!("GET {kind} {offset}")),
        // Redis saturates the least integer to the greatest value: its difference overflows.
        1 => match number(rng) {
            least if least.parse() == Ok(i64::MIN) => words(&format!("GET {kind} {offset}")),
            value => words(&format!("SET {kind} {offset} {value}")),
        },
        2 => words(&format!("INCRBY {kind} {offset} {}", number(rng))),
        _ => words(rng.pick::<&str>(&[
            "OVERFLOW SAT",
            "OVERFLOW WRAP",
            "overflow fail",
            "OVERFLOW X",
        ])),
    }
}

#[test]
fn bits_are_those_of_redis() {
    let mut rng = seed("bits_are_those_of_redis");
    let (ours, real) = servers();
    let mut conns = (ours.connect(), real.connect());
    both(&mut conns, &words("RPUSH list a"));
    for _ in 0..2000 {
        let key = *rng.pick(&["one", "two", "three", "list"]);
        let (first, second) = (number(&mut rng), number(&mut rng));
        let unit = *rng.pick(&["", " BIT", " BYTE", " X"]);
        let bit = *rng.pick(&["0", "1", "1", "2"]);
        let command = match rng.below(9) {
            0 => format!(
                "SETBIT {key} {} {bit}",
                rng.pick(&["0", "9", "77", "-1", "x"])
            ),
            1 => format!("GETBIT {key} {first}"),
            2 => format!("BITCOUNT {key} {first} {second}{unit}"),
            3 => format!("BITPOS {key} {bit} {first} {second}{unit}"),
            4 => format!("BITPOS {key} {bit}"),
            5 => format!(
                "SET {} {}",
                rng.pick(&["one", "two"]),
                rng.pick(&["foobar", "12", "ab"])
            ),
            6 => {
                let verb = rng.pick(&["AND", "OR", "XOR", "NOT", "NAND"]);
                format!("BITOP {verb} three {key} two")
            }
            7 => format!("GET {key}"),
            _ => format!("BITOP NOT three {key}"),
        };
        both(&mut conns, &words(&command));
        let mut fields = words(&format!("BITFIELD {key}"));
        for _ in 0..rng.below(4) {
            fields.extend(field(&mut rng));
        }
        both(&mut conns, &fields);
    }
}

#[test]
fn sorting_is_that_of_redis() {
    let mut rng = seed("sorting_is_that_of_redis");
    let (ours, real) = servers();
    let mut conns = (ours.connect(), real.connect());
    for n in 0..40 {
        both(
            &mut conns,
            &words(&format!("RPUSH numbers {}", (n * 37) % 41 - 20)),
        );
        both(
            &mut conns,
            &words(&format!(
                "HSET weight:{} by {} name n{n}",
                n - 20,
                (n * 7) % 101
            )),
        );
        both(
            &mut conns,
            &words(&format!("RPUSH words w{}", (n * 11) % 40)),
        );
    }
    let options = [
        "DESC",
        "ASC",
        "ALPHA",
        "LIMIT 3 5",
        "LIMIT -2 90",
        "LIMIT x 1",
        "BY weight:*->by",
        "BY nothing",
        "GET #",
        "GET weight:*->name",
        "GET none",
        "STORE target",
        "NONSENSE",
    ];
    for _ in 0..800 {
        let name = *rng.pick(&["SORT", "SORT", "SORT_RO"]);
        let key = *rng.pick(&["numbers", "numbers", "words", "absent", "weight:0"]);
        let mut command = words(&format!("{name} {key}"));
        for _ in 0..rng.below(4) {
            let option: &str = rng.pick::<&str>(&options);
            command.extend(words(option));
        }
        both(&mut conns, &command);
        both(&mut conns, &words("LRANGE target 0 -1"));
        let mut text = |length| -> String {
            (0..length)
                .map(|_| *rng.pick(&['a', 'b', 'c', 'd']))
                .collect()
        };
        let (one, other) = (text(17), text(23));
        both(&mut conns, &words(&format!("MSET one {one} other {other}")));
        let options = rng.pick(&[
            "",
            " LEN",
            " IDX",
            " IDX WITHMATCHLEN MINMATCHLEN 2",
            " LEN IDX",
        ]);
        both(&mut conns, &words(&format!("LCS one other{options}")));
    }
}

#[test]
fn values_travel_both_ways() {
    let (ours, real) = servers();
    for (from, to) in [(&ours, &real), (&real, &ours)] {
        let (mut here, mut there) = (from.connect(), to.connect());
        here.call(&["FLUSHALL"]).expect_ok();
        there.call(&["FLUSHALL"]).expect_ok();
        here.call(&["SET", "text", &"long text ".repeat(50), "PX", "900000"])
            .expect_ok();
        here.call(&["SET", "number", "-17"]).expect_ok();
        for n in 0..600 {
            here.call(&["RPUSH", "list", &format!("element {n}")]);
            here.call(&["HSET", "hash", &format!("field {n}"), "value"]);
        }
        let payload = here.call(&["DUMP", "list"]).bytes().to_vec();
        let restore: [&[u8]; 4] = [b"RESTORE", b"copy", b"0", &payload];
        if from.program() == Program::Shoal {
            there.call(&restore).expect_ok();
            let copied = there.call(&["LRANGE", "copy", "0", "-1"]);
            assert_eq!(copied, here.call(&["LRANGE", "list", "0", "-1"]));
        }
        let port = to.port().to_string();
        let absent = here.call(&["MIGRATE", "127.0.0.1", &port, "absent", "0", "5000"]);
        assert_eq!(absent.text(), "NOKEY");
        there.call(&["SET", "number", "there"]).expect_ok();
        let keys = ["text", "number", "list", "hash", "absent"];
        let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        command.extend(keys);
        let busy = here.call(&command);
        assert!(format!("{busy:?}").contains("BUSYKEY"), "{busy:?}");
        assert_eq!(here.call(&["DBSIZE"]).int(), 1, "what arrived is gone here");
        command.insert(6, "REPLACE");
        here.call(&command).expect_ok();
        assert_eq!(here.call(&["DBSIZE"]).int(), 0);
        assert_eq!(there.call(&["GET", "number"]).text(), "-17");
        assert_eq!(there.call(&["LLEN", "list"]).int(), 600);
        assert_eq!(there.call(&["HLEN", "hash"]).int(), 600);
        assert!((1..=900_000).contains(&there.call(&["PTTL", "text"]).int()));
    }
}

#[test]
fn times_to_wait_have_an_end() {
    let (ours, real) = servers();
    let mut conns = (ours.connect(), real.connect());
    let times = ["9223372036854775808", "9223372036854775807", "-1", "x", "1"];
    for time in times {
        for command in ["WAIT 2", "WAITAOF 0 2", "CLIENT PAUSE"] {
            both(&mut conns, &words(&format!("{command} {time}")));
        }
    }
}
