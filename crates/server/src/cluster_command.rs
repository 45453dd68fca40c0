//! CLUSTER commands: from arguments to requests of the cluster machine, and from its answers to
//! replies.

use crate::hosted::{Call, Hosted};
use crate::node::{Node, number};
use base::{Slot, num};
use cluster::{Endpoint, FailoverKind, NodeRow, Reply as Given, Request};
use commands::family::cluster as family;
use engine::{Engine, Fail, Session, Taken};
use resp::{Args, Reply};

/// What carries out the CLUSTER commands that the bus answers.
pub(crate) const HOSTED: family::Hosted<Hosted> = family::Hosted {
    ClusterAddslots: |call| answer(call, |call| Ok(Request::AddSlots(slots(call.args)?))),
    ClusterAddslotsrange: |call| answer(call, |call| Ok(Request::AddSlots(ranges(call.args)?))),
    ClusterBumpepoch: |call| answer(call, |_| Ok(Request::BumpEpoch)),
    ClusterCountFailureReports: |call| {
        answer(call, |call| Ok(Request::CountFailureReports(word(call))))
    },
    ClusterDelslots: |call| answer(call, |call| Ok(Request::DelSlots(slots(call.args)?))),
    ClusterDelslotsrange: |call| answer(call, |call| Ok(Request::DelSlots(ranges(call.args)?))),
    ClusterFailover: |call| answer(call, |call| failover(call.args)),
    ClusterFlushslots: |call| {
        answer(call, |call| {
            let has_keys = has_keys(call.engine);
            Ok(Request::FlushSlots { has_keys })
        })
    },
    ClusterForget: |call| answer(call, |call| Ok(Request::Forget(word(call)))),
    ClusterInfo: |call| answer(call, |_| Ok(Request::Info)),
    ClusterKeyslot: |call| {
        bus(call.node)?;
        Ok(number(Slot::of_key(call.args.get(2)).number().into()))
    },
    ClusterLinks: |call| answer(call, |_| Ok(Request::Links)),
    ClusterMeet: |call| answer(call, |call| meet(call.args)),
    ClusterMyid: |call| answer(call, |_| Ok(Request::MyId)),
    ClusterMyshardid: |call| answer(call, |_| Ok(Request::MyShardId)),
    ClusterNodes: |call| answer(call, |_| Ok(Request::Nodes { tls: false })),
    ClusterReplicas: |call| answer(call, |call| Ok(replicas(call))),
    ClusterReplicate: |call| {
        answer(call, |call| {
            let (node, has_keys) = (word(call), has_keys(call.engine));
            Ok(Request::Replicate { node, has_keys })
        })
    },
    ClusterReset: |call| answer(call, |call| reset(call.engine, call.args)),
    ClusterSaveconfig: |call| answer(call, |_| Ok(Request::SaveConfig)),
    ClusterSetConfigEpoch: |call| {
        answer(call, |call| {
            let epoch = num::parse_i64(call.args.get(2)).ok_or(engine::fail::NOT_INTEGER)?;
            Ok(Request::SetConfigEpoch(epoch))
        })
    },
    ClusterSetslot: |call| answer(call, |call| set_slot(call.engine, call.args)),
    ClusterShards: |call| answer(call, |_| Ok(Request::Shards)),
    ClusterSlaves: |call| answer(call, |call| Ok(replicas(call))),
    ClusterSlots: |call| answer(call, |_| Ok(Request::Slots)),
};

fn bus(node: &Node) -> Result<&clusterio::Handle, Fail> {
    node.bus()
        .ok_or_else(|| engine::fail::CLUSTER_DISABLED.into())
}

