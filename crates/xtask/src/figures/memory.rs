//! Resident bytes per key, hash field and list element.

use std::fmt::Write;

use super::load::{fill, key};
use super::printed;
use super::subject::{Cores, Subject, resident_bytes};
use crate::arguments::Arguments;

/// Items in one small collection, and in one request that fills a large one.
const SMALL: u64 = 10;
const STEP: u64 = 20;

/// What to measure.
#[derive(Debug)]
pub(super) struct Plan {
    kinds: Vec<&'static Kind>,
    fills: Vec<u64>,
}

/// What an item is, and the request that adds items number i·per to (i+1)·per.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    per: u64,
    request: fn(u64) -> Vec<String>,
}

fn value(number: u64) -> String {
    format!("{number:032}")
}

const KINDS: &[Kind] = &[
    Kind {
        name: "key",
        per: 1,
        request: |number| vec!["SET".into(), key("key", number), value(number)],
    },
    Kind {
        name: "small-hash",
        per: SMALL,
        request: |number| hash(key("hash", number), SMALL, 0),
    },
    Kind {
        name: "large-hash",
        per: STEP,
        request: |number| hash("hash".into(), STEP, number * STEP),
    },
    Kind {
        name: "small-list",
        per: SMALL,
        request: |number| list(key("list", number), SMALL),
    },
    Kind {
        name: "large-list",
        per: STEP,
        request: |_| list("list".into(), STEP),
    },
];

fn hash(name: String, fields: u64, first: u64) -> Vec<String> {
    let mut words = vec!["HSET".into(), name];
    words.extend((first..first + fields).flat_map(|field| [key("fld", field), value(field)]));
    words
}

fn list(name: String, elements: u64) -> Vec<String> {
    let mut words = vec!["RPUSH".into(), name];
    words.extend((0..elements).map(value));
    words
}

impl Plan {
    /// Reads `--fills`: numbers of items, each on top of the one before.
    pub(super) fn from(
        arguments: &mut Arguments,
        only: Option<Vec<String>>,
    ) -> Result<Plan, String> {
        let fills = arguments.list("--fills")?.unwrap_or_else(|| {
            ["3000000", "4100000", "5600000", "7500000", "10000000"]
                .map(Into::into)
                .into()
        });
        let fills: Result<Vec<u64>, _> = fills.iter().map(|count| count.parse()).collect();
        let fills = fills.map_err(|_| "--fills is a list of numbers")?;
        if fills.is_empty() || !fills.is_sorted() {
            return Err("--fills must rise".into());
        }
        let wanted = |name: &str| {
            only.as_ref()
                .is_none_or(|only| only.iter().any(|o| o == name))
        };
        Ok(Plan {
            kinds: KINDS.iter().filter(|kind| wanted(kind.name)).collect(),
            fills,
        })
    }
}

/// Measures both subjects, one after the other.
pub(super) fn measure(
    plan: &Plan,
    subjects: [&Subject; 2],
    cores: Cores,
) -> Result<String, String> {
    let [ours, base] = subjects.map(|subject| subject.name.clone());
    let fills: Vec<String> = plan.fills.iter().map(ToString::to_string).collect();
    let mut table = format!(
        "## Bytes per item\n\n(RSS loaded − RSS empty) ÷ items, the worst of fills of {} items: keys \
         of 16 + 32 bytes; fields of 16 + 32 bytes and elements of 32, in collections of {SMALL} \
         and in a single one.\n\n",
        fills.join(", ")
    );
    let _ = writeln!(table, "| item | {ours} | {base} | ratio | promise |");
    table += "|---|---:|---:|---:|---:|\n";
    for kind in &plan.kinds {
        let mut worst = [0.0; 2];
        for (which, subject) in subjects.iter().enumerate() {
            worst[which] = worst_fill(plan, kind, subject, cores)?;
        }
        let ratio = worst[0] / worst[1];
        let missed = if printed(ratio) <= 1.0 {
            ""
        } else {
            " **missed**"
        };
        let [ours, base] = worst;
        let row = format!(
            "| {} | {ours:.1} | {base:.1} | {ratio:.2} | ≤ 1.0{missed} |",
            kind.name
        );
        println!("{row}");
        table += &row;
        table.push('\n');
    }
    Ok(table)
}

/// Bytes per item at the fill where it is highest.
fn worst_fill(plan: &Plan, kind: &Kind, subject: &Subject, cores: Cores) -> Result<f64, String> {
    let server = subject.start(cores.server, false);
    let empty = resident_bytes(server.id())?;
    let mut worst = 0.0_f64;
    let mut filled = 0;
    for count in &plan.fills {
        let requests = count / kind.per;
        fill(server.port(), filled..requests, kind.request)?;
        filled = requests;
        let loaded = resident_bytes(server.id())?.saturating_sub(empty);
        worst = worst.max(loaded as f64 / (filled * kind.per) as f64);
    }
    Ok(worst)
}
