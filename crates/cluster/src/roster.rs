//! All known nodes, who owns which slot, and which slots are on the move.

use crate::index::Index;
use crate::node::{Ix, Node};
use base::{NodeId, Slot, SlotSet};
use bus::Flags;
use std::collections::BTreeMap;
use std::sync::Arc;

const NOBODY: u16 = u16::MAX;

/// For how long (milliseconds) claims to a slot that an administrator took from its owner are not
/// heard.
const HOLD: u64 = 500;

/// The most nodes that are kept: there are not more slots, and twice as many leaves room for
/// replicas; places are 16 bits wide.
pub(crate) const MAX_NODES: usize = 32_768;

#[derive(Clone, Debug)]
pub(crate) struct Roster {
    places: Vec<Option<Node>>,
    free: Vec<Ix>,
    /// Places in use, in the order of arrival, less swaps by removal.
    order: Vec<Ix>,
    by_id: Index,
    /// Nodes that we suspect: all gossip tells of them.
    suspects: Vec<Ix>,
    /// How many nodes are in handshake.
    handshakes: usize,
    owners: Box<[u16]>,
    /// Slots that their owner has stopped claiming: others may take them whatever their epoch.
    unclaimed: SlotSet,
    unclaimed_count: usize,
    /// Slots that an administrator took from another node, and the monotonic millisecond until
    /// which nobody's claim to them is heard: what else the administrator does with them comes in
    /// another request, and the former owner's next packet must not come between.
    held: SlotSet,
    held_until: u64,
    unowned: usize,
    pub migrating: BTreeMap<Slot, Ix>,
    pub importing: BTreeMap<Slot, Ix>,
    pub myself: Ix,
}

fn id_at(places: &[Option<Node>], at: Ix) -> NodeId {
    places[at].as_ref().expect("a place in use").id
}

impl std::ops::Index<Ix> for Roster {
    type Output = Node;
    fn index(&self, at: Ix) -> &Node {
        self.places[at].as_ref().expect("a place in use")
    }
}

impl std::ops::IndexMut<Ix> for Roster {
    fn index_mut(&mut self, at: Ix) -> &mut Node {
        self.places[at].as_mut().expect("a place in use")
    }
}

impl Roster {
    pub fn new(myself: Node) -> Roster {
        let mut roster = Roster {
            places: Vec::new(),
            free: Vec::new(),
            order: Vec::new(),
            by_id: Index::default(),
            suspects: Vec::new(),
            handshakes: 0,
            owners: vec![NOBODY; Slot::COUNT].into_boxed_slice(),
            unclaimed: SlotSet::new(),
            unclaimed_count: 0,
            held: SlotSet::new(),
            held_until: 0,
            unowned: Slot::COUNT,
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            myself: 0,
        };
        roster.myself = roster.add(myself);
        roster
    }

    pub fn me(&self) -> &Node {
        &self[self.myself]
    }

