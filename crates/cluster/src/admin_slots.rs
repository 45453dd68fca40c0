//! CLUSTER commands about slots.

use crate::admin::{error, unknown_node};
use crate::durable::Withheld;
use crate::event::Level;
use crate::machine::Cluster;
use crate::node::Ix;
use crate::request::Reply;
use base::{Slot, SlotSet};

impl Cluster {
    pub(crate) fn add_slots(&mut self, slots: &[Slot]) -> Reply {
        let mut wanted = SlotSet::new();
        for &slot in slots {
            if self.roster.owner(slot).is_some() {
                return error(format_args!("Slot {slot} is already busy"));
            }
            if !wanted.insert(slot) {
                return error(format_args!("Slot {slot} specified multiple times"));
            }
        }
        let me = self.roster.myself;
        for slot in wanted.iter() {
            // A slot assigned outright is no longer one that is coming.
            self.roster.importing.remove(&slot);
            self.roster.set_owner(slot, Some(me));
        }
        self.slots_set()
    }

    pub(crate) fn del_slots(&mut self, slots: &[Slot]) -> Reply {
        let mut wanted = SlotSet::new();
        for &slot in slots {
            if self.roster.owner(slot).is_none() {
                return error(format_args!("Slot {slot} is already unassigned"));
            }
            if !wanted.insert(slot) {
                return error(format_args!("Slot {slot} specified multiple times"));
            }
        }
        for slot in wanted.iter() {
            if self.roster.owner(slot) != Some(self.roster.myself) {
                self.roster.hold_off(slot, self.now.mono);
            }
            self.roster.set_owner(slot, None);
        }
        self.slots_set()
    }

    pub(crate) fn flush_slots(&mut self, has_keys: bool) -> Reply {
        if has_keys {
            return error("DB must be empty to perform CLUSTER FLUSHSLOTS.");
        }
        let me = self.roster.myself;
        self.roster.release_slots(me);
        self.slots_set()
    }

    fn slots_set(&mut self) -> Reply {
        self.serving.check();
        self.changed_now();
        Reply::Ok
    }

    /// SETSLOT is for primaries.
    fn refuse_replica(&self) -> Option<Reply> {
        let refused = || error("Please use SETSLOT only with masters.");
        self.roster.me().is_replica().then(refused)
    }

    fn other_primary(&self, node: &[u8], unknown: Reply) -> Result<Ix, Reply> {
        let at = self.roster.find_text(node).ok_or(unknown)?;
        if self.roster[at].is_replica() {
            return Err(error("Target node is not a master"));
        }
        Ok(at)
    }

    fn dont_know(node: &[u8]) -> Reply {
        error(format_args!(
            "I don't know about node {}",
            String::from_utf8_lossy(node)
        ))
    }

    pub(crate) fn set_migrating(&mut self, slot: Slot, node: &[u8]) -> Reply {
        if let Some(refusal) = self.refuse_replica() {
            return refusal;
        }
        if self.roster.owner(slot) != Some(self.roster.myself) {
            return error(format_args!("I'm not the owner of hash slot {slot}"));
        }
        match self.other_primary(node, Cluster::dont_know(node)) {
            Ok(at) => {
                self.roster.migrating.insert(slot, at);
                self.slots_set()
            }
            Err(refusal) => refusal,
        }
    }

    pub(crate) fn set_importing(&mut self, slot: Slot, node: &[u8]) -> Reply {
        if let Some(refusal) = self.refuse_replica() {
            return refusal;
        }
        if self.roster.owner(slot) == Some(self.roster.myself) {
            return error(format_args!("I'm already the owner of hash slot {slot}"));
        }
        match self.other_primary(node, Cluster::dont_know(node)) {
            Ok(at) => {
                self.roster.importing.insert(slot, at);
                self.slots_set()
            }
            Err(refusal) => refusal,
        }
    }

    pub(crate) fn set_stable(&mut self, slot: Slot) -> Reply {
        if let Some(refusal) = self.refuse_replica() {
            return refusal;
        }
        self.roster.migrating.remove(&slot);
        self.roster.importing.remove(&slot);
        self.slots_set()
    }

    pub(crate) fn set_slot_node(&mut self, slot: Slot, node: &[u8], has_keys: bool) -> Reply {
        if let Some(refusal) = self.refuse_replica() {
            return refusal;
        }
        let target = match self.other_primary(node, unknown_node(node)) {
            Ok(at) => at,
            Err(refusal) => return refusal,
        };
        let me = self.roster.myself;
        let was_mine = self.roster.owner(slot) == Some(me);
        if was_mine && target != me && has_keys {
            return error(format_args!(
                "Can't assign hashslot {slot} to a different node while I still hold keys for \
                 this hash slot."
            ));
        }
        if !has_keys {
            self.roster.migrating.remove(&slot);
        }
        let imported = target == me && self.roster.importing.remove(&slot).is_some();
        self.roster.set_owner(slot, Some(target));
        if imported {
            // The slot's new owner must have the higher epoch, or nobody will believe it.
            if self.bump_epoch() {
                self.log(
                    Level::Warning,
                    format!("configEpoch updated after importing slot {slot}"),
                );
            }
            self.withhold(Withheld::Announce);
        }
        let reply = self.slots_set();
        let emptied = was_mine && target != me && self.roster.me().slot_count == 0;
        if emptied && self.settings.allow_replica_migration && self.roster[target].is_primary() {
            let text = format!(
                "Configuration change detected. Reconfiguring myself as a replica of {}",
                self.roster[target].label()
            );
            self.log(Level::Notice, text);
            self.follow(target);
        } else if emptied {
            self.log(Level::Notice, self.emptied_text(target));
        }
        reply
    }
}
