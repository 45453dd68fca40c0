//! What `shoal cluster demo` shows: a running cluster at work.

use std::time::{Duration, Instant};

use base::Slot;
use client::{Connection, Options, Redirect, Value};

use super::form;
use super::node::{Node, Presence};
use super::plan::Plan;
use super::{process, up};

const KEY: &str = "greeting";
const TEXT: &str = "hello, cluster";
/// How long a failover may take.
const LIMIT: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(50);

/// Shows slots and roles, a redirected SET and GET and, if asked, a failover.
pub fn show(plan: &Plan, with_failover: bool) -> Result<(), String> {
    let nodes = plan.nodes();
    show_roles(&nodes);
    let slot = Slot::of_key(KEY.as_bytes());
    println!("\nThe key '{KEY}' belongs to slot {slot}. Asking a node that does not serve it:");
    let owner = owner(&nodes, slot)?;
    let other = nodes
        .iter()
        .find(|node| node.port != owner.port)
        .unwrap_or(owner);
    call(other, &["SET", KEY, TEXT])?;
    call(other, &["GET", KEY])?;
    if with_failover {
        println!();
        show_failover(plan, &nodes, slot)?;
    }
    Ok(())
}

fn show_roles(nodes: &[Node]) {
    println!("Slots and roles:");
    for node in nodes {
        let line = node.own_line().unwrap_or_default();
        let master = line.get(3).filter(|id| *id != "-");
        let followed = master.and_then(|id| {
            nodes
                .iter()
                .find(|other| other.own_line().is_some_and(|own| own[0] == *id))
        });
        match followed {
            Some(master) => println!("  127.0.0.1:{}  replica of {}", node.port, master.port),
            None => {
                let slots = line.get(8..).unwrap_or_default().join(" ");
                println!("  127.0.0.1:{}  master   slots {slots}", node.port);
            }
        }
    }
}

/// The node that says it is the master of the slot.
fn owner(nodes: &[Node], slot: Slot) -> Result<&Node, String> {
    let found = nodes.iter().find(|node| owns(node, slot));
    found.ok_or_else(|| format!("no node serves slot {slot}."))
}

fn owns(node: &Node, slot: Slot) -> bool {
    let Some(line) = node.own_line().filter(|line| line[2].contains("master")) else {
        return false;
    };
    line[8..].iter().any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let bounds = (first.parse::<u16>(), last.parse::<u16>());
        matches!(bounds, (Ok(first), Ok(last)) if (first..=last).contains(&slot.number()))
    })
}

/// Sends a command to a node, follows a redirection, and shows both as redis-cli would.
fn call(node: &Node, request: &[&str]) -> Result<(), String> {
    let shown: Vec<String> = request
        .iter()
        .map(|word| {
            if word.contains(' ') {
                format!("\"{word}\"")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    println!("  127.0.0.1:{}> {}", node.port, shown.join(" "));
    let fault = |fault: client::Error| format!("node {}: {fault}", node.port);
    let mut reply = node
        .connect()
        .and_then(|mut link| link.call(request))
        .map_err(fault)?;
    if let Value::Error(text) = &reply
        && let Some(redirect) = Redirect::parse(text, &node.address())
    {
        println!(
            "  -> Redirected to slot [{}] located at {}",
            redirect.slot(),
            redirect.to()
        );
        let options = Options::with_timeout(Duration::from_secs(5));
        let mut link = Connection::open(redirect.to(), &options).map_err(fault)?;
        reply = link.call(request).map_err(fault)?;
    }
    match &reply {
        Value::Bulk(bytes) => println!("  \"{}\"", String::from_utf8_lossy(bytes)),
        Value::Error(text) => return Err(String::from_utf8_lossy(text).into_owned()),
        other => println!("  {}", other.as_text().unwrap_or_default()),
    }
    Ok(())
}

/// Kills the master of the slot, waits for its replica to take over, and brings it back.
fn show_failover(plan: &Plan, nodes: &[Node], slot: Slot) -> Result<(), String> {
    if plan.replicas == 0 {
        return Err("a failover needs replicas; this cluster has none.".to_owned());
    }
    let victim = owner(nodes, slot)?;
    let Presence::Up(id) = victim.look() else {
        return Err(format!("node {} does not answer.", victim.port));
    };
    wait_for_copies(victim)?;
    println!(
        "Killing the master {} (process {id}) without warning ...",
        victim.port
    );
    process::kill(id);
    let begin = Instant::now();
    let survivors: Vec<&Node> = nodes
        .iter()
        .filter(|node| node.port != victim.port)
        .collect();
    let heir = loop {
        let heir = survivors.iter().copied().find(|node| owns(node, slot));
        let all_ok = || survivors.iter().all(|node| form::node_is_ok(node).is_ok());
        if let Some(heir) = heir
            && all_ok()
        {
            break heir;
        }
        if begin.elapsed() > LIMIT {
            return Err(format!(
                "no replica took over within {} s.",
                LIMIT.as_secs()
            ));
        }
        std::thread::sleep(STEP);
    };
    println!(
        "After {:.1} s its replica {} is the master of slot {slot}, and the data is there:",
        begin.elapsed().as_secs_f32(),
        heir.port
    );
    let other = survivors
        .iter()
        .find(|node| node.port != heir.port)
        .unwrap_or(&heir);
    call(other, &["GET", KEY])?;
    let id = up::start_one(victim)?;
    form::wait_until_ok(nodes)?;
    println!(
        "Node {} was started again (process {id}) and follows the new master:",
        victim.port
    );
    show_roles(nodes);
    Ok(())
}

/// Waits until a replica has everything: the demonstration is of a failover, not of the moment
/// between a write and its copy.
fn wait_for_copies(master: &Node) -> Result<(), String> {
    let mut link = master.connect().map_err(|fault| fault.to_string())?;
    // WAIT counts what this connection wrote, so it writes.
    link.query(&["SET", KEY, TEXT])
        .map_err(|fault| fault.to_string())?;
    let copies = link
        .query(&["WAIT", "1", "1500"])
        .map_err(|fault| fault.to_string())?;
    match copies.as_int() {
        Some(1..) => Ok(()),
        _ => Err(format!(
            "no replica of {} has its data yet; try again.",
            master.port
        )),
    }
}
