//! What commands say to arguments that are wrong, or at the edge of what is right: in the words of
//! Redis, and in its order of checks.

use std::collections::BTreeSet;
use testkit::{Conn, Program, Reply, Rng, Server, seed};

const MAX: &str = "9223372036854775807";
const MIN: &str = "-9223372036854775808";

/// Ours and Redis 7.4.1, with a connection to each.
struct Pair {
    servers: [Server; 2],
    conns: [Conn; 2],
}

impl Pair {
    fn start(options: &[(&str, &str)]) -> Pair {
        let start = |program| {
            let plan = Server::of(program).option("enable-debug-command", "yes");
            let add =
                |plan: testkit::ServerPlan, (name, value): &(&str, &str)| plan.option(name, value);
            options.iter().fold(plan, add).start()
        };
        let servers = [start(Program::Shoal), start(Program::Redis74)];
        let conns = [servers[0].connect(), servers[1].connect()];
        Pair { servers, conns }
    }

    /// What both say. A command may end the connection, with the next one made anew.
    fn ask<A: AsRef<[u8]>>(&mut self, command: &[A]) -> [Option<Reply>; 2] {
        [0, 1].map(|index| {
            let reply = self.conns[index].try_call(command).ok();
            if reply.is_none() {
                self.conns[index] = self.servers[index].connect();
            }
            reply
        })
    }

    #[track_caller]
    fn both<A: AsRef<[u8]>>(&mut self, command: &[A]) {
        let [ours, real] = self.ask(command);
        let words: Vec<_> = command
            .iter()
            .map(|word| word.as_ref().escape_ascii().to_string())
            .collect();
        assert_eq!(ours, real, "{words:?}");
    }

    #[track_caller]
    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            let line = line.replace("MAX", MAX).replace("MIN", MIN);
            self.both(&line.split(' ').collect::<Vec<_>>());
        }
    }
}

/// Texts that are numbers, or nearly.
fn floats(dice: &mut Rng) -> BTreeSet<Vec<u8>> {
    let known: [&[u8]; 75] = [
        b"1e",
        b"1e+",
        b"1e-",
        b"1e5",
        b"1e-5000",
        b"1e5000",
        b"-1e-5000",
        b"0e5000",
        b"0e-5000",
        b"1e-99999999999999999999",
        b"1e99999999999999999999",
        b".5",
        b"5.",
        b".",
        b"-.",
        b"+.5",
        b".e5",
        b"e5",
        b"1e5.5",
        b"0x",
        b"0x.",
        b"0x1",
        b"0X1P3",
        b"0x1p",
        b"0x1p+",
        b"0x.8",
        b"0x1.8p-2000",
        b"0x1p-1074",
        b"0x1p-1075",
        b"0x1.8p-1075",
        b"0x1.0000000000001p-1075",
        b"0x1p1023",
        b"0x1p1024",
        b"0x1.fffffffffffff8p1023",
        b"0x1p16383",
        b"0x1p16384",
        b"0x1p-16445",
        b"0x1p-16446",
        b"0x1p99999999999",
        b"0x123456789abcdef0123",
        b"inf",
        b"-inf",
        b"+inf",
        b"INFINITY",
        b"infinit",
        b"infinity1",
        b"nan",
        b"-nan",
        b"nan(1)",
        b"1_000",
        b"1,5",
        b"1d5",
        b"1f",
        b"--1",
        b"+-1",
        b"- 1",
        b"",
        b" ",
        b"1 ",
        b" 1",
        b"\t1",
        b"\x0b1",
        b"1\0x",
        b"\0",
        b"1.7976931348623157e308",
        b"1.7976931348623159e308",
        b"4.9e-324",
        b"2e-324",
        b"2.2250738585072014e-308",
        b"2.2250738585072011e-308",
        b"1e-4950",
        b"1e-4951",
        b"1e4932",
        b"1.2e4932",
        b"99999999999999999999999999",
    ];
    let mut texts: BTreeSet<Vec<u8>> = known.iter().map(|text| text.to_vec()).collect();
    for _ in 0..120 {
        let length = 1 + dice.below(7);
        let letters = b"0123456789.eE+-xXpPinfa ";
        texts.insert((0..length).map(|_| *dice.pick(letters)).collect());
        let digits = dice.below(100_000);
        let text = format!(
            "{}{digits}{}{}{}{}",
            dice.pick(&["", "-", "+"]),
            dice.pick(&["", ".", ".5", ".123"]),
            dice.pick(&["", "e", "E"]),
            dice.pick(&["", "-", "+"]),
            dice.pick(&["", "5", "310", "324", "400", "4940", "4960", "5000"]),
        );
        texts.insert(text.into_bytes());
        let text = format!(
            "{}0x{:x}{}{}{}{}",
            dice.pick(&["", "-"]),
            dice.bits() >> dice.below(64),
            dice.pick(&["", ".", ".8", ".fff"]),
            dice.pick(&["", "p", "P"]),
            dice.pick(&["", "-", "+"]),
            dice.pick(&["", "5", "1020", "1074", "1080", "16380", "16440", "16450"]),
        );
        texts.insert(text.into_bytes());
    }
    texts
}

