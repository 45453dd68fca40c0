//! What the run says: lost writes, strangers, and how long shards were unavailable.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::NODE_TIMEOUT;
use super::faults::{Fault, HEAL_LIMIT, Kind};
use super::workload::{Attempt, Outcome, value_of};

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) name: String,
    pub(super) acknowledged: usize,
    pub(super) refused: usize,
    pub(super) unknown: usize,
    pub(super) faults: [usize; 3],
    /// Acknowledged, gone, and not explained by a fault on their shard.
    pub(super) lost_outside: Vec<String>,
    /// Acknowledged and gone within one node time-out of a fault on their shard.
    pub(super) lost_inside: usize,
    /// There, but never written so.
    pub(super) strangers: Vec<String>,
    /// Milliseconds without a successful write, for each fault that was not planned, in order.
    pub(super) unavailable: Vec<u64>,
    /// The same for planned failovers.
    pub(super) planned: Vec<u64>,
    /// Milliseconds from the end of a fault until the cluster was ok, at worst.
    pub(super) slowest_heal: u64,
}

/// Judges a run.
pub(super) fn judge(
    name: String,
    attempts: &[Attempt],
    probes: &[Vec<Attempt>],
    faults: &[Fault],
    stored: &HashMap<String, String>,
) -> Verdict {
    let mut verdict = Verdict {
        name,
        ..Verdict::default()
    };
    let all = || attempts.iter().chain(probes.iter().flatten());
    for attempt in all() {
        match attempt.outcome {
            Outcome::Refused => verdict.refused += 1,
            Outcome::Unknown => verdict.unknown += 1,
            Outcome::Acknowledged => {
                verdict.acknowledged += 1;
                if stored.contains_key(&attempt.key) {
                } else if faults.iter().any(|fault| covers(fault, attempt)) {
                    verdict.lost_inside += 1;
                } else {
                    verdict
                        .lost_outside
                        .push(format!("{} at {} ms", attempt.key, attempt.end));
                }
            }
        }
    }
    let tried: HashSet<&str> = all().map(|attempt| attempt.key.as_str()).collect();
    for (key, value) in stored {
        if !tried.contains(key.as_str()) || *value != value_of(key) {
            verdict.strangers.push(format!("{key} = {value}"));
        }
    }
    for fault in faults {
        verdict.faults[fault.kind as usize] += 1;
        let gap = longest_gap(&probes[fault.shard], fault);
        let gaps = match fault.kind {
            Kind::Planned => &mut verdict.planned,
            Kind::Killed | Kind::Paused => &mut verdict.unavailable,
        };
        gaps.push(gap);
        verdict.slowest_heal = verdict.slowest_heal.max(fault.healed - fault.end);
    }
    verdict
}

/// True if a write may be lost to this fault: one node time-out either side of it, on its shard.
/// A planned failover excuses nothing.
fn covers(fault: &Fault, attempt: &Attempt) -> bool {
    fault.kind != Kind::Planned
        && fault.shard == attempt.shard
        && attempt.end + NODE_TIMEOUT >= fault.begin
        && attempt.begin <= fault.end + NODE_TIMEOUT
}

/// The longest time without an acknowledged write of the prober, from the fault until it healed.
fn longest_gap(probes: &[Attempt], fault: &Fault) -> u64 {
    let good = probes
        .iter()
        .filter(|probe| probe.outcome == Outcome::Acknowledged);
    let mut before = fault.begin;
    let mut longest = 0;
    for end in good.map(|probe| probe.end).filter(|end| *end > fault.begin) {
        if before > fault.healed {
            return longest;
        }
        longest = longest.max(end - before);
        before = end;
    }
    // Nothing was written after: it was unavailable to the end.
    longest.max(fault.healed.saturating_sub(before))
}

fn middle(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// What breaks the promises, in words. The first verdict is that of the program under test.
pub(super) fn broken(verdicts: &[Verdict]) -> Vec<String> {
    let Some(ours) = verdicts.first() else {
        return vec!["nothing was run".into()];
    };
    let mut broken = Vec::new();
    let examples = |list: &[String]| list.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if ours.acknowledged == 0 || ours.faults.iter().sum::<usize>() == 0 {
        broken.push("nothing was written, or nothing went wrong: the run proves nothing".into());
    }
    if !ours.lost_outside.is_empty() {
        let count = ours.lost_outside.len();
        broken.push(format!(
            "{count} acknowledged writes lost: {}",
            examples(&ours.lost_outside)
        ));
    }
    if !ours.strangers.is_empty() {
        let count = ours.strangers.len();
        broken.push(format!(
            "{count} keys that nobody wrote: {}",
            examples(&ours.strangers)
        ));
    }
    if ours.slowest_heal > HEAL_LIMIT {
        broken.push(format!(
            "a fault healed only after {} ms",
            ours.slowest_heal
        ));
    }
    if let Some(gap) = middle(&ours.unavailable) {
        if gap > NODE_TIMEOUT + 2000 {
            broken.push(format!(
                "shards were unavailable for {gap} ms in the median"
            ));
        }
        let theirs = verdicts.get(1).and_then(|other| middle(&other.unavailable));
        if theirs.is_some_and(|theirs| gap > theirs) {
            broken.push(format!(
                "unavailable for {gap} ms, the other for {theirs:?} ms"
            ));
        }
    }
    broken
}

/// docs/chaos.md.
pub(super) fn page(words: &str, plan: &str, verdicts: &[Verdict]) -> String {
    let mut page = String::from(
        "# Chaos\n\nThree masters and three replicas, masters killed with -9, paused, or failed over \
         on command at random, one at a time, under writers of unique ids. A write may be lost only \
         within one node time-out of a fault on its shard; a planned failover excuses nothing.\n\n",
    );
    let _ = writeln!(page, "`cargo xtask chaos {}`: {plan}.\n", words.trim());
    page += "| | ";
    page += &verdicts
        .iter()
        .map(|verdict| verdict.name.as_str())
        .collect::<Vec<_>>()
        .join(" | ");
    page += " |\n|---|";
    page += &"---:|".repeat(verdicts.len());
    page.push('\n');
    let mut row = |name: &str, cell: &dyn Fn(&Verdict) -> String| {
        let cells: Vec<String> = verdicts.iter().map(cell).collect();
        let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
    };
    row("faults: killed, paused, planned", &|v| {
        format!("{}, {}, {}", v.faults[0], v.faults[1], v.faults[2])
    });
    row("acknowledged writes", &|v| v.acknowledged.to_string());
    row("refused", &|v| v.refused.to_string());
    row("without an answer", &|v| v.unknown.to_string());
    row("acknowledged and lost, inside the window", &|v| {
        v.lost_inside.to_string()
    });
    row("acknowledged and lost, outside", &|v| {
        v.lost_outside.len().to_string()
    });
    row("found, but never written", &|v| {
        v.strangers.len().to_string()
    });
    row("shard unavailable, median, ms", &|v| {
        optional(middle(&v.unavailable))
    });
    row("shard unavailable, longest, ms", &|v| {
        optional(v.unavailable.iter().copied().max())
    });
    row("planned failover, longest gap, ms", &|v| {
        optional(v.planned.iter().copied().max())
    });
    row("cluster ok after the fault's end, slowest, ms", &|v| {
        v.slowest_heal.to_string()
    });
    page
}

fn optional(value: Option<u64>) -> String {
    value.map_or_else(|| "–".into(), |value| value.to_string())
}
