//! Settling a slot that several nodes own or hold keys of.

use base::Slot;

use super::Outcome;
use super::open_slot::dotted;
use super::session::Session;
use super::slots::Manner;

impl Session<'_> {
    /// The one with the most keys becomes the owner; the others give it their keys.
    pub fn fix_owners(&mut self, slot: Slot, owners: &[usize]) -> Outcome {
        self.console
            .info(format!(">>> Fixing multiple owners for slot {slot}...\n"));
        let owner = self.richest_in(owners, slot)?.unwrap_or(owners[0]);
        let address = self.nodes[owner].address();
        self.console
            .info(format!(">>> Setting slot {slot} owner: {address}\n"));
        self.take_slot(owner, slot, false)?;
        for index in self.masters() {
            if index == owner {
                continue;
            }
            let keys = self.count_keys(index, slot)?;
            // Whatever it thinks of the slot, the next request settles.
            let _ = self.delete_slot(index, slot);
            self.set_slot(index, slot, "node", owner)?;
            if keys > 0 {
                // Importing, although it gives: else it would redirect the MIGRATE (in redis-cli
                // 7.0 it does, and the repair fails).
                self.set_slot(index, slot, "importing", owner)?;
                self.repair_move(
                    index,
                    owner,
                    slot,
                    Manner {
                        cold: true,
                        ..dotted()
                    },
                )?;
                self.close_slot(index, slot)?;
            }
        }
        Ok(())
    }
}
