//! `rebalance`: evens out the slots by weight.

use base::Slot;

use super::session::Session;
use super::slots::Manner;
use super::{Failed, Outcome};
use crate::number::leading_float;

/// `--cluster rebalance`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(args)?;
    session.load_cluster(&host, port)?;
    session.set_weights()?;
    let nodes = session.nodes_to_balance();
    let total: f32 = nodes.iter().map(|&index| session.nodes[index].weight).sum();
    let _ = session.check(true);
    if session.faults > 0 {
        session
            .console
            .error("*** Please fix your cluster problems before rebalancing\n");
        return Err(Failed);
    }
    if !session.set_balances(&nodes, total) {
        session.console.warn(format!(
            "*** No rebalancing needed! All nodes are within the {:.2}% threshold.\n",
            session.options.threshold
        ));
        return Ok(());
    }
    session.move_to_balance(nodes, total)
}

impl Session<'_> {
    /// Takes in the `node=weight` words; a node is named by the start of its id.
    fn set_weights(&mut self) -> Outcome {
        for word in self.options.weights.clone() {
            let Some((name, weight)) = word.split_once('=') else {
                self.console.error(format!("*** invalid input {word}\n"));
                return Err(Failed);
            };
            let prefix = name.to_ascii_lowercase();
            let Some(node) = self
                .nodes
                .iter_mut()
                .find(|node| node.id.starts_with(&prefix))
            else {
                self.console
                    .error(format!("*** No such master node {name}\n"));
                return Err(Failed);
            };
            node.weight = leading_float(weight) as f32;
        }
        Ok(())
    }

    fn nodes_to_balance(&self) -> Vec<usize> {
        let masters = self
            .masters()
            .into_iter()
            .filter(|&index| self.nodes[index].is_master());
        masters
            .filter(|&index| self.options.use_empty_masters || !self.nodes[index].slots.is_empty())
            .collect()
    }

    /// Computes what each node has too many; whether one is beyond the threshold.
    fn set_balances(&mut self, nodes: &[usize], total: f32) -> bool {
        let threshold = self.options.threshold;
        let mut is_over = false;
        let mut sum = 0;
        for &index in nodes {
            let node = &mut self.nodes[index];
            let owned = node.slots.len() as i32;
            let expected = (Slot::COUNT as f32 / total * node.weight) as i32;
            node.balance = owned - expected;
            sum += node.balance;
            if threshold > 0.0 {
                is_over |= if owned > 0 {
                    let off = (100.0 - (100.0 * f64::from(expected) / f64::from(owned))).abs();
                    off as f32 > threshold
                } else {
                    expected > 1
                };
            }
        }
        // Rounding down leaves slots over: who takes slots takes them too.
        while sum > 0 {
            let before = sum;
            for &index in nodes {
                if sum > 0 && self.nodes[index].balance <= 0 {
                    self.nodes[index].balance -= 1;
                    sum -= 1;
                }
            }
            if sum == before {
                break;
            }
        }
        is_over
    }

    fn move_to_balance(&mut self, mut nodes: Vec<usize>, total: f32) -> Outcome {
        nodes.sort_by_key(|&index| self.nodes[index].balance);
        let count = nodes.len();
        self.console.info(format!(
            ">>> Rebalancing across {count} nodes. Total weight = {total:.2}\n"
        ));
        if self.options.verbose {
            for &index in &nodes {
                let node = &self.nodes[index];
                let text = format!("{} balance is {} slots\n", node.address(), node.balance);
                self.console.say(text);
            }
        }
        // Who takes stands at the front, who gives at the end.
        let (mut taker, mut giver) = (0, count.saturating_sub(1));
        while taker < giver {
            let (target, source) = (nodes[taker], nodes[giver]);
            let wanted = self.nodes[target].balance.abs();
            let slots = wanted.min(self.nodes[source].balance.abs());
            if slots > 0 {
                self.move_batch(source, target, slots as usize)?;
            }
            self.nodes[target].balance += slots;
            self.nodes[source].balance -= slots;
            if self.nodes[target].balance == 0 {
                taker += 1;
            }
            if self.nodes[source].balance == 0 {
                giver = giver.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn move_batch(&mut self, source: usize, target: usize, slots: usize) -> Outcome {
        let (from, to) = (self.nodes[source].address(), self.nodes[target].address());
        self.console
            .say(format!("Moving {slots} slots from {from} to {to}\n"));
        let plan = self.plan_moves(&[source], slots);
        if plan.len() != slots {
            self.console
                .error("*** Assertion failed: Reshard table != number of slots");
            return Err(Failed);
        }
        let manner = Manner {
            quiet: true,
            update: true,
            ..Manner::default()
        };
        for step in plan {
            if !self.options.simulate {
                let moved = self.move_slot(source, target, step.slot, manner);
                moved.map_err(|stuck| stuck.tell(self, "*** clusterManagerMoveSlot"))?;
            }
            self.console.say("#");
            self.console.flush();
        }
        self.console.say("\n");
        Ok(())
    }
}
