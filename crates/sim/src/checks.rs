//! What must hold, judged from outside: by packets on the wire and by what nodes would serve.

use crate::params::Commands;
use crate::world::World;
use base::{NodeId, Slot};
use bus::{Body, Packet};
use cluster::{Role, State, View};
use std::collections::{HashMap, HashSet};

pub(crate) struct Checks {
    pub violations: Vec<String>,
    /// Whether epochs are given by vote only.
    strict: bool,
    /// From when on, once the cluster is formed.
    pub armed: bool,
    /// Who asked for votes in an epoch, in the order seen; needed to tell whom a vote is for.
    votes: HashMap<(NodeId, u64), NodeId>,
    /// Who served each slot, by epoch.
    served: HashMap<u64, Vec<Option<NodeId>>>,
}

impl Checks {
    pub fn new(commands: Commands) -> Checks {
        Checks {
            violations: Vec::new(),
            strict: commands != Commands::All,
            armed: false,
            votes: HashMap::new(),
            served: HashMap::new(),
        }
    }

    pub fn violate(&mut self, now: u64, text: String) {
        self.violations.push(format!("at {now}: {text}"));
    }

    /// A vote leaves a node for another.
    pub fn vote(&mut self, now: u64, packet: &Packet, to: NodeId) {
        if !matches!(packet.body, Body::AuthAck) {
            return;
        }
        let (voter, epoch) = (packet.header.sender, packet.header.current_epoch.0);
        let first = *self.votes.entry((voter, epoch)).or_insert(to);
        if first != to {
            self.violate(
                now,
                format!("{voter} voted in epoch {epoch} for {first} and for {to}"),
            );
        }
    }

    /// A node takes writes.
    pub fn serving(&mut self, now: u64, view: &View) {
        if !self.armed || !self.strict {
            return;
        }
        let me = view.myself();
        let epoch = me.config_epoch.0;
        for slot in Slot::all().filter(|slot| view.is_mine(*slot)) {
            let served = self
                .served
                .entry(epoch)
                .or_insert_with(|| vec![None; Slot::COUNT]);
            let first = *served[slot.index()].get_or_insert(me.id);
            if first != me.id {
                let text = format!(
                    "slot {slot} in epoch {epoch} is written by {first} and {}",
                    me.id
                );
                self.violate(now, text);
                return;
            }
        }
    }
}

/// Why the nodes do not agree yet; `None` if they do.
pub(crate) fn disagreement(world: &World) -> Option<String> {
    let mut first: Option<(usize, Summary)> = None;
    for (i, node) in world.nodes.iter().enumerate() {
        let Some(view) = &node.view else {
            return Some(format!("node {i} has no view"));
        };
        if view.state() != State::Ok {
            return Some(format!("node {i} sees the cluster as failed"));
        }
        let summary = summarize(view);
        if summary.nodes.len() != world.nodes.len() {
            return Some(format!("node {i} knows {} nodes", summary.nodes.len()));
        }
        if let Some(text) = summary.conflict() {
            return Some(format!("node {i}: {text}"));
        }
        match &first {
            None => first = Some((i, summary)),
            Some((j, other)) if *other != summary => {
                let what = other.difference(&summary);
                return Some(format!("nodes {j} and {i} see different clusters: {what}"));
            }
            Some(_) => {}
        }
    }
    None
}

/// What nodes must agree on.
#[derive(PartialEq, Eq)]
struct Summary {
    owners: Vec<Option<NodeId>>,
    /// Id, whether it is a replica, of whom, epoch.
    nodes: Vec<(NodeId, bool, Option<NodeId>, u64)>,
}

impl Summary {
    /// The first difference, in words.
    fn difference(&self, other: &Summary) -> String {
        for (a, b) in self.nodes.iter().zip(&other.nodes) {
            if a != b {
                return format!("{a:?} or {b:?}");
            }
        }
        let differs = |s: &Slot| self.owners[s.index()] != other.owners[s.index()];
        let slot = Slot::all().find(differs);
        let owners = |o: &[Option<NodeId>]| slot.map(|s| o[s.index()]);
        format!(
            "slot {slot:?} is {:?}'s or {:?}'s",
            owners(&self.owners),
            owners(&other.owners)
        )
    }

    /// Primaries with slots have epochs of their own.
    fn conflict(&self) -> Option<String> {
        let mut epochs = HashMap::new();
        let owners: HashSet<NodeId> = self.owners.iter().flatten().copied().collect();
        for (id, replica, _, epoch) in &self.nodes {
            let serves = owners.contains(id);
            if !*replica
                && serves
                && let Some(other) = epochs.insert(*epoch, *id)
            {
                return Some(format!("{other} and {id} both have epoch {epoch}"));
            }
        }
        None
    }
}

fn summarize(view: &View) -> Summary {
    let id_at = |at: usize| view.nodes()[at].id;
    let mut nodes: Vec<_> = view
        .nodes()
        .iter()
        .map(|n| {
            // A replica's epoch is its primary's, and is not kept apart.
            let epoch = if n.role == Role::Primary {
                n.config_epoch.0
            } else {
                0
            };
            (n.id, n.role == Role::Replica, n.primary.map(id_at), epoch)
        })
        .collect();
    nodes.sort();
    Summary {
        owners: Slot::all().map(|s| view.owner(s).map(|n| n.id)).collect(),
        nodes,
    }
}
