//! `reshard`: moves slots, asking for what the options leave open.

use base::Slot;

use super::session::Session;
use super::slots::{Manner, Stuck};
use super::{Failed, Outcome};
use crate::number::leading_int;

/// A slot to move, and the node that gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub source: usize,
    pub slot: Slot,
}

/// What the answer to "which node?" means.
enum Source {
    Node(usize),
    All,
    /// The node cannot be one; the reason was shown, and `is_final` says whether to end.
    Refused {
        is_final: bool,
    },
}

/// `--cluster reshard`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(args)?;
    session.load_cluster(&host, port)?;
    let _ = session.check(false);
    if session.faults > 0 {
        session.console.flush();
        session
            .console
            .complain("*** Please fix your cluster problems before resharding\n");
        return Err(Failed);
    }
    let slots = session.wanted_slots()?;
    let target = session.wanted_target()?;
    let sources = session.wanted_sources(target)?;
    if sources.is_empty() {
        session
            .console
            .complain("*** No source nodes given, operation aborted.\n");
        return Err(Failed);
    }
    session.show_plan_nodes(slots, &sources, target);
    let plan = session.plan_moves(&sources, slots);
    session.console.say("  Resharding plan:\n");
    for step in &plan {
        let id = &session.nodes[step.source].id;
        let text = format!("    Moving slot {} from {id}\n", step.slot);
        session.console.say(text);
    }
    if !session.options.yes {
        let question = "Do you want to proceed with the proposed reshard plan (yes/no)? ";
        if session.console.ask(question).as_deref() != Some("yes") {
            return Err(Failed);
        }
    }
    let manner = Manner {
        dots: true,
        ..Manner::default()
    };
    plan.iter().try_for_each(|step| {
        let moved = session.move_slot(step.source, target, step.slot, manner);
        moved.map_err(|stuck: Stuck| stuck.tell(session, "clusterManagerMoveSlot failed"))
    })
}

impl Session<'_> {
    fn wanted_slots(&mut self) -> Outcome<usize> {
        let mut slots = self.options.slots;
        let all = Slot::COUNT as i64;
        while slots == 0 || (self.options.slots == 0 && !(1..=all).contains(&slots)) {
            let question = format!("How many slots do you want to move (from 1 to {all})? ");
            slots = leading_int(&self.answer(&question)?);
        }
        Ok(usize::try_from(slots).unwrap_or(0))
    }

    /// An answer; its absence ends the command (redis-cli asks for ever).
    fn answer(&mut self, question: &str) -> Outcome<String> {
        self.console.ask(question).ok_or_else(|| {
            self.console
                .complain("\n*** No answer, operation aborted.\n");
            Failed
        })
    }

    fn wanted_target(&mut self) -> Outcome<usize> {
        let mut id = self.options.to.clone().unwrap_or_default();
        while id.is_empty() {
            id = self.answer("What is the receiving node ID? ")?;
        }
        match self.source(&id, None) {
            Source::Node(index) => Ok(index),
            _ => Err(Failed),
        }
    }

    fn wanted_sources(&mut self, target: usize) -> Outcome<Vec<usize>> {
        let found = match self.options.from.clone() {
            Some(list) => self.listed_sources(&list, target)?,
            None => self.asked_sources(target)?,
        };
        Ok(found.unwrap_or_else(|| {
            let masters = self.masters().into_iter();
            masters
                .filter(|&index| self.nodes[index].is_master() && index != target)
                .collect()
        }))
    }

    /// The nodes of `--cluster-from`; `None` means all.
    fn listed_sources(&mut self, list: &str, target: usize) -> Outcome<Option<Vec<usize>>> {
        let mut sources = Vec::new();
        for (number, id) in list.split(',').enumerate() {
            if id.is_empty() && number == list.matches(',').count() {
                break;
            }
            match self.source(id, Some(target)) {
                Source::Node(index) => sources.push(index),
                Source::All => return Ok(None),
                Source::Refused { is_final: true } => return Err(Failed),
                Source::Refused { is_final: false } => {}
            }
        }
        Ok(Some(sources))
    }

    /// The nodes that the user names one by one; `None` means all.
    fn asked_sources(&mut self, target: usize) -> Outcome<Option<Vec<usize>>> {
        self.console.say(
            "Please enter all the source node IDs.\n  Type 'all' to use all the nodes as source \
             nodes for the hash slots.\n  Type 'done' once you entered all the source nodes IDs.\n",
        );
        let mut sources = Vec::new();
        loop {
            let question = format!("Source node #{}: ", sources.len() + 1);
            let id = self.answer(&question)?;
            if id == "done" {
                return Ok(Some(sources));
            }
            match self.source(&id, Some(target)) {
                Source::Node(index) => sources.push(index),
                Source::All => return Ok(None),
                Source::Refused { is_final: true } => return Err(Failed),
                Source::Refused { is_final: false } => {}
            }
        }
    }

    /// The node that `id` names; with a target, whether it can be a source for it.
    fn source(&mut self, id: &str, target: Option<usize>) -> Source {
        if target.is_some() && id == "all" {
            return Source::All;
        }
        let found = self
            .index_of(id)
            .filter(|&index| !self.nodes[index].is_replica);
        match found {
            None => {
                self.console.error(format!(
                    "*** The specified node ({id}) is not known or not a master, please retry.\n"
                ));
                Source::Refused { is_final: true }
            }
            Some(index) if Some(index) == target => {
                let text = "*** It is not possible to use the target node as source node.\n";
                self.console.error(text);
                Source::Refused { is_final: false }
            }
            Some(index) => Source::Node(index),
        }
    }

    fn show_plan_nodes(&mut self, slots: usize, sources: &[usize], target: usize) {
        self.console
            .say(format!("\nReady to move {slots} slots.\n  Source nodes:\n"));
        for &source in sources {
            let text = self.nodes[source].describe(4);
            self.console.say(format!("{text}\n"));
        }
        let text = self.nodes[target].describe(4);
        self.console.say(format!("  Destination node:\n{text}\n"));
    }

    /// Which slots to take from which node: from each in proportion to what it has, the lowest
    /// first. The arithmetic is redis-cli's, in single precision: the first, which has most,
    /// is rounded up, the others down.
    pub fn plan_moves(&self, sources: &[usize], slots: usize) -> Vec<Move> {
        let owned = |index: usize| self.nodes[index].slots.len();
        let mut sources = sources.to_vec();
        sources.sort_by_key(|&index| std::cmp::Reverse(owned(index)));
        let total: usize = sources.iter().map(|&index| owned(index)).sum();
        let mut plan = Vec::with_capacity(slots);
        for (number, &source) in sources.iter().enumerate() {
            let share = slots as f32 / total as f32 * owned(source) as f32;
            let share = if number == 0 {
                share.ceil()
            } else {
                share.floor()
            };
            let room = slots - plan.len();
            let given = self.nodes[source]
                .slots
                .iter()
                .take((share as usize).min(room));
            plan.extend(given.map(|slot| Move { source, slot }));
        }
        plan
    }
}
