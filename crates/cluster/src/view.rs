//! The snapshot that commands are routed by.

use crate::settings::EndpointType;
use base::{Epoch, NodeId, ShardId, Slot, SlotSet};
use bus::IpText;
use std::collections::BTreeMap;

/// No node, in the table of owners.
const NOBODY: u16 = u16::MAX;

/// What this node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It owns data.
    Primary,
    /// It copies a primary.
    Replica,
}

/// Whether the cluster can serve, as seen from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// Slots are missing, the majority is out of reach, or this node has just started.
    #[default]
    Fail,
    /// All is served.
    Ok,
}

/// What a client is told as a node's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// An address or host name. In MOVED it precedes the colon; in CLUSTER SLOTS it is the first
    /// field. `?` if host names are preferred and the node has none.
    Name(String),
    /// Clients use what they are connected to: empty in MOVED, null in CLUSTER SLOTS.
    Unknown,
}

impl Endpoint {
    /// As in MOVED and ASK.
    pub fn text(&self) -> &str {
        match self {
            Endpoint::Name(name) => name,
            Endpoint::Unknown => "",
        }
    }
}

/// One node of the view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewNode {
    /// Its id.
    pub id: NodeId,
    /// Its shard.
    pub shard: ShardId,
    /// Its address; empty if not known.
    pub ip: IpText,
    /// Its plain port, 0 if it has none.
    pub tcp_port: u16,
    /// Its TLS port, 0 if it has none.
    pub tls_port: u16,
    /// Its bus port.
    pub bus_port: u16,
    /// Its host name; empty if it announced none.
    pub hostname: String,
    /// Its name for people; empty if it announced none.
    pub human_name: String,
    /// What it is.
    pub role: Role,
    /// The index of its primary, if it is a replica of a known one.
    pub primary: Option<usize>,
    /// Its configuration epoch.
    pub config_epoch: Epoch,
    /// Whether it is known to have failed.
    pub failed: bool,
}

/// The cluster as this node sees it at one moment. Never changes; a new one is published instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub(crate) nodes: Vec<ViewNode>,
    pub(crate) myself: usize,
    pub(crate) owners: Box<[u16]>,
    pub(crate) migrating: BTreeMap<Slot, u16>,
    pub(crate) importing: BTreeMap<Slot, u16>,
    pub(crate) state: State,
    pub(crate) endpoint_type: EndpointType,
    pub(crate) allow_reads_when_down: bool,
    pub(crate) allow_pubsubshard_when_down: bool,
    pub(crate) require_full_coverage: bool,
    pub(crate) size: usize,
}

impl View {
    /// All nodes, this one included, handshakes left out.
    pub fn nodes(&self) -> &[ViewNode] {
        &self.nodes
    }

    /// This node.
    pub fn myself(&self) -> &ViewNode {
        &self.nodes[self.myself]
    }

    /// This node's id.
    pub fn my_id(&self) -> NodeId {
        self.myself().id
    }

    /// This node's role.
    pub fn role(&self) -> Role {
        self.myself().role
    }

    /// The primary that this node replicates.
    pub fn my_primary(&self) -> Option<&ViewNode> {
        self.myself().primary.map(|at| &self.nodes[at])
    }

    /// Whether the cluster serves.
    pub fn state(&self) -> State {
        self.state
    }

    /// `cluster-allow-reads-when-down`.
    pub fn allow_reads_when_down(&self) -> bool {
        self.allow_reads_when_down
    }

    /// `cluster-allow-pubsubshard-when-down`.
    pub fn allow_pubsubshard_when_down(&self) -> bool {
        self.allow_pubsubshard_when_down
    }

    /// `cluster-require-full-coverage`.
    pub fn require_full_coverage(&self) -> bool {
        self.require_full_coverage
    }

    /// How many primaries serve slots.
    pub fn size(&self) -> usize {
        self.size
    }

    fn at(&self, index: u16) -> Option<&ViewNode> {
        if index == NOBODY {
            None
        } else {
            self.nodes.get(usize::from(index))
        }
    }

