//! Who owns which slot: claims are compared by their configuration epochs.

use crate::durable::Withheld;
use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::node::{Dialect, Ix};
use base::{Epoch, SlotSet};
use bus::{Flags, Header};

/// How long two primaries of one shard may show the same epoch before the smaller id decides
/// instead of the larger offset: a peer of another make goes by ids alone.
const COLLISION_PATIENCE: u64 = 5_000;

impl Cluster {
    /// Compares what a node claims, for itself or its primary, with what we believe.
    pub(crate) fn compare_claims(&mut self, sender: Ix, header: &Header) {
        self.compare(sender, header);
        if !self.unclaimed_losses.is_empty() && self.roster[sender].is_primary() {
            self.confirm_losses(sender, header);
        }
    }

    fn compare(&mut self, sender: Ix, header: &Header) {
        let Some(primary) = self.roster.shard_primary(sender) else {
            return;
        };
        if self.roster[primary].slots == header.slots {
            // The same contents: keep one copy of them.
            if primary == sender {
                self.roster[primary].slots = header.slots.clone();
                if self.roster.any_unclaimed() {
                    self.note_claims(sender, header);
                }
            }
            return;
        }
        if self.roster[sender].is_primary() {
            self.note_claims(sender, header);
            self.take_claims(sender, header.config_epoch, &header.slots, true);
        }
        self.correct_claims(sender, primary, header);
    }

    /// Notes which slots their owner has stopped claiming.
    fn note_claims(&mut self, owner: Ix, header: &Header) {
        if header.config_epoch < self.roster[owner].config_epoch {
            return;
        }
        let believed = self.roster[owner].slots.clone();
        for slot in believed.iter() {
            self.roster.mark_claimed(slot, header.slots.contains(slot));
        }
    }

    /// Tells the sender of every newer owner of slots it claims.
    fn correct_claims(&mut self, sender: Ix, primary: Ix, header: &Header) {
        let mut told: Vec<Ix> = Vec::new();
        for slot in header.slots.iter() {
            let Some(owner) = self.roster.owner(slot) else {
                continue;
            };
            // What we are is told by our headers only, once it is on disk.
            if owner == primary
                || owner == sender
                || (owner == self.roster.myself && self.durable.hides())
                || told.contains(&owner)
                || self.roster.is_unclaimed(slot)
                || self.roster[owner].config_epoch <= header.config_epoch
            {
                continue;
            }
            let text = format!(
                "Node {} has old slots configuration, sending an UPDATE message about {}",
                self.roster[sender].label(),
                self.roster[owner].label()
            );
            self.log(Level::Verbose, text);
            self.send_update(sender, owner);
            told.push(owner);
        }
    }

    /// A primary claims slots under an epoch: it gets those whose owner has an older one.
    ///
    /// If that costs us, or our primary, the last slot, we follow whoever took it. Keys of lost
    /// slots are deleted once the new owner itself says that it has them: `first_hand` is false for
    /// what a third node tells.
    pub(crate) fn take_claims(
        &mut self,
        claimer: Ix,
        epoch: Epoch,
        slots: &SlotSet,
        first_hand: bool,
    ) {
        let me = self.roster.myself;
        if claimer == me {
            return;
        }
        let ours = self.roster.shard_primary(me);
        let mut lost = SlotSet::new();
        let (mut moved, mut lost_ours) = (0, 0);
        for slot in slots.iter() {
            let owner = self.roster.owner(slot);
            if owner == Some(claimer) || self.roster.is_held(slot, self.now.mono) {
                continue;
            }
            let newer = match owner {
                None => true,
                Some(at) => {
                    self.roster[at].config_epoch < epoch
                        || (at != me && self.roster.is_unclaimed(slot))
                        || self.mutants.ignore_epochs
                }
            };
            // While we import a slot only the administrator, or a newer owner than its source's
            // shard, decides about it.
            if !newer || (owner == Some(me) && self.roster.importing.contains_key(&slot)) {
                continue;
            }
            if owner == Some(me) {
                lost.insert(slot);
            }
            if owner.is_some() && owner == ours {
                lost_ours += 1;
            }
            self.close_slot_on_move(slot, claimer);
            self.roster.set_owner(slot, Some(claimer));
            moved += 1;
        }
        if moved == 0 {
            return;
        }
        self.changed_now();
        self.serving.check();
        if !first_hand {
            lost.iter()
                .for_each(|slot| _ = self.unclaimed_losses.insert(slot));
            lost = SlotSet::new();
        }
        self.follow_taker(claimer, lost, lost_ours, slots.len());
    }

    /// The new owner of slots that we lost by a third node's word claims them itself.
    fn confirm_losses(&mut self, sender: Ix, header: &Header) {
        let mut confirmed = SlotSet::new();
        let mut open = SlotSet::new();
        for slot in self.unclaimed_losses.iter() {
            let owner = self.roster.owner(slot);
            if owner == Some(sender) && header.slots.contains(slot) {
                confirmed.insert(slot);
            } else if owner != Some(self.roster.myself) {
                open.insert(slot);
            }
        }
        self.unclaimed_losses = open;
        if !confirmed.is_empty() {
            self.give_up(confirmed, sender);
        }
    }

    /// The data set is loaded, with keys in these slots: each of them must have a place.
    pub(crate) fn data_loaded(&mut self, slots: &SlotSet) {
        let me = self.roster.myself;
        if self.roster.me().is_replica() {
            return;
        }
        for slot in slots.iter() {
            let owner = self.roster.owner(slot);
            if owner == Some(me) || self.roster.importing.contains_key(&slot) {
                continue;
            }
            let text = match owner {
                None => {
                    self.roster.set_owner(slot, Some(me));
                    format!("I have keys for unassigned slot {slot}. Taking responsibility for it.")
                }
                Some(at) => {
                    self.roster.importing.insert(slot, at);
                    format!(
                        "I have keys for slot {slot}, but the slot is assigned to another node. \
                         Setting it to importing state."
                    )
                }
            };
            self.log(Level::Notice, text);
            self.serving.check();
            self.changed_now();
        }
    }

