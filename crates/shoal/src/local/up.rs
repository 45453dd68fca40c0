//! `shoal cluster up`.

use std::process::Child;
use std::time::{Duration, Instant};

use super::node::{HOST, Node, Presence};
use super::plan::Plan;
use super::{Words, demo, directory_words, form};

/// How long a node may take from its start to its first answer; loading data counts.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a node may live without an answer before it counts as standing still.
const SILENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// As [`run`], with the demonstration.
pub fn run_demo(words: &Words) -> Result<bool, String> {
    go(words, true)
}

/// Starts what does not run, joins what is not joined, waits, and says how to go on.
pub fn run(words: &Words) -> Result<bool, String> {
    go(words, words.demo || words.failover)
}

fn go(words: &Words, with_demo: bool) -> Result<bool, String> {
    let plan = Plan::load_or_make(&words.directory, &words.wanted)?;
    let nodes = plan.nodes();
    let missing = missing(&nodes).inspect_err(|_| {
        // A directory made for nothing goes again; one with contents stays.
        let _ = std::fs::remove_dir(&plan.directory);
    })?;
    plan.save()?;
    if missing.is_empty() {
        println!("All {} nodes run already.", nodes.len());
    } else {
        println!(
            "Starting {} of {} nodes, ports {} to {} ...",
            missing.len(),
            nodes.len(),
            plan.port,
            nodes[nodes.len() - 1].port
        );
        start(&plan, &missing)?;
    }
    form::form(&plan, &nodes)?;
    form::wait_until_ok(&nodes)?;
    println!(
        "The cluster is up: {} masters, {} replicas, all slots served.",
        plan.masters,
        plan.masters * plan.replicas
    );
    if with_demo {
        println!();
        demo::show(&plan, words.failover)?;
    }
    show_next_steps(words, &plan);
    Ok(true)
}

/// The nodes that do not run. All are looked at before anything is changed.
fn missing(nodes: &[Node]) -> Result<Vec<&Node>, String> {
    let mut missing = Vec::new();
    for node in nodes {
        match look_patiently(node) {
            Presence::Up(_) => {}
            Presence::Absent => {
                node.require_free_ports()?;
                missing.push(node);
            }
            Presence::Silent(id) => {
                return Err(format!(
                    "node {} (process {id}) runs but does not answer; its log: {}. 'shoal cluster \
                     down' ends it.",
                    node.port,
                    node.log().display()
                ));
            }
            Presence::Foreign(who) => {
                return Err(format!(
                    "port {} is in use by {who}. Stop it, or choose other ports with --port.",
                    node.port
                ));
            }
        }
    }
    Ok(missing)
}

/// Looks who is at a node; one that lives and does not answer may be starting or ending just now.
fn look_patiently(node: &Node) -> Presence {
    let end = Instant::now() + SILENCE;
    loop {
        match node.look() {
            Presence::Silent(_) if Instant::now() < end => std::thread::sleep(STEP),
            found => return found,
        }
    }
}

fn start(plan: &Plan, missing: &[&Node]) -> Result<(), String> {
    let mut started: Vec<(&Node, Child)> = Vec::new();
    for &node in missing {
        node.prepare(plan.workers)?;
        started.push((node, node.start()?));
    }
    for (node, child) in &mut started {
        wait_for_answer(node, child)?;
        println!(
            "  node {}: process {}, log {}",
            node.port,
            child.id(),
            node.log().display()
        );
    }
    Ok(())
}

/// Starts one node and waits for its first answer.
pub fn start_one(node: &Node) -> Result<u32, String> {
    let mut child = node.start()?;
    wait_for_answer(node, &mut child)?;
    Ok(child.id())
}

fn wait_for_answer(node: &Node, child: &mut Child) -> Result<(), String> {
    let end = Instant::now() + LIMIT;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!(
                "node {} ended at once ({status}). The end of its log, {}:\n{}",
                node.port,
                node.log().display(),
                node.log_tail()
            ));
        }
        // LOADING is an answer that has to be waited out.
        match node.ask(&["PING"]) {
            Ok(_) => return Ok(()),
            Err(fault) if Instant::now() >= end => {
                return Err(format!(
                    "node {} did not answer within {} s ({fault}). The end of its log, {}:\n{}",
                    node.port,
                    LIMIT.as_secs(),
                    node.log().display(),
                    node.log_tail()
                ));
            }
            Err(_) => std::thread::sleep(STEP),
        }
    }
}

/// What to type to run this program again: its name if the PATH leads to it, else its path.
fn own_name() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Ok(own) = std::env::current_exe() else {
        return name.into();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name));
    let is_own = |path: std::path::PathBuf| path.canonicalize().is_ok_and(|path| path == own);
    if found.into_iter().any(is_own) {
        return name.into();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let shown = match own.strip_prefix(&here) {
        Ok(below) => std::path::Path::new(".").join(below),
        Err(_) => own,
    };
    shown.display().to_string()
}

fn show_next_steps(words: &Words, plan: &Plan) {
    let place = directory_words(&words.directory);
    let shoal = own_name();
    println!(
        "\nConnect:  {shoal} cli -c -h {HOST} -p {port}   (redis-cli and any cluster client do too)\n\
         Look:     {shoal} cluster status{place}\n\
         Stop:     {shoal} cluster down{place}   (data is kept; --wipe removes it)\n\
         Files:    {directory}/PORT: shoal.conf, server.log and data of each node",
        port = plan.port,
        directory = plan.directory.display()
    );
}