    /// Who owns a slot.
    pub fn owner(&self, slot: Slot) -> Option<&ViewNode> {
        self.at(self.owners[slot.index()])
    }

    /// Whether this node owns a slot.
    pub fn is_mine(&self, slot: Slot) -> bool {
        usize::from(self.owners[slot.index()]) == self.myself
    }

    /// Whether a slot is owned by the primary of this replica.
    pub fn is_my_primarys(&self, slot: Slot) -> bool {
        let owner = self.owners[slot.index()];
        owner != NOBODY && self.myself().primary == Some(usize::from(owner))
    }

    /// Where a slot of ours is going.
    pub fn migrating_to(&self, slot: Slot) -> Option<&ViewNode> {
        self.migrating.get(&slot).and_then(|at| self.at(*at))
    }

    /// Where a slot is coming from.
    pub fn importing_from(&self, slot: Slot) -> Option<&ViewNode> {
        self.importing.get(&slot).and_then(|at| self.at(*at))
    }

    /// Slots of ours that are going.
    pub fn migrating(&self) -> impl Iterator<Item = Slot> + '_ {
        self.migrating.keys().copied()
    }

    /// Slots that are coming.
    pub fn importing(&self) -> impl Iterator<Item = Slot> + '_ {
        self.importing.keys().copied()
    }

    /// The slots that a node owns.
    pub fn slots_of(&self, node: &ViewNode) -> SlotSet {
        let Some(at) = self.nodes.iter().position(|n| n.id == node.id) else {
            return SlotSet::new();
        };
        Slot::all()
            .filter(|s| usize::from(self.owners[s.index()]) == at)
            .collect()
    }

    /// The node of an id.
    pub fn node(&self, id: &NodeId) -> Option<&ViewNode> {
        self.nodes.iter().find(|n| n.id == *id)
    }

    /// The name that clients are given for a node.
    pub fn endpoint(&self, node: &ViewNode) -> Endpoint {
        endpoint(self.endpoint_type, &node.ip, &node.hostname)
    }

    /// The port that a client with or without TLS is given for a node.
    pub fn port(&self, node: &ViewNode, tls: bool) -> u16 {
        if tls && node.tls_port != 0 {
            node.tls_port
        } else {
            node.tcp_port
        }
    }

    /// `MOVED slot endpoint:port`, if the slot has an owner.
    pub fn moved(&self, slot: Slot, tls: bool) -> Option<String> {
        self.owner(slot)
            .map(|node| self.redirection("MOVED", slot, node, tls))
    }

    /// `ASK slot endpoint:port`, if the slot is going to another node.
    pub fn ask(&self, slot: Slot, tls: bool) -> Option<String> {
        self.migrating_to(slot)
            .map(|node| self.redirection("ASK", slot, node, tls))
    }

    fn redirection(&self, word: &str, slot: Slot, node: &ViewNode, tls: bool) -> String {
        format!(
            "{word} {slot} {}:{}",
            self.endpoint(node).text(),
            self.port(node, tls)
        )
    }

    /// Slots whose owner differs between two views, or that became or stopped being ours.
    pub fn changed_slots(&self, before: &View) -> SlotSet {
        let id = |view: &View, slot| view.owner(slot).map(|n| n.id);
        Slot::all()
            .filter(|s| id(self, *s) != id(before, *s))
            .collect()
    }
}

pub(crate) fn endpoint(kind: EndpointType, ip: &IpText, hostname: &str) -> Endpoint {
    match kind {
        EndpointType::Ip => Endpoint::Name(ip.as_str().to_owned()),
        EndpointType::Hostname if hostname.is_empty() => Endpoint::Name("?".to_owned()),
        EndpointType::Hostname => Endpoint::Name(hostname.to_owned()),
        EndpointType::Unknown => Endpoint::Unknown,
    }
}

/// Fills a table of owners.
pub(crate) fn owners_table(owner: impl Fn(Slot) -> Option<u16>) -> Box<[u16]> {
    Slot::all()
        .map(|slot| owner(slot).unwrap_or(NOBODY))
        .collect()
}
