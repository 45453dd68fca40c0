//! Moving and assigning one slot: the requests that `reshard`, `rebalance` and `fix` are made of.

use base::Slot;

use super::session::{Refusal, Session};
use super::{Failed, Outcome};

/// How a slot is moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Nothing is written.
    pub quiet: bool,
    /// A dot for each key.
    pub dots: bool,
    /// Only keys move: the slot's owner is settled already.
    pub cold: bool,
    /// The view held here follows.
    pub update: bool,
}

/// Why a slot did not move.
#[derive(Debug)]
pub(super) struct Stuck {
    /// The node's words; `None` when the command line gave up by itself, and said why.
    text: Option<String>,
    /// Whether the node's words were shown.
    is_shown: bool,
}

impl Stuck {
    /// A refusal that was shown already.
    pub fn shown(text: Option<String>) -> Stuck {
        Stuck {
            text,
            is_shown: true,
        }
    }

    /// Says which step of a plan failed, whether the words were shown or not.
    pub fn tell(self, session: &mut Session<'_>, what: &str) -> Failed {
        if let Some(text) = self.text {
            session.console.error(format!("{what}: {text}\n"));
        }
        Failed
    }

    /// Says what was not said yet: repairs do not name their steps.
    pub fn tell_once(self, session: &mut Session<'_>) -> Failed {
        let is_shown = self.is_shown;
        if is_shown {
            Failed
        } else {
            self.tell(session, "CLUSTER SETSLOT failed")
        }
    }
}

impl From<Refusal> for Stuck {
    fn from(refusal: Refusal) -> Stuck {
        Stuck {
            text: Some(refusal.text().to_owned()),
            is_shown: false,
        }
    }
}

/// What a source without slots answers after it became a replica of the slot's new owner, which
/// the new owner's news may have made it before our request came.
const NOW_A_REPLICA: &str = "ERR Please use SETSLOT only with masters.";

impl Session<'_> {
    /// `CLUSTER SETSLOT slot state id`; the error is the caller's to show.
    pub fn try_set_slot(
        &mut self,
        at: usize,
        slot: Slot,
        state: &str,
        other: usize,
    ) -> Result<(), Refusal> {
        let id = self.nodes[other].id.clone();
        self.try_ask(at, &["CLUSTER", "SETSLOT", &slot.to_string(), state, &id])
            .map(drop)
    }

    /// The same, showing an error.
    pub fn set_slot(&mut self, at: usize, slot: Slot, state: &str, other: usize) -> Outcome {
        let id = self.nodes[other].id.clone();
        self.ask(at, &["CLUSTER", "SETSLOT", &slot.to_string(), state, &id])
            .map(drop)
    }

    /// Ends an open state of a slot at one node.
    pub fn close_slot(&mut self, at: usize, slot: Slot) -> Outcome {
        self.ask(at, &["CLUSTER", "SETSLOT", &slot.to_string(), "STABLE"])
            .map(drop)
    }

    /// Takes a slot from a node; that it had none is no error.
    pub fn delete_slot(&mut self, at: usize, slot: Slot) -> Outcome {
        match self.try_ask(at, &["CLUSTER", "DELSLOTS", &slot.to_string()]) {
            Err(Refusal::Reply(text)) if text.contains("already unassigned") => Ok(()),
            Err(refusal) => {
                let address = self.nodes[at].address();
                Err(self.show_reply_error(&address, refusal.text()))
            }
            Ok(_) => Ok(()),
        }
    }

    /// Raises a node's epoch above all it has seen, so that its claims win.
    pub fn bump_epoch(&mut self, at: usize) -> Outcome {
        self.ask(at, &["CLUSTER", "BUMPEPOCH"]).map(drop)
    }

    /// Makes a node the owner of a slot, whatever it thought of the slot, with an epoch of its
    /// own; `close` ends an open state too. All at once, for a half-told node is worse than none.
    pub fn take_slot(&mut self, at: usize, slot: Slot, close: bool) -> Outcome {
        let number = slot.to_string();
        self.ask(at, &["MULTI"])?;
        self.ask(at, &["CLUSTER", "DELSLOTS", &number])?;
        self.ask(at, &["CLUSTER", "ADDSLOTS", &number])?;
        if close {
            self.close_slot(at, slot)?;
        }
        self.bump_epoch(at)?;
        let replies = self.ask(at, &["EXEC"])?;
        // DELSLOTS may fail (the slot was free) and so may the others; only the slot matters.
        let added = replies
            .items()
            .and_then(|items| items.get(1))
            .and_then(|r| r.error_text());
        match added {
            Some(text) => {
                let (address, text) = (self.nodes[at].address(), text.into_owned());
                Err(self.show_reply_error(&address, &text))
            }
            None => Ok(()),
        }
    }

    /// How many keys of a slot a node holds.
    pub fn count_keys(&mut self, at: usize, slot: Slot) -> Outcome<i64> {
        let reply = self.ask(at, &["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()])?;
        Ok(reply.as_int().unwrap_or(0))
    }

    /// The first of `among` with the most keys of a slot; replicas do not count.
    pub fn richest_in(&mut self, among: &[usize], slot: Slot) -> Outcome<Option<usize>> {
        let mut best: Option<(usize, i64)> = None;
        for &index in among {
            if !self.nodes[index].is_master() {
                continue;
            }
            let keys = self.count_keys(index, slot)?;
            if best.is_none_or(|(_, most)| keys > most) {
                best = Some((index, keys));
            }
        }
        Ok(best.map(|(index, _)| index))
    }

    /// Moves a slot with its keys from one node to another.
    pub fn move_slot(
        &mut self,
        source: usize,
        target: usize,
        slot: Slot,
        manner: Manner,
    ) -> Result<(), Stuck> {
        if !manner.quiet {
            let (from, to) = (self.nodes[source].address(), self.nodes[target].address());
            self.console
                .say(format!("Moving slot {slot} from {from} to {to}: "));
            self.console.flush();
        }
        if !manner.cold {
            self.try_set_slot(target, slot, "importing", source)?;
            self.try_set_slot(source, slot, "migrating", target)?;
        }
        let moved = self.move_keys(source, target, slot, manner.dots);
        if !manner.quiet {
            self.console.say("\n");
        }
        moved?;
        if !manner.cold {
            self.settle_slot(source, target, slot)?;
        }
        if manner.update {
            self.nodes[source].slots.remove(slot);
            self.nodes[target].slots.insert(slot);
        }
        Ok(())
    }

    /// Tells all masters of a slot's new owner: the owner first, lest the slot be nobody's if the
    /// owner dies now; then the source; then the others.
    fn settle_slot(&mut self, source: usize, target: usize, slot: Slot) -> Result<(), Stuck> {
        self.try_set_slot(target, slot, "node", target)?;
        match self.try_set_slot(source, slot, "node", target) {
            Err(Refusal::Reply(text)) if text == NOW_A_REPLICA => {}
            told => told?,
        }
        for index in self.masters() {
            if index != source && index != target {
                self.try_set_slot(index, slot, "node", target)?;
            }
        }
        Ok(())
    }
}
