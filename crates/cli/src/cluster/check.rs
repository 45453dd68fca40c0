//! `check`, `info` and `fix`: shows the cluster, and finds (and repairs) what is wrong.

use std::collections::BTreeSet;

use base::{Slot, SlotSet};
use client::Value;

use super::node::{Node, NodeLine};
use super::session::Session;
use super::{Failed, Outcome};

/// `--cluster check`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(args)?;
    session.load_cluster(&host, port)?;
    // A node that does not tell its size is shown and does not end the check.
    let _ = session.show_sizes();
    session.check(false)
}

/// `--cluster info`.
pub(super) fn run_info(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(args)?;
    session.load_cluster(&host, port)?;
    let _ = session.show_sizes();
    Ok(())
}

/// `--cluster fix`.
pub(super) fn run_fix(session: &mut Session<'_>, args: &[String]) -> Outcome {
    session.options.fix = true;
    run(session, args)
}

impl Session<'_> {
    /// Shows keys, slots and replicas of each master.
    fn show_sizes(&mut self) -> Outcome {
        let (mut masters, mut total) = (0, 0);
        for index in self.masters() {
            let reply = self.ask(index, &["DBSIZE"])?;
            let keys = reply.as_int().unwrap_or(0);
            let node = &self.nodes[index];
            let replicas = self
                .nodes
                .iter()
                .filter(|other| other.master.as_deref() == Some(&node.id));
            let text = format!(
                "{} ({}...) -> {keys} keys | {} slots | {} slaves.\n",
                node.address(),
                node.id.get(..8).unwrap_or_default(),
                node.slots.len(),
                replicas.count()
            );
            self.console.say(text);
            masters += 1;
            total += keys;
        }
        self.console
            .good(format!("[OK] {total} keys in {masters} masters.\n"));
        let average = total as f32 / Slot::COUNT as f32;
        self.console
            .say(format!("{average:.2} keys per slot on average.\n"));
        Ok(())
    }

    /// Shows all nodes.
    pub fn show_nodes(&mut self) {
        for index in 0..self.nodes.len() {
            let text = self.nodes[index].describe(0);
            self.console.say(format!("{text}\n"));
        }
    }

    /// Checks agreement, open slots, coverage and, if asked, owners; repairs in a `fix`.
    /// Failed when something is wrong and was not repaired.
    pub fn check(&mut self, quiet: bool) -> Outcome {
        let Some(first) = self.nodes.first().map(Node::address) else {
            return Err(Failed);
        };
        self.console.info(format!(
            ">>> Performing Cluster Check (using node {first})\n"
        ));
        if !quiet {
            self.show_nodes();
        }
        let mut outcome = Ok(());
        if self.all_agree() {
            self.console
                .good("[OK] All nodes agree about slots configuration.\n");
        } else {
            self.fault("[ERR] Nodes don't agree about configuration!");
            outcome = Err(Failed);
        }
        self.console.info(">>> Check for open slots...\n");
        let open = self.open_slots();
        if !open.is_empty() {
            outcome = if self.options.fix {
                self.fix_open_slots(&open)
            } else {
                Err(Failed)
            };
        }
        self.console.info(">>> Check slots coverage...\n");
        let covered = self.covered_slots();
        if covered.len() == Slot::COUNT {
            let all = Slot::COUNT;
            self.console
                .good(format!("[OK] All {all} slots covered.\n"));
        } else {
            self.fault(&format!(
                "[ERR] Not all {} slots are covered by nodes.\n",
                Slot::COUNT
            ));
            outcome = if self.options.fix {
                self.fix_coverage(&covered)
            } else {
                Err(Failed)
            };
        }
        if self.options.search_multiple_owners {
            self.check_owners(&mut outcome);
        }
        outcome
    }

    fn fault(&mut self, text: &str) {
        self.faults += 1;
        self.console.error(format!("{text}\n"));
    }

    /// Whether all nodes give the same owners to the same slots.
    pub fn all_agree(&mut self) -> bool {
        if self.nodes.len() <= 1 {
            return true;
        }
        let mut first = None;
        for index in 0..self.nodes.len() {
            let Some(signature) = self.signature(index) else {
                return false;
            };
            if *first.get_or_insert_with(|| signature.clone()) != signature {
                return false;
            }
        }
        true
    }

    /// Who owns what, as one node sees it, in a form to compare.
    fn signature(&mut self, index: usize) -> Option<BTreeSet<(String, Vec<String>)>> {
        let reply = self.try_ask(index, &["CLUSTER", "NODES"]).ok()?;
        let text = reply.as_text()?;
        let mut owners = BTreeSet::new();
        for line in text.lines().filter_map(NodeLine::parse) {
            let whole = line.slots.iter().filter(|word| !word.starts_with('['));
            let mut ranges: Vec<String> = whole.map(ToString::to_string).collect();
            ranges.sort();
            if !ranges.is_empty() {
                owners.insert((line.id.to_owned(), ranges));
            }
        }
        Some(owners)
    }

    /// Shows which slots are open, node by node, and gives them in ascending order (redis-cli
    /// gives them in the order of a hash table).
    fn open_slots(&mut self) -> Vec<Slot> {
        let mut open = BTreeSet::new();
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            let states = [
                ("migrating", &node.migrating),
                ("importing", &node.importing),
            ];
            let mut texts = Vec::new();
            for (state, slots) in states {
                if slots.is_empty() {
                    continue;
                }
                open.extend(slots.iter().map(|(slot, _)| *slot));
                texts.push(format!(
                    "[WARNING] Node {} has slots in {state} state {}.",
                    node.address(),
                    join(slots.iter().map(|(slot, _)| slot))
                ));
            }
            for text in texts {
                self.fault(&text);
            }
        }
        if !open.is_empty() {
            let list = join(open.iter());
            self.console
                .error(format!("[WARNING] The following slots are open: {list}.\n"));
        }
        open.into_iter().collect()
    }

    fn fix_open_slots(&mut self, open: &[Slot]) -> Outcome {
        open.iter().try_for_each(|&slot| self.fix_open_slot(slot))
    }

    /// The slots that some node claims.
    fn covered_slots(&self) -> SlotSet {
        let mut covered = SlotSet::new();
        for slot in self.nodes.iter().flat_map(|node| node.slots.iter()) {
            covered.insert(slot);
        }
        covered
    }

    /// Looks for slots that several masters own or hold keys of.
    fn check_owners(&mut self, outcome: &mut Outcome) {
        self.console.info(">>> Check for multiple slot owners...\n");
        let mut left = 0;
        for slot in Slot::all() {
            let owners = self.owners_of(slot);
            if owners.len() < 2 {
                continue;
            }
            *outcome = Err(Failed);
            self.console.error(format!(
                "[WARNING] Slot {slot} has {} owners:\n",
                owners.len()
            ));
            for &owner in &owners {
                let address = self.nodes[owner].address();
                self.console.error(format!("    {address}\n"));
            }
            left += 1;
            if self.options.fix {
                *outcome = self.fix_owners(slot, &owners);
                if outcome.is_err() {
                    self.console
                        .error(format!("Failed to fix multiple owners for slot {slot}\n"));
                    break;
                }
                left -= 1;
            }
        }
        if left == 0 {
            self.console.good("[OK] No multiple owners found.\n");
        }
    }

    fn owners_of(&mut self, slot: Slot) -> Vec<usize> {
        let mut owners = Vec::new();
        for index in self.masters() {
            let holds = self.nodes[index].slots.contains(slot)
                || self.count_keys(index, slot).is_ok_and(|keys| keys > 0);
            if holds {
                owners.push(index);
            }
        }
        owners
    }

    /// Refuses a repair that would give away the slots of masters that are only out of reach.
    pub fn require_reach(&mut self, what: &str) -> Outcome {
        if self.unreachable_masters == 0 || self.options.fix_with_unreachable_masters {
            return Ok(());
        }
        self.console.warn(format!(
            "*** Fixing {what} with {} unreachable masters is dangerous: redis-cli will assume that \
             slots about masters that are not reachable are not covered, and will try to reassign \
             them to the reachable nodes. This can cause data loss and is rarely what you want to \
             do. If you really want to proceed use the --cluster-fix-with-unreachable-masters \
             option.\n",
            self.unreachable_masters
        ));
        Err(Failed)
    }

    /// How many keys GETKEYSINSLOT gives, of at most `limit`.
    pub fn some_keys(&mut self, at: usize, slot: Slot, limit: usize) -> Outcome<usize> {
        let request = [
            "CLUSTER",
            "GETKEYSINSLOT",
            &slot.to_string(),
            &limit.to_string(),
        ];
        let reply: Value = self.ask(at, &request)?;
        Ok(reply.items().map_or(0, <[Value]>::len))
    }
}

fn join<'a>(slots: impl Iterator<Item = &'a Slot>) -> String {
    slots.map(ToString::to_string).collect::<Vec<_>>().join(",")
}
