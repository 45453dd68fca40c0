//! Covering slots that no node claims.

use base::{Slot, SlotSet};

use super::node::slot_ranges;
use super::open_slot::dotted;
use super::session::Session;
use super::slots::Manner;
use super::{Failed, Outcome};

/// A slot without owner and the masters that hold keys of it.
type Orphan = (Slot, Vec<usize>);

impl Session<'_> {
    /// Gives owners to the slots outside `covered`, after asking. Failed when nothing came of it.
    pub fn fix_coverage(&mut self, covered: &SlotSet) -> Outcome {
        self.require_reach("slots coverage")?;
        self.console.info(">>> Fixing slots coverage...\n");
        let (mut none, mut single, mut several) = (Vec::new(), Vec::new(), Vec::new());
        for slot in Slot::all().filter(|slot| !covered.contains(*slot)) {
            let mut holders = Vec::new();
            for index in 0..self.nodes.len() {
                if self.nodes[index].is_master() && self.some_keys(index, slot, 1)? > 0 {
                    holders.push(index);
                }
            }
            match holders.len() {
                0 => none.push((slot, holders)),
                1 => single.push((slot, holders)),
                _ => several.push((slot, holders)),
            }
        }
        let mut fixed = self.cover_empty(&none)?;
        fixed += self.cover_single(&single)?;
        fixed += self.cover_several(&several)?;
        if fixed > 0 { Ok(()) } else { Err(Failed) }
    }

    /// Shows slots and asks; these questions `--cluster-yes` does not answer.
    fn may_cover(&mut self, slots: &[Orphan], head: &str, question: &str) -> bool {
        if slots.is_empty() {
            return false;
        }
        let mut set = SlotSet::new();
        for (slot, _) in slots {
            set.insert(*slot);
        }
        self.console.say(format!("{head}\n{}\n", slot_ranges(&set)));
        self.console.confirms(question)
    }

    fn cover_empty(&mut self, slots: &[Orphan]) -> Outcome<usize> {
        let head = "The following uncovered slots have no keys across the cluster:";
        if !self.may_cover(
            slots,
            head,
            "Fix these slots by covering with a random node?",
        ) {
            return Ok(0);
        }
        let mut chance = super::affinity::Chance::new();
        for (slot, _) in slots {
            let masters = self.masters();
            if masters.is_empty() {
                return Err(Failed);
            }
            let node = masters[chance.below(masters.len())];
            self.cover(*slot, node)?;
        }
        Ok(slots.len())
    }

    fn cover_single(&mut self, slots: &[Orphan]) -> Outcome<usize> {
        let head = "The following uncovered slots have keys in just one node:";
        if !self.may_cover(slots, head, "Fix these slots by covering with those nodes?") {
            return Ok(0);
        }
        for (slot, holders) in slots {
            self.cover(*slot, holders[0])?;
        }
        Ok(slots.len())
    }

    fn cover(&mut self, slot: Slot, node: usize) -> Outcome {
        let address = self.nodes[node].address();
        self.console
            .info(format!(">>> Covering slot {slot} with {address}\n"));
        self.take_slot(node, slot, false)?;
        self.nodes[node].slots.insert(slot);
        Ok(())
    }

    fn cover_several(&mut self, slots: &[Orphan]) -> Outcome<usize> {
        let head = "The following uncovered slots have keys in multiple nodes:";
        if !self.may_cover(
            slots,
            head,
            "Fix these slots by moving keys into a single node?",
        ) {
            return Ok(0);
        }
        for (slot, holders) in slots {
            let Some(target) = self.richest_in(holders, *slot)? else {
                return Err(Failed);
            };
            let address = self.nodes[target].address();
            self.console.info(format!(
                ">>> Covering slot {slot} moving keys to {address}\n"
            ));
            self.take_slot(target, *slot, true)?;
            self.nodes[target].slots.insert(*slot);
            for &source in holders.iter().filter(|&&source| source != target) {
                self.set_slot(source, *slot, "NODE", target)?;
                // Importing, although it gives: else it would redirect the MIGRATE.
                self.set_slot(source, *slot, "IMPORTING", target)?;
                self.repair_move(
                    source,
                    target,
                    *slot,
                    Manner {
                        cold: true,
                        ..dotted()
                    },
                )?;
                self.close_slot(source, *slot)?;
            }
        }
        Ok(slots.len())
    }
}