/// Has the bus answer what the call asks for.
fn answer(
    call: Call<'_>,
    request: impl FnOnce(&Call<'_>) -> Result<Request, Fail>,
) -> Result<Taken, Fail> {
    let handle = bus(call.node)?;
    let request = request(&call)?;
    ask(handle, call.engine, request, call.session)
}

/// The argument behind the subcommand.
fn word(call: &Call<'_>) -> Vec<u8> {
    call.args.get(2).to_vec()
}

fn replicas(call: &Call<'_>) -> Request {
    Request::Replicas {
        node: word(call),
        tls: false,
    }
}

/// Gives a request to the bus.
pub(crate) fn ask(
    handle: &clusterio::Handle,
    engine: &Engine,
    request: Request,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let session = session.ok_or("ERR This command cannot wait here")?;
    let ticket = engine.host().ticket(session);
    handle.request(request, move |given| {
        ticket.answer(move |reply| render(&given, reply))
    });
    Ok(Taken::Later)
}

fn slot_of(text: &[u8]) -> Result<Slot, Fail> {
    let slot = num::parse_i64(text).and_then(|number| u16::try_from(number).ok());
    slot.and_then(Slot::new)
        .ok_or_else(|| "ERR Invalid or out of range slot".into())
}

fn has_keys(engine: &Engine) -> bool {
    engine.store.next_slot_with_keys(0).is_some()
}

/// CLUSTER MEET ip port [bus-port]
fn meet(args: Args<'_>) -> Result<Request, Fail> {
    if args.len() > 5 {
        return Err(engine::fail::bad_subcommand(args));
    }
    let text = |index: usize| String::from_utf8_lossy(args.get(index)).into_owned();
    let bad = |what: &str, index: usize| format!("ERR Invalid {what} specified: {}", text(index));
    let port = num::parse_i64(args.get(3)).ok_or_else(|| bad("base port", 3))?;
    let bus_port = match args.opt(4) {
        Some(given) => Some(num::parse_i64(given).ok_or_else(|| bad("bus port", 4))?),
        None => None,
    };
    Ok(Request::Meet {
        ip: text(2),
        port,
        bus_port,
    })
}

fn slots(args: Args<'_>) -> Result<Vec<Slot>, Fail> {
    args.from(2).iter().map(slot_of).collect()
}

fn ranges(args: Args<'_>) -> Result<Vec<Slot>, Fail> {
    if !args.len().is_multiple_of(2) {
        return Err(engine::fail::wrong_arity(
            if args.get(1).eq_ignore_ascii_case(b"addslotsrange") {
                "cluster|addslotsrange"
            } else {
                "cluster|delslotsrange"
            },
        ));
    }
    let mut all = Vec::new();
    for index in (2..args.len()).step_by(2) {
        let (first, last) = (slot_of(args.get(index))?, slot_of(args.get(index + 1))?);
        if first > last {
            let text =
                format!("ERR start slot number {first} is greater than end slot number {last}");
            return Err(text.into());
        }
        all.extend((first.number()..=last.number()).filter_map(Slot::new));
    }
    Ok(all)
}

/// CLUSTER SETSLOT slot MIGRATING id | IMPORTING id | STABLE | NODE id
fn set_slot(engine: &Engine, args: Args<'_>) -> Result<Request, Fail> {
    let bad = "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP";
    let slot = slot_of(args.get(2))?;
    let action = args.get(3).to_ascii_uppercase();
    match (action.as_slice(), args.opt(4)) {
        (b"MIGRATING", Some(node)) if args.len() == 5 => {
            Ok(Request::SetSlotMigrating(slot, node.to_vec()))
        }
        (b"IMPORTING", Some(node)) if args.len() == 5 => {
            Ok(Request::SetSlotImporting(slot, node.to_vec()))
        }
        (b"STABLE", None) => Ok(Request::SetSlotStable(slot)),
        (b"NODE", Some(node)) if args.len() == 5 => {
            let next = engine.store.next_slot_with_keys(slot.index());
            let has_keys = next == Some(slot);
            Ok(Request::SetSlotNode {
                slot,
                node: node.to_vec(),
                has_keys,
            })
        }
        _ => Err(bad.into()),
    }
}

/// CLUSTER FAILOVER [FORCE | TAKEOVER]
fn failover(args: Args<'_>) -> Result<Request, Fail> {
    if args.len() > 3 {
        return Err(engine::fail::bad_subcommand(args));
    }
    let kind = match args.opt(2) {
        None => FailoverKind::Default,
        Some(word) if word.eq_ignore_ascii_case(b"FORCE") => FailoverKind::Force,
        Some(word) if word.eq_ignore_ascii_case(b"TAKEOVER") => FailoverKind::Takeover,
        Some(_) => return Err(engine::fail::SYNTAX.into()),
    };
    Ok(Request::Failover(kind))
}

/// CLUSTER RESET [HARD | SOFT]
fn reset(engine: &Engine, args: Args<'_>) -> Result<Request, Fail> {
    if args.len() > 3 {
        return Err(engine::fail::bad_subcommand(args));
    }
    let hard = match args.opt(2) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"HARD") => true,
        Some(word) if word.eq_ignore_ascii_case(b"SOFT") => false,
        Some(_) => return Err(engine::fail::SYNTAX.into()),
    };
    Ok(Request::Reset {
        hard,
        has_keys: has_keys(engine),
    })
}