#[test]
fn numbers_with_fractions_are_read_as_by_redis() {
    let mut dice = seed("numbers_with_fractions_are_read_as_by_redis");
    let mut pair = Pair::start(&[]);
    let percentiles: &[u8] = b"latency-tracking-info-percentiles";
    for text in floats(&mut dice) {
        let text: &[u8] = &text;
        let commands: [&[&[u8]]; 14] = [
            &[b"DEL", b"k", b"h", b"l", b"weight_1"],
            &[b"INCRBYFLOAT", b"k", text],
            &[b"SET", b"k", text],
            &[b"INCRBYFLOAT", b"k", b"1"],
            &[b"HINCRBYFLOAT", b"h", b"f", text],
            &[b"HINCRBYFLOAT", b"k", b"f", text],
            &[b"HSET", b"h", b"f", text],
            &[b"HINCRBYFLOAT", b"h", b"f", b"1"],
            &[b"RPUSH", b"l", text, b"1", b"-1"],
            &[b"SORT", b"l"],
            &[b"SET", b"weight_1", text],
            &[b"SORT", b"l", b"BY", b"weight_*"],
            &[b"CONFIG", b"SET", percentiles, text],
            &[b"CONFIG", b"GET", percentiles],
        ];
        for command in commands {
            pair.both(command);
        }
    }
}

#[test]
fn arguments_are_checked_in_the_order_of_redis() {
    let mut pair = Pair::start(&[]);
    pair.lines(&["SET s text", "HSET h f 1", "RPUSH l a b c a"]);
    pair.lines(&[
        "HRANDFIELD h x FOO",
        "HRANDFIELD h x WITHVALUES FOO",
        "HRANDFIELD h 1 WITHVALUES FOO",
        "HRANDFIELD h MIN",
        "HRANDFIELD h MIN FOO",
        "HRANDFIELD nokey MAX WITHVALUES",
        "HRANDFIELD h -4611686018427387904 WITHVALUES",
        "HSCAN nokey 0 COUNT 0",
        "HSCAN nokey 0 FOO",
        "HSCAN s 0 FOO",
        "HSCAN s x",
        "HSCAN h 0 COUNT 0",
        "HSCAN h +0",
        "HSCAN h -0",
        "HSCAN h -1",
        "SCAN -1",
        "SCAN -",
        "SCAN 18446744073709551616",
        "SCAN 0 COUNT 9223372036854775808",
        "WAITAOF x y z",
        "WAITAOF 2 y z",
        "WAITAOF 0 -1 x",
        "WAITAOF 0 0 x",
        "SLOWLOG GET 1 2",
        "SLOWLOG GET x",
        "SLOWLOG GET -2",
        "slowlog get x y",
        "CLIENT UNBLOCK x TIMEOUT y",
        "CLIENT PAUSE x y z",
        "CLIENT SETINFO LIB-VER \u{1}",
        "GETEX nokey EX x",
        "GETEX l EX 0",
        "GETEX s EX 0",
        "GETEX s EX 100 EX 90",
        "GETEX s EX 100 PX 90",
        "GETEX s PERSIST PERSIST",
        "GETEX s PERSIST EX 1",
        "SET s x EX 100 EX x",
        "SET s x EX x EX 100 GET",
        "SET s x EX 100 PX 100",
        "SET s x EX 100 KEEPTTL",
        "SET s x KEEPTTL EX 100",
        "MEMORY USAGE s SAMPLES x FOO",
        "MEMORY USAGE s SAMPLES -1 FOO",
        "MEMORY USAGE s SAMPLES 1 FOO",
        "MEMORY USAGE s FOO",
        "CONFIG GET MaxMemory maxmemory",
        "CONFIG GET SAVE",
        "CONFIG GET Slave-Read-Only",
        "CONFIG GET MAXMEMORY maxmemor?",
    ]);
    for cursor in [&b" 0"[..], b"\t0", b"0 ", b"0\0x", b"", b"0x", b"+", b"- 1"] {
        pair.both(&[&b"HSCAN"[..], b"h", cursor]);
    }
}

