//! Closing a slot that a reshard left half-way.

use base::Slot;

use super::session::Session;
use super::slots::Manner;
use super::{Failed, Outcome};

/// What the masters say of an open slot.
#[derive(Debug, Default)]
struct Claims {
    owners: Vec<usize>,
    migrating: Vec<usize>,
    importing: Vec<usize>,
    /// The last two as they are shown.
    shown_migrating: String,
    shown_importing: String,
}

impl Session<'_> {
    /// Repairs one open slot.
    pub fn fix_open_slot(&mut self, slot: Slot) -> Outcome {
        self.require_reach("open slots")?;
        self.console.info(format!(">>> Fixing open slot {slot}\n"));
        let mut claims = self.claims(slot)?;
        if !claims.shown_migrating.is_empty() {
            self.console
                .say(format!("Set as migrating in: {}\n", claims.shown_migrating));
        }
        if !claims.shown_importing.is_empty() {
            self.console
                .say(format!("Set as importing in: {}\n", claims.shown_importing));
        }
        let owner = match claims.owners[..] {
            [one] => one,
            _ => self.choose_owner(slot, &mut claims)?,
        };
        for rival in claims.owners.clone() {
            if rival != owner {
                self.demote_rival(slot, rival, owner, &mut claims)?;
            }
        }
        let (migrating, importing) = (claims.migrating.len(), claims.importing.len());
        match (migrating, importing) {
            (1, 1) => self.finish_move(slot, claims.migrating[0], claims.importing[0]),
            (0, 1..) => self.gather_keys(slot, &claims.importing, owner),
            (1, 2..) => self.finish_or_close(slot, &claims, owner),
            _ => self.close_if_settled(slot, &claims, owner),
        }
    }

    fn claims(&mut self, slot: Slot) -> Outcome<Claims> {
        let mut claims = Claims::default();
        let masters = self.masters();
        for &index in &masters {
            if self.nodes[index].slots.contains(slot) {
                claims.owners.push(index);
            } else if self.count_keys(index, slot)? > 0 {
                let address = self.nodes[index].address();
                self.console.warn(format!(
                    "*** Found keys about slot {slot} in non-owner node {address}!\n"
                ));
                claims.owners.push(index);
            }
        }
        let sole_owner = match claims.owners[..] {
            [one] => Some(one),
            _ => None,
        };
        let append = |list: &mut String, address: &str| {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(address);
        };
        for &index in &masters {
            let node = &self.nodes[index];
            let address = node.address();
            if node.migrating.iter().any(|(open, _)| *open == slot) {
                append(&mut claims.shown_migrating, &address);
                claims.migrating.push(index);
            } else if node.importing.iter().any(|(open, _)| *open == slot) {
                append(&mut claims.shown_importing, &address);
                claims.importing.push(index);
            } else if Some(index) != sole_owner && self.count_keys(index, slot)? > 0 {
                // Keys without any claim: they came in a move that was forgotten (a restart).
                self.console.warn(format!(
                    "*** Found keys about slot {slot} in node {address}!\n"
                ));
                append(&mut claims.shown_importing, &address);
                claims.importing.push(index);
            }
        }
        Ok(claims)
    }

    fn choose_owner(&mut self, slot: Slot, claims: &mut Claims) -> Outcome<usize> {
        self.console
            .info(">>> No single clear owner for the slot, selecting an owner by # of keys...\n");
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        let Some(owner) = self.richest_in(&all, slot)? else {
            self.console
                .error("[ERR] Can't select a slot owner. Impossible to fix.\n");
            return Err(Failed);
        };
        let address = self.nodes[owner].address();
        self.console
            .warn(format!("*** Configuring {address} as the slot owner\n"));
        self.close_slot(owner, slot)?;
        self.take_slot(owner, slot, false)?;
        self.nodes[owner].slots.insert(slot);
        self.bump_epoch(owner)?;
        claims.migrating.retain(|&index| index != owner);
        claims.importing.retain(|&index| index != owner);
        Ok(owner)
    }

    /// Of several owners one stays; another becomes an importer, whose keys are gathered later.
    fn demote_rival(
        &mut self,
        slot: Slot,
        rival: usize,
        owner: usize,
        claims: &mut Claims,
    ) -> Outcome {
        self.delete_slot(rival, slot)?;
        self.nodes[rival].slots.remove(slot);
        self.set_slot(rival, slot, "node", owner)?;
        self.set_slot(rival, slot, "importing", owner)?;
        claims.importing.retain(|&index| index != rival);
        claims.importing.push(rival);
        claims.migrating.retain(|&index| index != rival);
        Ok(())
    }

    /// One gives, one takes: the move goes on.
    fn finish_move(&mut self, slot: Slot, source: usize, target: usize) -> Outcome {
        let (from, to) = (self.nodes[source].address(), self.nodes[target].address());
        self.console.info(format!(
            ">>> Case 1: Moving slot {slot} from {from} to {to}\n"
        ));
        self.repair_move(
            source,
            target,
            slot,
            Manner {
                update: true,
                ..dotted()
            },
        )
    }

    /// Only takers: all their keys go to the owner.
    fn gather_keys(&mut self, slot: Slot, importing: &[usize], owner: usize) -> Outcome {
        let address = self.nodes[owner].address();
        self.console.info(format!(
            ">>> Case 2: Moving all the {slot} slot keys to its owner {address}\n"
        ));
        for &index in importing {
            if index == owner {
                continue;
            }
            self.repair_move(
                index,
                owner,
                slot,
                Manner {
                    cold: true,
                    ..dotted()
                },
            )?;
            let address = self.nodes[index].address();
            self.console
                .info(format!(">>> Setting {slot} as STABLE in {address}\n"));
            self.close_slot(index, slot)?;
        }
        for index in self.masters() {
            if index != owner {
                self.set_slot(index, slot, "NODE", owner)?;
            }
        }
        Ok(())
    }

    /// One gives, several take, without keys: the one that the giver means gets the slot.
    fn finish_or_close(&mut self, slot: Slot, claims: &Claims, owner: usize) -> Outcome {
        let source = claims.migrating[0];
        let meant = self.nodes[source]
            .migrating
            .iter()
            .find(|(open, _)| *open == slot);
        let meant = meant.map(|(_, id)| id.clone()).unwrap_or_default();
        let mut target = None;
        for &index in &claims.importing {
            if self.count_keys(index, slot)? > 0 {
                return self.give_up(claims, owner);
            }
            if self.nodes[index].id == meant {
                target = Some(index);
            }
        }
        if let Some(target) = target {
            let (from, to) = (self.nodes[source].address(), self.nodes[target].address());
            self.console.info(format!(
                ">>> Case 3: Moving slot {slot} from {from} to {to} and closing it on all the \
                 other importing nodes.\n"
            ));
            self.repair_move(source, target, slot, dotted())?;
        } else {
            self.console.info(format!(
                ">>> Case 3: Closing slot {slot} on both migrating and importing nodes.\n"
            ));
            self.close_slot(source, slot)?;
        }
        for &index in &claims.importing {
            if Some(index) != target {
                self.close_slot(index, slot)?;
            }
        }
        Ok(())
    }

    /// One gives and nobody takes: the owner keeps the slot, a node without its keys lets go.
    fn close_if_settled(&mut self, slot: Slot, claims: &Claims, owner: usize) -> Outcome {
        let [node] = claims.migrating[..] else {
            return self.give_up(claims, owner);
        };
        if !claims.importing.is_empty() || (owner != node && self.some_keys(node, slot, 10)? > 0) {
            return self.give_up(claims, owner);
        }
        let address = self.nodes[node].address();
        self.console
            .info(format!(">>> Case 4: Closing slot {slot} on {address}\n"));
        self.close_slot(node, slot)
    }

    fn give_up(&mut self, claims: &Claims, owner: usize) -> Outcome {
        self.console.error(format!(
            "[ERR] Sorry, redis-cli can't fix this slot yet (work in progress). Slot is set as \
             migrating in {}, as importing in {}, owner is {}\n",
            claims.shown_migrating,
            claims.shown_importing,
            self.nodes[owner].address()
        ));
        Err(Failed)
    }

    /// Moves a slot as part of a repair.
    pub fn repair_move(
        &mut self,
        source: usize,
        target: usize,
        slot: Slot,
        manner: Manner,
    ) -> Outcome {
        let moved = self.move_slot(source, target, slot, manner);
        moved.map_err(|stuck| stuck.tell_once(self))
    }
}

/// The manner of repairs: shown, with dots.
pub(super) fn dotted() -> Manner {
    Manner {
        dots: true,
        ..Manner::default()
    }
}