/// Writes the machine's answer.
fn render(given: &Given, reply: &mut Reply<'_>) {
    match given {
        Given::Ok => reply.ok(),
        Given::Status(text) => reply.status(text),
        Given::Error(text) => reply.error(text),
        Given::Integer(value) => reply.int(*value),
        Given::Text(text) if text.contains('\n') => reply.verbatim(*b"txt", text),
        Given::Text(text) => reply.bulk(text),
        Given::Lines(lines) => {
            reply.array(lines.len());
            lines.iter().for_each(|line| reply.bulk(line));
        }
        Given::Slots(ranges) => {
            reply.array(ranges.len());
            for range in ranges {
                reply.array(2 + range.nodes.len());
                reply.int(range.start.into());
                reply.int(range.end.into());
                range.nodes.iter().for_each(|node| render_node(node, reply));
            }
        }
        Given::Shards(shards) => {
            reply.array(shards.len());
            shards.iter().for_each(|shard| render_shard(shard, reply));
        }
        Given::Links(links) => {
            reply.array(links.len());
            links.iter().for_each(|link| render_link(link, reply));
        }
    }
}

/// A node in CLUSTER SLOTS: its preferred name, port, id, and the names that were not preferred.
fn render_node(node: &NodeRow, reply: &mut Reply<'_>) {
    reply.array(4);
    match &node.endpoint {
        Endpoint::Name(name) => reply.bulk(name),
        Endpoint::Unknown => reply.null(),
    }
    reply.int(node.port(false).into());
    reply.bulk(node.id.as_str());
    let preferred = match &node.endpoint {
        Endpoint::Name(name) => name.as_str(),
        Endpoint::Unknown => "",
    };
    let mut names = Vec::new();
    if preferred != node.ip.as_str() {
        names.push(("ip", node.ip.as_str()));
    }
    if !node.hostname.is_empty() && preferred != node.hostname {
        names.push(("hostname", node.hostname.as_str()));
    }
    reply.map(names.len());
    for (name, value) in names {
        reply.bulk(name);
        reply.bulk(value);
    }
}

fn render_shard(shard: &cluster::Shard, reply: &mut Reply<'_>) {
    reply.map(2);
    reply.bulk("slots");
    reply.array(shard.slots.len() * 2);
    for &(first, last) in &shard.slots {
        reply.int(first.into());
        reply.int(last.into());
    }
    reply.bulk("nodes");
    reply.array(shard.nodes.len());
    for node in &shard.nodes {
        let row = &node.row;
        let hostname = !row.hostname.is_empty();
        let ports = [("port", row.tcp_port), ("tls-port", row.tls_port)];
        let ports: Vec<_> = ports.into_iter().filter(|(_, port)| *port != 0).collect();
        reply.map(6 + ports.len() + usize::from(hostname));
        reply.bulk("id");
        reply.bulk(row.id.as_str());
        for (name, port) in ports {
            reply.bulk(name);
            reply.int(port.into());
        }
        reply.bulk("ip");
        reply.bulk(row.ip.as_str());
        reply.bulk("endpoint");
        match &row.endpoint {
            Endpoint::Name(name) => reply.bulk(name),
            Endpoint::Unknown => reply.null(),
        }
        if hostname {
            reply.bulk("hostname");
            reply.bulk(&row.hostname);
        }
        reply.bulk("role");
        reply.bulk(if node.primary { "master" } else { "replica" });
        reply.bulk("replication-offset");
        reply.int(node.offset);
        reply.bulk("health");
        reply.bulk(node.health.word());
    }
}

fn render_link(link: &cluster::LinkRow, reply: &mut Reply<'_>) {
    reply.map(6);
    reply.bulk("direction");
    reply.bulk(if matches!(link.link, cluster::LinkId::Out(_)) {
        "to"
    } else {
        "from"
    });
    reply.bulk("node");
    reply.bulk(link.node.as_str());
    reply.bulk("create-time");
    reply.int(link.created.0);
    reply.bulk("events");
    reply.bulk(if link.buffer_used > 0 { "rw" } else { "r" });
    reply.bulk("send-buffer-allocated");
    reply.int(link.buffer_allocated as i64);
    reply.bulk("send-buffer-used");
    reply.int(link.buffer_used as i64);
}
