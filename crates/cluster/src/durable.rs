//! What must be on disk before others may see it.

use crate::event::{Effect, PersistId};
use crate::machine::{Cluster, Face, Save, Withheld};
use crate::request::Reply;
use bus::Flags;

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
        match &self.face {
            // The MIGRATE_TO flag and what we heard of epochs are no secrets, but one face at a
            // time is simpler to reason about.
            Some(face) => face.clone(),
            None => self.true_face(),
        }
    }

    /// Holds something back until the present state is on disk. Nothing waits if nothing is to be
    /// written.
    pub(crate) fn withhold(&mut self, what: Withheld) {
        self.withheld.push(what);
        self.save = self.save.max(Save::Now);
    }

    /// Writes nodes.conf if it is time and no write is under way.
    pub(crate) fn save_if_due(&mut self, tick: bool) {
        let due = match self.save {
            Save::No => false,
            Save::Soon => tick,
            Save::Now => true,
        };
        if !due || self.writing.is_some() {
            return;
        }
        self.save = Save::No;
        let id = PersistId(self.next_persist);
        self.next_persist += 1;
        let text = self.nodes_conf_text();
        let withheld = std::mem::take(&mut self.withheld);
        self.writing = Some((id, withheld, self.face.is_some()));
        self.out.push(Effect::Persist { id, text });
    }

    pub(crate) fn persisted(&mut self, id: PersistId) {
        let Some((_, withheld, covers)) = self.writing.take_if(|w| w.0 == id) else {
            return;
        };
        // A critical change made while this write was under way is covered by the next one.
        if covers && self.save != Save::Now {
            self.face = None;
        }
        for item in withheld {
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
        let Some((_, withheld, _)) = self.writing.take_if(|w| w.0 == id) else {
            return;
        };
        self.save = self.save.max(Save::Soon);
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
                Withheld::Announce => self.withheld.push(Withheld::Announce),
                Withheld::Packet(..) | Withheld::AskVotes { .. } => {}
            }
        }
    }
}