#[test]
fn cluster_commands_check_as_redis_does() {
    let mut pair = Pair::start(&[("cluster-enabled", "yes")]);
    pair.lines(&[
        "CLUSTER MEET 127.0.0.1 1 0",
        "CLUSTER MEET 127.0.0.1 1 65536",
        "CLUSTER MEET 127.0.0.1 x y",
        "CLUSTER MEET 127.0.0.1 1 x",
        "CLUSTER MEET nowhere x y z",
        "CLUSTER MEET 127.0.0.1 MAX",
        "CLUSTER MEET 127.0.0.1 MIN",
        "CLUSTER RESET HARD X",
        "CLUSTER RESET X Y",
        "CLUSTER RESET X",
        "cluster reset soft soft",
        "CLUSTER FAILOVER FORCE FORCE",
        "CLUSTER FAILOVER X",
    ]);
}

#[test]
fn the_edges_of_integers_are_those_of_redis() {
    let mut pair = Pair::start(&[]);
    pair.lines(&[
        "SET k v PXAT MAX",
        "EXPIRETIME k",
        "PEXPIRETIME k",
        "SET k v PXAT 9223372036854775499",
        "EXPIRETIME k",
        "SET k v",
        "PEXPIREAT k MAX",
        "EXPIRETIME k",
        "EXPIREAT k 9223372036854775",
        "EXPIREAT k 9223372036854776",
        "PEXPIRE k MAX",
        "EXPIRE k MAX",
        "EXPIRE k MIN",
        "PEXPIRE k MIN",
        "EXISTS k",
        "SET k v",
        "PEXPIREAT k MIN",
        "EXISTS k",
        "SET k v EX 9223372036854775",
        "SET k v PX MAX",
        "SET k abc",
        "SETRANGE k MAX x",
        "SETRANGE k MIN x",
        "SETRANGE k MAX ",
        "GETRANGE k MIN MAX",
        "GETRANGE k MAX MIN",
        "GETRANGE k MIN MIN",
        "BITCOUNT k MIN MAX BIT",
        "BITPOS k 1 MIN MAX",
        "BITPOS k 0 MAX MAX BIT",
        "SETBIT b MAX 1",
        "GETBIT b MAX",
        "BITFIELD b GET u8 MAX",
        "BITFIELD b SET i64 0 MIN",
        "BITFIELD b INCRBY i64 0 -1",
        "BITFIELD b OVERFLOW SAT INCRBY i64 0 MIN",
        "BITFIELD b OVERFLOW FAIL INCRBY i64 0 MIN",
        "BITFIELD b GET u64 0",
        "RPUSH l a b c a",
        "LRANGE l MIN MAX",
        "LRANGE l MAX MIN",
        "LTRIM l MIN MAX",
        "LINDEX l MIN",
        "LINDEX l MAX",
        "LREM l MIN a",
        "LPOS l a RANK MIN",
        "LPOS l a RANK MAX",
        "LPOS l a COUNT MAX MAXLEN MAX",
        "LPOS l a RANK -9223372036854775807",
        "LMPOP 1 l LEFT COUNT MAX",
        "LMPOP MAX l LEFT",
        "RPUSH l a b",
        "LPOP l MAX",
        "LPOP l MIN",
        "SORT l LIMIT MIN MIN",
        "SORT l LIMIT MAX MAX",
        "INCRBY n MAX",
        "INCRBY n MAX",
        "DECRBY n MIN",
        "DECRBY n MAX",
        "HINCRBY h f MAX",
        "HINCRBY h f MAX",
        "HINCRBY h f MIN",
        "HSCAN h 0 COUNT MAX",
        "LCS k k MINMATCHLEN MAX IDX",
        "LCS k k MINMATCHLEN MIN IDX",
        "OBJECT IDLETIME k",
        "CLIENT KILL ID MAX",
        "CLIENT KILL MAXAGE MAX",
        "CLIENT LIST ID MIN",
        "CLIENT PAUSE MAX",
        "CLIENT NO-TOUCH MAX",
        "SELECT MAX",
        "MOVE k MAX",
        "COPY k j DB MAX",
        "SWAPDB MIN MAX",
        "WAIT MAX 1",
        "WAITAOF 0 MAX 1",
        "SLOWLOG GET MAX",
        "SLOWLOG GET MIN",
        "COMMAND GETKEYS LMPOP MAX a LEFT",
        "DEBUG SLEEP -1",
        "CONFIG SET timeout 2147483647",
        "CONFIG SET timeout 2147483648",
        "CONFIG SET slowlog-log-slower-than MIN",
        "CONFIG SET client-query-buffer-limit MAX",
        "CONFIG SET repl-backlog-size MAX",
        "CONFIG SET repl-timeout 2147483647",
        "CONFIG SET tcp-keepalive 2147483647",
        "CONFIG SET shutdown-timeout 2147483647",
        "CONFIG SET repl-backlog-ttl MAX",
        "CONFIG SET latency-monitor-threshold MAX",
        "CONFIG SET hash-max-listpack-entries MAX",
        "CONFIG SET list-max-listpack-size -2147483648",
        "RPUSH other a b",
        "CONFIG SET list-max-listpack-size 2147483647",
        "RPUSH other c",
        "HSET h g 1",
        "PING",
    ]);
    // Redis lets the time wrap around, says OK and has no key; nobody wants that.
    let payload = pair.conns[0].call(&["DUMP", "k"]).bytes().to_vec();
    let late: [&[u8]; 4] = [b"RESTORE", b"late", MAX.as_bytes(), &payload];
    pair.conns[0]
        .call(&late)
        .expect_error("ERR invalid expire time in 'restore' command");
    assert_eq!(pair.conns[0].line("EXISTS late").int(), 0);
    let at: [&[u8]; 5] = [b"RESTORE", b"late", MAX.as_bytes(), &payload, b"ABSTTL"];
    pair.both(&at);
    pair.lines(&["PEXPIRETIME late"]);
}