    /// A slot changes hands as seen over the bus: what was open about it here is settled.
    fn close_slot_on_move(&mut self, slot: base::Slot, claimer: Ix) {
        self.roster.migrating.remove(&slot);
        let Some(&from) = self.roster.importing.get(&slot) else {
            return;
        };
        // The source's shard failed over: the import goes on, from the new primary. Taken by
        // anybody else, it is over.
        if self.roster[from].shard == self.roster[claimer].shard {
            self.roster.importing.insert(slot, claimer);
        } else {
            self.roster.importing.remove(&slot);
        }
    }

    fn follow_taker(&mut self, taker: Ix, lost: SlotSet, lost_ours: usize, claimed: usize) {
        let me = self.roster.myself;
        let Some(ours) = self.roster.shard_primary(me) else {
            return;
        };
        let emptied = lost_ours > 0 && self.roster[ours].slot_count == 0;
        let same_shard = self.roster[ours].shard == self.roster[taker].shard;
        if emptied && (self.settings.allow_replica_migration || lost_ours == claimed || same_shard)
        {
            let text = format!(
                "Configuration change detected. Reconfiguring myself as a replica of {}",
                self.roster[taker].label()
            );
            self.log(Level::Warning, text);
            self.follow(taker);
        } else if !lost.is_empty() {
            self.give_up(lost, taker);
        }
    }

    /// Has the keys of slots deleted that a node took from us.
    fn give_up(&mut self, slots: SlotSet, taker: Ix) {
        self.out.push_late(Effect::SlotsLost(slots));
        if self.roster.me().is_primary() && self.roster.me().slot_count == 0 {
            let (level, text) = (Level::Notice, self.emptied_text(taker));
            self.out.push_late(Effect::Log { level, text });
        }
    }

    /// What a primary says that has lost its last slot and goes on without any.
    pub(crate) fn emptied_text(&self, taker: Ix) -> String {
        let (label, shard) = (self.roster[taker].label(), self.roster[taker].shard);
        format!(
            "My last slot was migrated to node {label} in shard {shard}. I am now an empty primary."
        )
    }

    /// Becomes a replica of a node (or follows another primary).
    pub(crate) fn follow(&mut self, primary: Ix) {
        let me = self.roster.myself;
        debug_assert_ne!(me, primary);
        let same_shard = self.roster[me].shard == self.roster[primary].shard;
        let was_primary = self.roster[me].is_primary();
        self.worth
            .change_source(self.now.mono, was_primary, same_shard);
        if self.roster[me].is_primary() {
            self.roster.release_slots(me);
            let node = self.roster.me_mut();
            node.flags.clear(Flags::MASTER.with(Flags::MIGRATE_TO));
            node.flags.set(Flags::SLAVE);
            self.roster.migrating.clear();
            self.roster.importing.clear();
        }
        self.roster.set_primary(me, Some(primary));
        self.roster.me_mut().shard = self.roster[primary].shard;
        self.silence.data_found();
        self.unclaimed_losses = SlotSet::new();
        self.end_manual();
        self.election.abandon();
        self.tell_primary(primary);
        self.serving.check();
        self.changed_now();
        // Not with the next pings only: whose replica we are decides about elections.
        self.withhold(Withheld::Announce);
    }

    /// Two primaries with one epoch: one of them, the same from both sides, takes a new one.
    pub(crate) fn settle_collision(&mut self, sender: Ix, header: &Header) {
        let me = self.roster.me();
        let node = &self.roster[sender];
        let collides = me.is_primary()
            && node.is_primary()
            && header.replica_of.is_none()
            && me.config_epoch == header.config_epoch;
        if !collides {
            self.roster[sender].collided_since = None;
            return;
        }
        let now = self.now.mono;
        let since = *self.roster[sender].collided_since.get_or_insert(now);
        let (me, node) = (self.roster.me(), &self.roster[sender]);
        let by_id = me.id < node.id;
        // In one shard the newer data must win, or a failover would be undone with its writes.
        let same_shard = node.dialect == Dialect::Shards && node.shard == me.shard;
        let (mine, theirs) = (self.worth.offset(), header.offset.0);
        let ours = if same_shard && mine != theirs && now - since < COLLISION_PATIENCE {
            mine > theirs
        } else {
            by_id
        };
        if !ours {
            return;
        }
        let label = node.label();
        self.current_epoch = Epoch(self.current_epoch.0 + 1);
        self.roster.me_mut().config_epoch = self.current_epoch;
        self.changed_critically();
        let text = format!(
            "WARNING: configEpoch collision with node {label}. configEpoch set to {}",
            self.current_epoch
        );
        self.log(Level::Verbose, text);
    }

    /// Takes a new epoch without asking anybody. False if ours is the highest already.
    pub(crate) fn bump_epoch(&mut self) -> bool {
        let highest = self.highest_epoch();
        let mine = self.roster.me().config_epoch;
        if mine.0 != 0 && mine == highest {
            return false;
        }
        self.current_epoch = Epoch(highest.0 + 1);
        self.roster.me_mut().config_epoch = self.current_epoch;
        self.changed_critically();
        self.withhold(Withheld::Announce);
        let text = format!("New configEpoch set to {}", self.current_epoch);
        self.log(Level::Warning, text);
        true
    }
}
