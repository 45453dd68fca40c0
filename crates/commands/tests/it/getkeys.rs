//! Random arguments: the keys that real servers find in them, and ours.

use commands::{KeyFlags, Spec};
use testkit::{Program, Reply, Rng, Server, seed};

/// Words that mean something to one command or another.
const WORDS: &[&str] = &[
    "a",
    "b",
    "c",
    "",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "9223372036854775807",
    "x1",
    "get",
    "GET",
    "set",
    "store",
    "STORE",
    "by",
    "BY",
    "limit",
    "keys",
    "KEYS",
    "auth",
    "auth2",
    "AUTH",
    "copy",
    "replace",
    "incrby",
    "overflow",
    "wrap",
    "u8",
    "px",
    "nx",
    "asc",
    "alpha",
    "db",
    "left",
    "count",
    "usage",
    "#0",
];

fn arguments(spec: &Spec, random: &mut Rng) -> Vec<String> {
    let mut argv: Vec<String> = spec.full_name.split('|').map(String::from).collect();
    // 7.0's GETKEYSANDFLAGS takes no lone name.
    let least = usize::from(spec.arity.unsigned_abs()).max(2);
    let spread = if spec.arity < 0 {
        random.below(9) as usize
    } else {
        0
    };
    while argv.len() < least + spread {
        argv.push((*random.pick(WORDS)).into());
    }
    // The forms with keys at the end are rare among random words.
    if spec.full_name == "migrate" && random.chance(50) {
        argv[3].clear();
    }
    if spec.full_name == "lmpop" && random.chance(80) {
        argv[1] = (1 + random.below(4)).to_string();
    }
    argv
}

/// SORT with an option word behind STORE: the search for keys of real servers takes it for the
/// option, and their SORT stores to it. With us both are the same search.
fn stores_to_a_word(argv: &[String]) -> bool {
    let stores = |pair: &[String]| {
        let options = ["store", "limit", "get", "by"];
        let is = |word: &str| pair[1].eq_ignore_ascii_case(word);
        pair[0].eq_ignore_ascii_case("store") && options.into_iter().any(is)
    };
    argv[0] == "sort" && argv.windows(2).any(stores)
}

type Keys = Result<Vec<(String, Vec<String>)>, String>;

/// Key and flags as the reply to `COMMAND GETKEYSANDFLAGS` lists them.
fn ours(argv: &[String]) -> Keys {
    let found = commands::get_keys(argv).map_err(|error| format!("ERR {error}"))?;
    let pair = |(index, flags): (usize, KeyFlags)| {
        (
            argv[index].clone(),
            flags.names().map(String::from).collect(),
        )
    };
    Ok(found.into_iter().map(pair).collect())
}

fn theirs(reply: &Reply) -> Keys {
    if let Some(error) = reply.error() {
        return Err(error.to_string());
    }
    let pair = |pair: &Reply| (pair.array()[0].text(), pair.array()[1].texts());
    Ok(reply.array().iter().map(pair).collect())
}

fn compare(program: Program, name: &str) {
    const ROUNDS: usize = 300;
    let mut random = seed(name);
    let server = Server::of(program).start();
    let mut conn = server.connect();
    for spec in commands::all().filter(|spec| !spec.is_container()) {
        if conn.call(&["COMMAND", "INFO", spec.full_name]).array()[0] == Reply::Nil {
            continue;
        }
        let rounds = if spec.has_keys() { ROUNDS } else { 3 };
        let argvs = (0..rounds).map(|_| arguments(spec, &mut random));
        let argvs: Vec<_> = argvs.filter(|argv| !stores_to_a_word(argv)).collect();
        let requests: Vec<Vec<String>> = argvs
            .iter()
            .map(|argv| {
                let head = ["COMMAND", "GETKEYSANDFLAGS"].map(String::from);
                head.into_iter().chain(argv.iter().cloned()).collect()
            })
            .collect();
        let replies = conn.pipeline(&requests).expect("replies");
        for (argv, reply) in argvs.iter().zip(&replies) {
            assert_eq!(ours(argv), theirs(reply), "{argv:?}");
        }
    }
    // What is no command, or not all of one.
    for line in [
        "nosuch a",
        "config",
        "config nosuch",
        "get",
        "get a b",
        "ping",
        "object encoding",
    ] {
        let argv: Vec<String> = line.split(' ').map(String::from).collect();
        let request = format!("COMMAND GETKEYSANDFLAGS {line}");
        if program == Program::Redis70 && argv.len() == 1 {
            continue;
        }
        assert_eq!(ours(&argv), theirs(&conn.line(&request)), "{line}");
    }
}

#[test]
fn keys_agree_with_redis_7_4() {
    compare(Program::Redis74, "keys_agree_with_redis_7_4");
}

#[test]
fn keys_agree_with_redis_7_0() {
    compare(Program::Redis70, "keys_agree_with_redis_7_0");
}

#[test]
fn the_fast_path_finds_what_the_specs_find() {
    let mut random = seed("the_fast_path_finds_what_the_specs_find");
    for spec in commands::all().filter(|spec| spec.has_keys()) {
        for _ in 0..100 {
            let argv = arguments(spec, &mut random);
            let (mut with_flags, mut places) = (Vec::new(), Vec::new());
            commands::keys(spec, &argv, &mut |index, _| with_flags.push(index));
            let count = commands::key_places(spec, &argv, &mut |index| places.push(index));
            assert_eq!(with_flags, places, "{argv:?}");
            assert_eq!(count, places.len(), "{argv:?}");
            let first = places.first().copied();
            if spec.range.exact && first.is_some() {
                assert_eq!(commands::first_key(spec, argv.len()), first, "{argv:?}");
            }
        }
    }
}

#[test]
fn any_bytes_are_safe() {
    let mut random = seed("any_bytes_are_safe");
    for spec in commands::all() {
        for _ in 0..200 {
            let mut data = spec.full_name.replace('|', "\0").into_bytes();
            for _ in 0..random.below(12) {
                data.extend(b"\0");
                if random.chance(80) {
                    data.extend_from_slice(random.pick(WORDS).as_bytes());
                } else {
                    let length = random.below(9) as usize;
                    data.extend(random.bytes(length));
                }
            }
            commands::fuzz_keys(&data);
        }
    }
}
