//! What must be on disk before others may see it.

use crate::event::{Effect, PersistId};
use crate::machine::Cluster;
use crate::request::Reply;
use base::{Epoch, NodeId, SlotSet};
use bus::{Flags, Packet};
use std::sync::Arc;

/// What packets say about us while a change that they would reveal is not on disk yet.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    pub current_epoch: Epoch,
    pub config_epoch: Epoch,
    pub slots: Arc<SlotSet>,
    pub flags: Flags,
    pub replica_of: Option<NodeId>,
}

/// Something that waits for nodes.conf to be on disk.
#[derive(Clone, Debug)]
pub(crate) enum Withheld {
    /// A packet to a node (a vote).
    Packet(NodeId, Arc<Packet>),
    /// Ask everybody for votes.
    AskVotes { epoch: Epoch, force: bool },
    /// Tell everybody about us.
    Announce,
    /// The answer to a command.
    Reply(u64, Reply),
}

/// How urgently nodes.conf is to be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Save {
    /// It is up to date.
    No,
    /// With the next tick.
    Soon,
    /// At the end of this event.
    Now,
}

/// A write of nodes.conf that is under way.
#[derive(Debug)]
struct Write {
    id: PersistId,
    /// What may be seen once it is done.
    withheld: Vec<Withheld>,
    /// Whether it has what the face hides.
    covers: bool,
}

/// nodes.conf: whether it is to be written, and what waits for that.
#[derive(Debug)]
pub(crate) struct Durable {
    save: Save,
    /// What others see, while what we are is not on disk.
    face: Option<Face>,
    /// What we were before the event that is being handled.
    before: Face,
    withheld: Vec<Withheld>,
    writing: Option<Write>,
    next_id: u64,
}

impl Durable {
    /// A new machine's: the file is to be written with its first event.
    pub(crate) fn new(before: Face) -> Durable {
        Durable {
            save: Save::Now,
            face: None,
            before,
            withheld: Vec::new(),
            writing: None,
            next_id: 1,
        }
    }

    /// Notes what we are before an event.
    pub(crate) fn begin(&mut self, before: Face) {
        self.before = before;
    }

    /// Has the file written with the next tick.
    pub(crate) fn save_soon(&mut self) {
        self.save = self.save.max(Save::Soon);
    }

    /// Has the file written at the end of this event.
    pub(crate) fn save_now(&mut self) {
        self.save = Save::Now;
    }

    /// Shows what we were before this event until what we are is on disk.
    pub(crate) fn hide(&mut self) {
        if self.face.is_none() {
            self.face = Some(self.before.clone());
        }
    }

    /// Whether something is hidden until it is on disk.
    pub(crate) fn hides(&self) -> bool {
        self.face.is_some()
    }

    /// Whether the file is to be written.
    pub(crate) fn is_stale(&self) -> bool {
        self.save != Save::No
    }

    /// Tries again to write what is hidden, if nobody does.
    pub(crate) fn retry(&mut self) {
        if self.hides() && self.writing.is_none() {
            self.save_soon();
        }
    }

    /// Begins a write if it is time and none is under way; its number.
    fn begin_write(&mut self, tick: bool) -> Option<PersistId> {
        let due = match self.save {
            Save::No => false,
            Save::Soon => tick,
            Save::Now => true,
        };
        if !due || self.writing.is_some() {
            return None;
        }
        self.save = Save::No;
        let id = PersistId(self.next_id);
        self.next_id += 1;
        self.writing = Some(Write {
            id,
            withheld: std::mem::take(&mut self.withheld),
            covers: self.hides(),
        });
        Some(id)
    }

    /// A write is done; what waited for it.
    fn end_write(&mut self, id: PersistId) -> Vec<Withheld> {
        let Some(write) = self.writing.take_if(|write| write.id == id) else {
            return Vec::new();
        };
        // A critical change made while this write was under way is covered by the next one.
        if write.covers && self.save != Save::Now {
            self.face = None;
        }
        write.withheld
    }

    /// A write has failed, and is tried again with the next tick; what waited for it.
    fn fail_write(&mut self, id: PersistId) -> Option<Vec<Withheld>> {
        let write = self.writing.take_if(|write| write.id == id)?;
        self.save_soon();
        Some(write.withheld)
    }
}

impl Cluster {
    /// What we are at this moment, durable or not.
    pub(crate) fn true_face(&self) -> Face {
        let me = self.roster.me();
        // A replica speaks for its primary: its slots and its epoch.
        let (slots, config_epoch, replica_of) = match me.primary {
            Some(primary) if me.is_replica() => {
                let primary = &self.roster[primary];
                (
                    primary.slots.clone(),
                    primary.config_epoch,
                    Some(primary.id),
                )
            }
            _ => (me.slots.clone(), me.config_epoch, None),
        };
        let keep = Flags::MASTER
            .with(Flags::SLAVE)
            .with(Flags::MYSELF)
            .with(Flags::NOFAILOVER);
        let mut flags = Flags(me.flags.0 & keep.0);
        if me.has(Flags::MIGRATE_TO) {
            flags.set(Flags::MIGRATE_TO);
        }
        Face {
            current_epoch: self.current_epoch,
            config_epoch,
            slots,
            flags,
            replica_of,
        }
    }

    /// What packets say about us.
    pub(crate) fn public_face(&self) -> Face {
        match &self.durable.face {
            // The MIGRATE_TO flag and what we heard of epochs are no secrets, but one face at a
            // time is simpler to reason about.
            Some(face) => face.clone(),
            None => self.true_face(),
        }
    }

    /// Holds something back until the present state is on disk. Nothing waits if nothing is to be
    /// written.
    pub(crate) fn withhold(&mut self, what: Withheld) {
        self.durable.withheld.push(what);
        self.durable.save_now();
    }

    /// Writes nodes.conf if it is time and no write is under way.
    pub(crate) fn save_if_due(&mut self, tick: bool) {
        if let Some(id) = self.durable.begin_write(tick) {
            let text = self.nodes_conf_text();
            self.out.push(Effect::Persist { id, text });
        }
    }

    pub(crate) fn persisted(&mut self, id: PersistId) {
        for item in self.durable.end_write(id) {
            self.release(item);
        }
    }

    fn release(&mut self, item: Withheld) {
        match item {
            Withheld::Packet(id, packet) => {
                if let Some(at) = self.roster.find(&id) {
                    self.send_packet(at, packet);
                }
            }
            Withheld::AskVotes { epoch, force } => self.ask_for_votes(epoch, force),
            Withheld::Announce => {
                self.announce();
                self.press_claim();
            }
            Withheld::Reply(token, reply) => self.out.push(Effect::Reply { token, reply }),
        }
    }

    /// A file that cannot be written costs our vote and our promotion, not the node: it goes on
    /// showing what is on disk, and tries again with the next tick.
    pub(crate) fn persist_failed(&mut self, id: PersistId, reason: &str) {
        let Some(withheld) = self.durable.fail_write(id) else {
            return;
        };
        let level = crate::event::Level::Warning;
        self.log(
            level,
            format!("Could not save the cluster configuration file: {reason}"),
        );
        for item in withheld {
            match item {
                Withheld::Reply(token, _) => {
                    let text = format!("ERR error saving the cluster node config: {reason}");
                    self.out.push(Effect::Reply {
                        token,
                        reply: Reply::Error(text),
                    });
                }
                // A vote is for one election and lost; the announcement is made when it holds.
                Withheld::Announce => self.durable.withheld.push(Withheld::Announce),
                Withheld::Packet(..) | Withheld::AskVotes { .. } => {}
            }
        }
    }
}
