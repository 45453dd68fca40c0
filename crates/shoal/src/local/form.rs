//! Joining the nodes of a local cluster, and waiting until they serve.

use std::time::{Duration, Instant};

use super::node::Node;
use super::plan::Plan;

const SLOTS: usize = 16_384;
/// How long nodes may take to know each other, and then to serve.
const LIMIT: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(100);

/// Joins the nodes if that has not happened yet. Each step looks whether it was done before, so a
/// start that was broken off goes on.
pub fn form(plan: &Plan, nodes: &[Node]) -> Result<(), String> {
    if plan.is_formed() {
        return Ok(());
    }
    println!(
        "Joining them: {} masters, {} replicas ...",
        plan.masters,
        plan.masters * plan.replicas
    );
    for (index, node) in nodes.iter().enumerate() {
        // One that has an epoch refuses another, and that is right.
        let _ = node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        if index < plan.masters {
            give_slots(plan, index, node)?;
        }
        if index > 0 {
            let port = nodes[0].port.to_string();
            ask(node, &["CLUSTER", "MEET", super::node::HOST, &port])?;
        }
    }
    wait("to know each other", nodes, |node| {
        let text = node
            .ask(&["CLUSTER", "NODES"])
            .map_err(|fault| fault.to_string())?;
        let text = text.as_text().unwrap_or_default().into_owned();
        let known = text
            .lines()
            .filter(|line| !line.contains("handshake"))
            .count();
        let assigned = field(node, "cluster_slots_assigned");
        if known == nodes.len() && assigned == SLOTS.to_string() {
            Ok(())
        } else {
            Err(format!(
                "knows {known} of {} nodes and {assigned} of {SLOTS} slots",
                nodes.len()
            ))
        }
    })?;
    for (index, node) in nodes.iter().enumerate().skip(plan.masters) {
        let is_replica = node
            .own_line()
            .is_some_and(|line| line[2].contains("slave"));
        if !is_replica {
            let id = ask(&nodes[index % plan.masters], &["CLUSTER", "MYID"])?;
            ask(node, &["CLUSTER", "REPLICATE", &id])?;
        }
    }
    plan.set_formed()
}

fn give_slots(plan: &Plan, index: usize, node: &Node) -> Result<(), String> {
    // Whoever cannot answer this says why.
    ask(node, &["CLUSTER", "NODES"])?;
    let own = node
        .own_line()
        .ok_or_else(|| format!("node {} does not know itself.", node.port))?;
    if own.len() > 8 || own[2].contains("slave") {
        return Ok(());
    }
    let (first, last) = cli::cluster::slot_ranges(plan.masters)[index];
    let range = [first.to_string(), last.to_string()];
    ask(node, &["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]]).map(drop)
}

fn ask(node: &Node, request: &[&str]) -> Result<String, String> {
    let reply = node.ask(request);
    let reply = reply
        .map_err(|fault| format!("node {} refused {}: {fault}", node.port, request.join(" ")))?;
    Ok(reply.as_text().unwrap_or_default().into_owned())
}

fn field(node: &Node, name: &str) -> String {
    let fields = node.fields(&["CLUSTER", "INFO"]);
    let found = fields.into_iter().find(|(field, _)| field == name);
    found.map_or_else(|| "?".to_owned(), |(_, value)| value)
}

/// Waits until all nodes serve.
pub fn wait_until_ok(nodes: &[Node]) -> Result<(), String> {
    wait("to be ok", nodes, node_is_ok)
}

/// Whether a node sees the cluster as ok and, if it is a replica, has its master's data; if not,
/// what is wrong.
pub fn node_is_ok(node: &Node) -> Result<(), String> {
    node.ask(&["PING"]).map_err(|fault| fault.to_string())?;
    let state = field(node, "cluster_state");
    if state != "ok" {
        return Err(format!(
            "says that the cluster's state is '{state}' ({} of {SLOTS} slots ok)",
            field(node, "cluster_slots_ok")
        ));
    }
    let link = node.fields(&["INFO", "replication"]);
    match link.iter().find(|(name, _)| name == "master_link_status") {
        Some((_, status)) if status != "up" => {
            Err(format!("has no link to its master yet ('{status}')"))
        }
        _ => Ok(()),
    }
}

/// Waits until `check` passes for all nodes; when time is up, says what it found for each.
fn wait(
    what: &str,
    nodes: &[Node],
    check: impl Fn(&Node) -> Result<(), String>,
) -> Result<(), String> {
    let end = Instant::now() + LIMIT;
    let mut shown = usize::MAX;
    loop {
        let faults: Vec<(&Node, String)> = nodes
            .iter()
            .filter_map(|node| check(node).err().map(|fault| (node, fault)))
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        if faults.len() < shown && shown != usize::MAX {
            println!(
                "  waiting for {} of {} nodes {what} ...",
                faults.len(),
                nodes.len()
            );
        }
        shown = faults.len();
        if Instant::now() >= end {
            let list: String = faults
                .iter()
                .map(|(node, fault)| {
                    format!(
                        "  node {} {fault}; log: {}\n",
                        node.port,
                        node.log().display()
                    )
                })
                .collect();
            return Err(format!(
                "after {} s the nodes failed {what}:\n{list}",
                LIMIT.as_secs()
            ));
        }
        std::thread::sleep(STEP);
    }
}
