//! Every command of the table with random arguments, through parsing of its words, the search for
//! keys, the handler and the journal: nothing panics, each command has one reply, and a copy that
//! applies the journal ends with the same data.
//!
//! `SHOAL_FUZZ_SECONDS` says for how long (`cargo xtask fuzz grammar`), `SHOAL_FUZZ_WORKERS` by how
//! many threads.

use crate::lab::{Copy, Lab, engine, one_reply};
use commands::{Cmd, Spec};
use ds::{HashLimits, Limits, ListLimits};
use engine::{Engine, Outcome, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Grammar, Rng, seed};

/// How many commands a round has. The copy is compared after each command of a lone worker, and
/// after each round of several.
const ROUND: usize = 2000;

/// `client-output-buffer-limit` of the connections, in bytes.
const OUTPUT_LIMIT: usize = 1 << 20;

fn settings() -> Settings {
    let mut settings = Settings {
        debug: 2,
        // Small limits: conversions happen, and no random length takes much memory.
        max_bulk: 1 << 16,
        limits: Limits {
            hash: HashLimits {
                entries: 8,
                value: 16,
            },
            list: ListLimits { listpack_size: 8 },
        },
        slowlog_slower_than: 0,
        ..Settings::default()
    };
    settings.output_limits[0] = (OUTPUT_LIMIT, 0, 0);
    settings
}

/// What CLIENT REPLY withholds is no reply to check.
fn wanted(spec: &Spec) -> bool {
    spec.id != Cmd::ClientReply && spec.id != Cmd::Debug
}

/// DEBUG has no grammar in the table. (POPULATE is not among these: as in Redis, no replica hears
/// of it.)
const DEBUG: &[&str] = &[
    "DEBUG DIGEST",
    "DEBUG DIGEST-VALUE a {t}1",
    "DEBUG OBJECT a",
    "DEBUG LISTPACK b",
    "DEBUG SDSLEN c",
    "DEBUG HTSTATS 0",
    "DEBUG HTSTATS-KEY a",
    "DEBUG PROTOCOL map",
];

fn next(grammar: &mut Grammar, in_multi: bool) -> Vec<Vec<u8>> {
    let line = match grammar.rng().below(100) {
        0..3 if !in_multi => "MULTI",
        0..15 if in_multi => "EXEC",
        15..17 => *grammar.rng().pick(DEBUG),
        _ => return grammar.command(),
    };
    line.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// One round of random commands by one connection after another; `after` is called behind each.
fn round(engine: &Arc<Engine>, rng: Rng, mut after: impl FnMut(&str)) {
    let mut lab = Lab::of(engine);
    let mut grammar = Grammar::new(rng, wanted);
    for _ in 0..ROUND {
        let words = next(&mut grammar, lab.session.in_multi());
        let shown: Vec<String> = words.iter().map(|w| w.escape_ascii().to_string()).collect();
        let shown = shown.join(" ");
        let out = loop {
            match lab.execute(&words) {
                (Outcome::Busy(_) | Outcome::Token | Outcome::Later, _) => std::thread::yield_now(),
                (Outcome::Paused, _) => end_pause(engine),
                (Outcome::Done, out) => break Some(out),
                (Outcome::Close, _) => break None,
                (outcome, _) => panic!("{outcome:?} for {shown}"),
            }
        };
        // A reply past the limit of its connection is cut off with it.
        if let Some(out) = &out
            && out.len() < OUTPUT_LIMIT
            && std::panic::catch_unwind(|| one_reply(out)).is_err()
        {
            panic!("no single reply to {shown}");
        }
        if out.is_none() || lab.session.card.is_killed() || lab.session.monitor {
            lab.reconnect();
        }
        after(&shown);
    }
    lab.reconnect();
}

/// What the program around the engine does when the time of CLIENT PAUSE is up.
fn end_pause(engine: &Engine) {
    engine.pause.end(engine::PauseBy::Client);
}

fn digest(lab: &mut Lab) -> String {
    lab.line("DEBUG DIGEST").text()
}

fn run(workers: u64, seconds: u64, rng: &mut Rng) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        let primary = engine(settings());
        let mut copy = Copy::of(&primary, settings());
        let (mut here, mut there) = (Lab::of(&primary), copy.lab());
        let mut history: Vec<String> = Vec::new();
        let mut compare = |shown: &str| {
            history.push(shown.to_owned());
            end_pause(&primary);
            let applied = copy.follow();
            if applied.is_err() || digest(&mut here) != digest(&mut there) {
                let last = &history[history.len().saturating_sub(40)..];
                panic!(
                    "the copy is another: {applied:?} after\n{}",
                    last.join("\n")
                );
            }
        };
        for _ in 0..20 {
            if Instant::now() >= deadline {
                break;
            }
            if workers == 1 {
                round(&primary, Rng::new(rng.bits()), &mut compare);
                continue;
            }
            std::thread::scope(|scope| {
                for _ in 0..workers {
                    let (primary, rng) = (&primary, Rng::new(rng.bits()));
                    scope.spawn(move || round(primary, rng, |_| ()));
                }
            });
            compare("by several workers");
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[test]
fn random_commands_do_no_harm() {
    let mut rng = seed("random_commands_do_no_harm");
    let seconds = number("SHOAL_FUZZ_SECONDS").unwrap_or(10);
    match number("SHOAL_FUZZ_WORKERS") {
        Some(workers) => run(workers, seconds, &mut rng),
        None => {
            run(1, seconds.div_ceil(2), &mut rng);
            run(4, seconds.div_ceil(2), &mut rng);
        }
    }
}