    pub fn me_mut(&mut self) -> &mut Node {
        let at = self.myself;
        &mut self[at]
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_full(&self) -> bool {
        self.order.len() >= MAX_NODES
    }

    /// Places in use.
    pub fn order(&self) -> &[Ix] {
        &self.order
    }

    pub fn iter(&self) -> impl Iterator<Item = (Ix, &Node)> {
        self.order.iter().map(|at| (*at, &self[*at]))
    }

    pub fn find(&self, id: &NodeId) -> Option<Ix> {
        self.by_id.find(id, |at| &self[at].id)
    }

    /// The node of an id that clients gave; handshakes are not known to them.
    pub fn find_text(&self, text: &[u8]) -> Option<Ix> {
        NodeId::parse(text).and_then(|id| self.find(&id))
    }

    pub fn add(&mut self, node: Node) -> Ix {
        let id = node.id;
        let (suspected, in_handshake) = (node.is_suspected(), node.in_handshake());
        let at = match self.free.pop() {
            Some(at) => {
                self.places[at] = Some(node);
                at
            }
            None => {
                self.places.push(Some(node));
                self.places.len() - 1
            }
        };
        self.order.push(at);
        self.suspects.extend(suspected.then_some(at));
        self.handshakes += usize::from(in_handshake);
        self.enter(&id, at);
        at
    }

    fn enter(&mut self, id: &NodeId, at: Ix) {
        let places = &self.places;
        self.by_id.insert(id, at, |at| id_at(places, at));
    }

    fn strike_out(&mut self, at: Ix) {
        let places = &self.places;
        self.by_id
            .remove(&id_at(places, at), at, |at| id_at(places, at));
    }

    pub fn rename(&mut self, at: Ix, id: NodeId) {
        self.strike_out(at);
        self[at].id = id;
        self.enter(&id, at);
    }

    /// A handshake is over: the node has told its id.
    pub fn finish_handshake(&mut self, at: Ix, id: NodeId) {
        self.rename(at, id);
        let was = self[at].in_handshake();
        self.handshakes -= usize::from(was);
        self[at].flags.clear(Flags::HANDSHAKE.with(Flags::MEET));
    }

    /// How many nodes are in handshake.
    pub fn handshakes(&self) -> usize {
        self.handshakes
    }

    /// Notes that we miss a node.
    pub fn suspect(&mut self, at: Ix) {
        if !self[at].is_suspected() {
            self[at].flags.set(Flags::PFAIL);
            self.suspects.push(at);
        }
    }

    /// We suspect a node no longer: it answers, or it has failed for certain.
    pub fn absolve(&mut self, at: Ix) {
        if self[at].is_suspected() {
            self[at].flags.clear(Flags::PFAIL);
            self.suspects.retain(|other| *other != at);
        }
    }

    /// Nodes that we suspect.
    pub fn suspects(&self) -> &[Ix] {
        &self.suspects
    }

    /// Removes a node and every mention of it.
    pub fn remove(&mut self, at: Ix) -> Node {
        self.release_slots(at);
        self.migrating.retain(|_, to| *to != at);
        self.importing.retain(|_, from| *from != at);
        self.order.retain(|i| *i != at);
        for i in 0..self.order.len() {
            let other = self.order[i];
            let node = &mut self[other];
            if node.primary == Some(at) {
                node.primary = None;
            }
            node.reports.retain(|report| report.by != at);
        }
        self.absolve(at);
        self.handshakes -= usize::from(self[at].in_handshake());
        self.strike_out(at);
        self.free.push(at);
        self.places[at].take().expect("a place in use")
    }

    /// Sets whose replica a node is. A primary that has had replicas may be given others when it
    /// loses them by failure, not when they were taken away.
    pub fn set_primary(&mut self, at: Ix, primary: Option<Ix>) {
        let old = std::mem::replace(&mut self[at].primary, primary);
        if let Some(old) = old
            && Some(old) != primary
            && self.replicas(old).next().is_none()
        {
            self[old].flags.clear(Flags::MIGRATE_TO);
        }
        if let Some(primary) = primary {
            self[primary].flags.set(Flags::MIGRATE_TO);
        }
    }

    pub fn owner(&self, slot: Slot) -> Option<Ix> {
        let owner = self.owners[slot.index()];
        (owner != NOBODY).then_some(usize::from(owner))
    }

    /// Slots that nobody owns.
    pub fn unowned(&self) -> usize {
        self.unowned
    }

    pub fn set_owner(&mut self, slot: Slot, owner: Option<Ix>) {
        if let Some(old) = self.owner(slot) {
            let node = &mut self[old];
            Arc::make_mut(&mut node.slots).remove(slot);
            node.slot_count -= 1;
            self.unowned += 1;
        }
        self.owners[slot.index()] = NOBODY;
        self.mark_claimed(slot, true);
        if let Some(at) = owner {
            let node = &mut self[at];
            Arc::make_mut(&mut node.slots).insert(slot);
            node.slot_count += 1;
            let first = node.slot_count == 1;
            self.unowned -= 1;
            self.owners[slot.index()] = at as u16;
            // A new shard among shards with replicas is entitled to one.
            if first
                && self
                    .iter()
                    .any(|(_, n)| n.is_replica() && n.primary.is_some())
            {
                self[at].flags.set(Flags::MIGRATE_TO);
            }
        }
    }

    /// Takes all slots from a node; returns how many.
    pub fn release_slots(&mut self, at: Ix) -> usize {
        let slots = self[at].slots.clone();
        for slot in slots.iter() {
            self.set_owner(slot, None);
        }
        slots.len()
    }

    pub fn any_unclaimed(&self) -> bool {
        self.unclaimed_count > 0
    }

    pub fn is_unclaimed(&self, slot: Slot) -> bool {
        self.unclaimed.contains(slot)
    }

    pub fn mark_claimed(&mut self, slot: Slot, claimed: bool) {
        if claimed {
            self.unclaimed_count -= usize::from(self.unclaimed.remove(slot));
        } else {
            self.unclaimed_count += usize::from(self.unclaimed.insert(slot));
        }
    }

    /// Holds claims to a slot off for a moment.
    pub fn hold_off(&mut self, slot: Slot, now: u64) {
        if now >= self.held_until {
            self.held = SlotSet::new();
        }
        self.held.insert(slot);
        self.held_until = now + HOLD;
    }

    pub fn is_held(&self, slot: Slot, now: u64) -> bool {
        now < self.held_until && self.held.contains(slot)
    }

    /// How many primaries have slots.
    pub fn size(&self) -> usize {
        self.iter().filter(|(_, n)| n.votes()).count()
    }

    /// Votes, or primaries within reach, that make a majority.
    pub fn quorum(&self) -> usize {
        self.size() / 2 + 1
    }

    /// Replicas of a node.
    pub fn replicas(&self, of: Ix) -> impl Iterator<Item = (Ix, &Node)> {
        self.iter()
            .filter(move |(_, n)| n.is_replica() && n.primary == Some(of))
    }

    /// Replicas of a node in the order of their ids, which is that of every node.
    pub fn replicas_by_id(&self, of: Ix) -> Vec<Ix> {
        let mut replicas: Vec<Ix> = self.replicas(of).map(|(at, _)| at).collect();
        replicas.sort_unstable_by_key(|at| self[*at].id);
        replicas
    }

    /// Replicas of a node that are not suspected.
    pub fn ok_replicas(&self, of: Ix) -> usize {
        self.replicas(of)
            .filter(|(_, n)| !n.has(Flags::PFAIL.with(Flags::FAIL)))
            .count()
    }

    /// The node whose slots this node serves or copies.
    pub fn shard_primary(&self, at: Ix) -> Option<Ix> {
        if self[at].is_primary() {
            Some(at)
        } else {
            self[at].primary
        }
    }

    /// The highest epoch that any node has.
    pub fn max_epoch(&self) -> u64 {
        self.iter()
            .map(|(_, n)| n.config_epoch.0)
            .max()
            .unwrap_or(0)
    }
}