/// Commands whose answers differ by nature, that wait, or that end something.
const LEFT_OUT: &str = " shutdown monitor psync sync debug replicaof slaveof replconf client|kill \
    migrate info config|rewrite config|set config|resetstat bgsave save bgrewriteaof time lastsave \
    memory|doctor memory|malloc-stats memory|stats memory|usage command command|docs command|info \
    command|list command|count client|list client|info client|id client|getredir client|reply \
    client|pause hello dump quit latency|histogram latency|doctor object|freq object|idletime \
    slowlog|get slowlog|len randomkey wait waitaof ";

const EDGES: [&str; 36] = [
    "0",
    "1",
    "-1",
    "2",
    "10",
    "-0",
    "+1",
    "01",
    " 1",
    "1 ",
    "x",
    "",
    MAX,
    "9223372036854775808",
    MIN,
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "1.5",
    "1e3",
    "1e400",
    "-1.5",
    "inf",
    "nan",
    "1e",
    "0x10",
    "9223372036854775",
    "-9223372036854775",
    "9223372036854776",
    "100",
    "1e-5000",
    "16",
];

const WORDS: [&str; 64] = [
    "*",
    "a",
    "b",
    "f1",
    "GET",
    "SET",
    "INCRBY",
    "NX",
    "XX",
    "GT",
    "LT",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "COUNT",
    "MATCH",
    "TYPE",
    "string",
    "LIMIT",
    "BY",
    "STORE",
    "ASC",
    "DESC",
    "ALPHA",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "AFTER",
    "BYTE",
    "BIT",
    "u8",
    "i16",
    "u64",
    "i65",
    "#1",
    "OVERFLOW",
    "SAT",
    "FAIL",
    "AND",
    "NOT",
    "WITHVALUES",
    "REPLACE",
    "ABSTTL",
    "IDLETIME",
    "FREQ",
    "DB",
    "ASYNC",
    "SYNC",
    "RANK",
    "MAXLEN",
    "PERSIST",
    "LEN",
    "IDX",
    "MINMATCHLEN",
    "WITHMATCHLEN",
    "ON",
    "OFF",
    "LIB-NAME",
    "TIMEOUT",
    "ERROR",
    "maxmemory",
    "SAMPLES",
];

