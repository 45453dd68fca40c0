//! The scripts of each family, in process: replies in RESP2 and RESP3, what goes to replicas, and
//! what happens to keys, by one worker and by four in turn. A real Redis confirms them in the
//! server's tests.

use crate::lab::{self, Copy, Lab, one_reply};
use commands::Group;
use engine::{Outcome, Settings};
use std::collections::HashSet;
use testkit::script::{self, Section, Step};

/// Groups of which each command has to have a step.
const WHOLE: [Group; 6] = [
    Group::String,
    Group::Bitmap,
    Group::Hash,
    Group::List,
    Group::Generic,
    Group::Transactions,
];
/// What these do depends on other servers, on chance or on the clock: they have tests of their own.
const ELSEWHERE: [&str; 4] = ["migrate", "wait", "waitaof", "object|help"];

/// Runs a section from its beginning in an engine of its own; what was not as the script says.
fn run(family: &str, section: &Section, workers: usize, resp3: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let settings = || Settings {
        debug: 2,
        ..Settings::default()
    };
    let engine = lab::engine(settings());
    let heard = lab::listen(&engine);
    let mut copy = Copy::of(&engine, settings());
    let mut labs: Vec<Lab> = (0..workers).map(|_| Lab::of(&engine)).collect();
    for lab in &mut labs {
        if resp3 {
            lab.line("HELLO 3");
        }
    }
    for (nth, step) in section.steps.iter().enumerate() {
        let lab = &mut labs[nth % workers];
        let at = format!(
            "{family}.txt:{}: {workers} workers, RESP{}",
            step.number,
            if resp3 { 3 } else { 2 }
        );
        let (outcome, out) = lab.execute(&step.words);
        assert_eq!(outcome, Outcome::Done, "{at}");
        let wanted = if resp3 { &step.resp3 } else { &step.reply };
        let reply = one_reply(&out).notation();
        if reply != *wanted {
            wrong.push(format!("{at}: {reply} instead of {wanted}"));
        }
        let effects = copy.lines();
        let mut effects = effects.unwrap_or_else(|error| panic!("{at}: {error}"));
        effects.retain(|effect| !effect.starts_with("SELECT "));
        if !effects_fit(&effects, step) {
            wrong.push(format!("{at}: {effects:?} instead of {:?}", step.effects));
        }
        let events = std::mem::take(&mut *heard.lock().unwrap());
        if events != step.events {
            wrong.push(format!("{at}: {events:?} instead of {:?}", step.events));
        }
    }
    let digest = |lab: &mut Lab| lab.line("DEBUG DIGEST").text();
    let (ours, copied) = (digest(&mut labs[0]), digest(&mut copy.lab()));
    assert_eq!(ours, copied, "{family}: {}: the copy", section.name);
    wrong
}

fn effects_fit(effects: &[String], step: &Step) -> bool {
    let fits = |(have, wanted): (&String, &String)| have == wanted || wanted == "?";
    effects.len() == step.effects.len() && effects.iter().zip(&step.effects).all(fits)
}

/// Whether a connection has to stay with its worker: something of it stays from command to command.
fn has_state(section: &Section) -> bool {
    let stays = |step: &Step| {
        ["MULTI", "WATCH", "SELECT"]
            .iter()
            .any(|name| step.words[0] == name.as_bytes())
    };
    section.steps.iter().any(stays)
}

#[test]
fn each_script_is_true_with_one_worker_and_with_four() {
    let mut wrong = Vec::new();
    for (family, text) in script::ALL {
        for section in script::parse(text) {
            for resp3 in [false, true] {
                wrong.extend(run(family, &section, 1, resp3));
                if !has_state(&section) {
                    wrong.extend(run(family, &section, 4, resp3));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_command_has_a_step() {
    let mut seen = HashSet::new();
    for (_, text) in script::ALL {
        for step in script::parse(text)
            .iter()
            .flat_map(|section| &section.steps)
        {
            let word = |nth: usize| {
                let word = step.words.get(nth);
                word.map(|word| String::from_utf8_lossy(word).to_lowercase())
            };
            let name = word(0).expect("a command");
            seen.extend(word(1).map(|second| format!("{name}|{second}")));
            seen.insert(name);
        }
    }
    let missing: Vec<_> = commands::all()
        .filter(|spec| WHOLE.contains(&spec.group) && !spec.is_container())
        .map(|spec| spec.full_name)
        .filter(|name| !seen.contains(*name) && !ELSEWHERE.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
