//! `shoal cluster status`.

use super::node::{Node, Presence};
use super::plan::Plan;
use super::{Words, form};

/// Shows the nodes; true when all run and the cluster is ok.
pub fn run(words: &Words) -> Result<bool, String> {
    let plan = Plan::require(&words.directory)?;
    let mut is_ok = true;
    println!(
        "{:<6} {:<9} {:<8} {:<24} {:<12} STATE",
        "PORT", "PROCESS", "ROLE", "SLOTS", "OFFSET"
    );
    for node in plan.nodes() {
        let row = match node.look() {
            Presence::Up(id) => {
                let state = form::node_is_ok(&node);
                is_ok &= state.is_ok();
                describe(&node, id, &state.err().unwrap_or_else(|| "ok".to_owned()))
            }
            Presence::Silent(id) => {
                is_ok = false;
                format!(
                    "{:<6} {id:<9} does not answer; log: {}",
                    node.port,
                    node.log().display()
                )
            }
            Presence::Absent => {
                is_ok = false;
                format!("{:<6} does not run", node.port)
            }
            Presence::Foreign(who) => {
                is_ok = false;
                format!("{:<6} does not run; its port is in use by {who}", node.port)
            }
        };
        println!("{row}");
    }
    Ok(is_ok)
}

fn describe(node: &Node, process: u32, state: &str) -> String {
    let line = node.own_line().unwrap_or_default();
    let flags = line.get(2).cloned().unwrap_or_default();
    let role = if flags.contains("slave") {
        "replica"
    } else {
        "master"
    };
    let slots = line.get(8..).unwrap_or_default().join(" ");
    let fields = node.fields(&["INFO", "replication"]);
    let value = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, v)| v.clone())
    };
    let slots = match value("master_port") {
        Some(port) => format!("of {port}"),
        None if slots.is_empty() => "none".to_owned(),
        None => slots,
    };
    let offset = value("slave_repl_offset").or_else(|| value("master_repl_offset"));
    let offset = offset.unwrap_or_default();
    format!(
        "{:<6} {process:<9} {role:<8} {slots:<24} {offset:<12} {state}",
        node.port
    )
}