/// The names of the commands with their arities, subcommands as several words.
fn table(conn: &mut Conn) -> Vec<(Vec<String>, i64)> {
    let mut found = Vec::new();
    let mut rest: Vec<Reply> = conn.line("COMMAND").array().to_vec();
    while let Some(row) = rest.pop() {
        let row = row.array();
        let name = row[0].text();
        let container = !row[9].array().is_empty();
        rest.extend(row[9].array().iter().cloned());
        if !container && !LEFT_OUT.contains(&format!(" {name} ")) && !name.ends_with("|help") {
            let words = name.split('|').map(str::to_owned).collect();
            found.push((words, row[1].int()));
        }
    }
    found
}

fn made_up(dice: &mut Rng, (name, arity): &(Vec<String>, i64)) -> Vec<String> {
    let keys = ["s", "n", "f", "l", "h", "nokey", "e"];
    let least = arity.unsigned_abs() as usize - name.len();
    let more = *dice.pick(&[0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5]);
    let mut command = name.clone();
    for place in 0..least + more {
        let word = match dice.below(100) {
            0..70 if place == 0 => dice.pick(&keys),
            0..45 => dice.pick(&EDGES),
            45..85 => dice.pick(&WORDS),
            _ => dice.pick(&keys),
        };
        command.push((*word).to_owned());
    }
    command
}

#[test]
fn made_up_arguments_get_the_answers_of_redis() {
    let mut dice = seed("made_up_arguments_get_the_answers_of_redis");
    let mut pair = Pair::start(&[]);
    let table = table(&mut pair.conns[0]);
    assert!(table.len() > 100, "{}", table.len());
    let data = [
        "RESET",
        "FLUSHALL",
        "SET s text",
        "SET n 10",
        "SET f 3.5",
        "RPUSH l a b c 1 2 3 a",
        "HSET h f1 v1 f2 10",
        "SET e v EX 100000",
    ];
    let mut rests = 0;
    for _ in 0..6000 {
        if rests == 0 {
            pair.lines(&data);
            rests = 40;
        }
        rests -= 1;
        let row = dice.pick(&table).clone();
        let command = made_up(&mut dice, &row);
        let name = command[0].as_str();
        // So many random fields would come, from both.
        let countless = |word: &String| word.parse().is_ok_and(|count: i64| count < -1000);
        if name == "hrandfield" && command.iter().any(countless) {
            continue;
        }
        let timed = ["EX", "PX", "EXAT", "PXAT"];
        let timed = command.iter().any(|word| timed.contains(&word.as_str()));
        if timed || name.contains("expire") || name.contains("setex") || name.contains("restore") {
            // What is there from now on would depend on the clocks of two servers.
            rests = 0;
        }
        // The order of what is found is each server's own; LSET's index is cut to 32 bits there.
        let free = [
            "config",
            "keys",
            "scan",
            "hgetall",
            "hkeys",
            "hvals",
            "hscan",
            "hrandfield",
            "lset",
        ];
        let [ours, real] = pair.ask(&command);
        let errors = [&ours, &real].map(|reply| reply.as_ref().and_then(Reply::error));
        let shown = command.join(" ");
        if errors.iter().any(Option::is_some) && name != "lset" {
            assert_eq!(errors[0], errors[1], "{shown}");
        } else if !free.contains(&name) && !name.contains("ttl") && !name.contains("expiretime") {
            assert_eq!(ours, real, "{shown}");
        }
    }
}
