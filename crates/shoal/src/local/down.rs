//! `shoal cluster down`.

use std::time::{Duration, Instant};

use super::node::{Node, Presence};
use super::plan::Plan;
use super::{Words, directory_words, process};

/// How long a node may take to save and end.
const LIMIT: Duration = Duration::from_secs(60);
/// How often whoever did not end is asked again.
const AGAIN: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);

/// Stops what runs, replicas first so that no master's end starts a failover; with `--wipe`
/// removes the files.
pub fn run(words: &Words) -> Result<bool, String> {
    let plan = Plan::require(&words.directory)?;
    let mut running: Vec<(Node, u32, bool)> = Vec::new();
    for node in plan.nodes() {
        match node.look() {
            Presence::Up(id) => {
                let is_replica = node
                    .own_line()
                    .is_some_and(|line| line[2].contains("slave"));
                running.push((node, id, is_replica));
            }
            Presence::Silent(id) => running.push((node, id, false)),
            // Somebody else's server is none of ours to stop.
            Presence::Absent | Presence::Foreign(_) => {}
        }
    }
    let (replicas, masters): (Vec<_>, Vec<_>) = running
        .into_iter()
        .partition(|(_, _, is_replica)| *is_replica);
    let stopped = replicas.len() + masters.len();
    for group in [replicas, masters] {
        stop(&group)?;
    }
    println!("Stopped {stopped} of {} nodes.", plan.count());
    if words.wipe {
        plan.wipe()?;
        println!("Removed their files from {}.", plan.directory.display());
    } else {
        println!(
            "Their data stays in {}: 'shoal cluster up{place}' goes on from there, 'shoal cluster \
             down --wipe{place}' removes it.",
            plan.directory.display(),
            place = directory_words(&words.directory)
        );
    }
    Ok(true)
}

/// Asks nodes to save and end, and waits for all of them.
fn stop(group: &[(Node, u32, bool)]) -> Result<(), String> {
    for (node, id, _) in group {
        ask_to_end(node, *id);
    }
    let end = Instant::now() + LIMIT;
    for (node, id, _) in group {
        let mut asked = Instant::now();
        while process::lives_in(*id, &node.directory) {
            if Instant::now() >= end {
                process::kill(*id);
                return Err(format!(
                    "node {} (process {id}) did not end within {} s and was killed; its log: {}",
                    node.port,
                    LIMIT.as_secs(),
                    node.log().display()
                ));
            }
            // A server refuses while its append-only file is being written for the first time.
            if asked.elapsed() >= AGAIN {
                ask_to_end(node, *id);
                asked = Instant::now();
            }
            std::thread::sleep(STEP);
        }
        println!("  node {} has ended", node.port);
    }
    Ok(())
}

/// A clean end has no reply: the connection closes. Whoever cannot be asked, or refuses, gets a
/// signal, which means the same.
fn ask_to_end(node: &Node, id: u32) {
    if !matches!(node.ask(&["SHUTDOWN"]), Err(client::Error::Closed)) {
        process::terminate(id);
    }
}
