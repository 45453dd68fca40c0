//! Hints, against a real redis-cli: it is handed a file of lines and of what we would show, and
//! complains where it would show something else.

use testkit::{Process, Program, Rng, TempDir, Tool, seed};

/// Words that fit one argument or another.
const WORDS: &[&str] = &[
    "a",
    "1",
    "-3",
    "key",
    "GET",
    "get",
    "SET",
    "EX",
    "PX",
    "NX",
    "KEEPTTL",
    "BY",
    "LIMIT",
    "STORE",
    "ASC",
    "DESC",
    "ALPHA",
    "LEFT",
    "RIGHT",
    "COUNT",
    "MATCH",
    "TYPE",
    "KEYS",
    "AUTH",
    "AUTH2",
    "COPY",
    "REPLACE",
    "BIT",
    "BYTE",
    "RANK",
    "MAXLEN",
    "WRAP",
    "INCRBY",
    "ID",
    "ADDR",
    "NORMAL",
    "ABSTTL",
    "FREQ",
    "DB",
    "WITHVALUES",
    "IDX",
    "LEN",
    "FORCE",
    "ASYNC",
    "NODE",
    "STABLE",
    "ON",
    "OFF",
    "NOW",
    "SAVE",
];

/// Whether redis-cli 7.4 knows an option that came with it: a filter of CLIENT KILL, NOVALUES of
/// HSCAN.
fn is_newer_there(spec: &commands::Spec) -> bool {
    ["client|kill", "hscan"].contains(&spec.full_name)
}

/// A command with some words, often some of its own tokens.
fn line(random: &mut Rng) -> Vec<String> {
    let all: Vec<_> = commands::all().collect();
    let spec = loop {
        let spec = *random.pick(&all);
        // LIST begins with a choice behind a token.
        let differs = is_newer_there(spec) || spec.full_name == "client|list";
        if !differs && !spec.is_container() {
            break spec;
        }
    };
    let mut words: Vec<String> = spec.full_name.split('|').map(str::to_uppercase).collect();
    let mut tokens = Vec::new();
    collect_tokens(spec.args, &mut tokens);
    for _ in 0..random.below(8) {
        let own = !tokens.is_empty() && random.chance(40);
        words.push((*random.pick(if own { &tokens } else { WORDS })).into());
    }
    words
}

/// Tokens before a choice are left out: once typed, redis-cli forgets the choice; we show it.
fn collect_tokens(args: &[commands::Arg], tokens: &mut Vec<&'static str>) {
    for arg in args {
        let choice = arg.kind == commands::ArgKind::OneOf;
        tokens.extend(arg.token.filter(|token| !token.is_empty() && !choice));
        collect_tokens(arg.args, tokens);
    }
}

/// Has redis-cli check lines and their hints; its complaints.
fn complaints(cases: &[(Vec<String>, String)]) -> String {
    let directory = TempDir::new("hints");
    let path = directory.path().join("hints.txt");
    let text: String = cases
        .iter()
        .map(|(words, hint)| {
            format!(
                "\"{} \" \"{}\"\n",
                words.join(" "),
                hint.replace('"', "\\\"")
            )
        })
        .collect();
    std::fs::write(&path, text).expect("a file");
    let mut command = Program::Redis74.command(Tool::Cli);
    // No server listens there: it goes by the table it was built with.
    command.args(["-p", "1", "--test_hint_file"]).arg(&path);
    let output = directory.path().join("output.log");
    let mut process = Process::start("redis-cli", &mut command, &output);
    process.wait(std::time::Duration::from_secs(60));
    process.log()
}

fn compare(cases: &[(Vec<String>, String)]) {
    let said = complaints(cases);
    let success = format!("SUCCESS: {0}/{0} passed", cases.len());
    assert!(said.contains(&success), "{said}");
}

#[test]
fn whole_syntaxes_are_those_of_redis_cli() {
    let cases: Vec<_> = commands::all()
        .filter(|spec| !spec.is_container() && !is_newer_there(spec))
        .map(|spec| {
            let words: Vec<String> = spec.full_name.split('|').map(str::to_uppercase).collect();
            assert_eq!(commands::hint(&words).unwrap(), commands::syntax(spec));
            (words, commands::syntax(spec))
        })
        .collect();
    compare(&cases);
}

#[test]
fn hints_are_those_of_redis_cli() {
    let mut random = seed("hints_are_those_of_redis_cli");
    let cases: Vec<_> = (0..3000)
        .map(|_| {
            let words = line(&mut random);
            let hint = commands::hint(&words).unwrap();
            (words, hint)
        })
        // Whether a GET that was passed may come again, redis-cli says now so, now so.
        .filter(|(words, _)| {
            let get = words.iter().any(|word| word.eq_ignore_ascii_case("GET"));
            !words[0].starts_with("SORT") || !get
        })
        .collect();
    compare(&cases);
}
