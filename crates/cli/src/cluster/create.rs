//! `create`: makes a cluster of empty nodes.

use std::collections::VecDeque;

use base::Slot;

use super::node::{Node, parse_address};
use super::session::{Refusal, Session, info_field};
use super::{Failed, Outcome};

const LEAST_MASTERS: usize = 3;

/// `--cluster create`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    for address in args {
        let node = session.load_candidate(address)?;
        session.nodes.push(node);
    }
    let masters = session.require_enough_nodes()?;
    session.allocate(masters);
    session.improve_affinity();
    session.show_nodes();
    // Whoever declines gets what they want: no failure.
    if !session.options.yes
        && !session
            .console
            .confirms("Can I set the above configuration?")
    {
        return Ok(());
    }
    session.configure()?;
    session.join_all()?;
    session.wait_for_join();
    session.tell_replicas()?;
    let (host, port) = (session.nodes[0].host.clone(), session.nodes[0].port);
    session.load_cluster(&host, port)?;
    session.check(false)
}

impl Session<'_> {
    fn load_candidate(&mut self, address: &str) -> Outcome<Node> {
        let Some((host, port, bus_port)) = parse_address(address) else {
            self.console
                .complain(&format!("Invalid address format: {address}\n"));
            return Err(Failed);
        };
        let mut node = Node::new(&host, port, bus_port);
        self.connect(&mut node)?;
        self.require_cluster_mode(&mut node)?;
        self.load_node(&mut node)?;
        // What the command line says of the bus counts before what the node thinks.
        node.bus_port = bus_port.or(node.bus_port);
        self.require_empty(&mut node)?;
        if let Some(index) = self.index_of(&node.id) {
            let first = self.nodes[index].address();
            return Err(self.refuse_node(&node, &format!("is the same node as {first}.")));
        }
        Ok(node)
    }

    /// Refuses a node that holds keys or knows other nodes.
    pub fn require_empty(&mut self, node: &mut Node) -> Outcome {
        const NOT_EMPTY: &str = "is not empty. Either the node already knows other nodes (check \
             with CLUSTER NODES) or contains some key in database 0.";
        let info = self.ask_node(node, &["INFO"])?;
        let cluster = match info_field(&info, "db0") {
            Some(_) => return Err(self.refuse_node(node, NOT_EMPTY)),
            None => self.ask_node(node, &["CLUSTER", "INFO"])?,
        };
        if info_field(&cluster, "cluster_known_nodes").as_deref() == Some("1") {
            return Ok(());
        }
        Err(self.refuse_node(node, NOT_EMPTY))
    }

    fn require_enough_nodes(&mut self) -> Outcome<usize> {
        let (nodes, replicas) = (self.nodes.len(), self.options.replicas);
        let masters = nodes / (replicas + 1);
        if masters >= LEAST_MASTERS {
            return Ok(masters);
        }
        self.console.error(format!(
            "*** ERROR: Invalid configuration for cluster creation.\n*** Redis Cluster requires at \
             least 3 master nodes.\n*** This is not possible with {nodes} nodes and {replicas} \
             replicas per node."
        ));
        let least = LEAST_MASTERS * (replicas + 1);
        self.console
            .error(format!("\n*** At least {least} nodes are required.\n"));
        Err(Failed)
    }

    /// Chooses masters, hosts taking turns, gives them slots, and replicas on other hosts where
    /// there are any.
    fn allocate(&mut self, masters: usize) {
        let count = self.nodes.len();
        self.console.info(format!(
            ">>> Performing hash slots allocation on {count} nodes...\n"
        ));
        let mut order: Vec<usize> = interleave(&self.nodes);
        let mut free: VecDeque<usize> = order.split_off(masters).into();
        let ranges = slot_ranges(masters);
        for (number, (&index, (first, last))) in order.iter().zip(&ranges).enumerate() {
            self.console
                .say(format!("Master[{number}] -> Slots {first} - {last}\n"));
            let node = &mut self.nodes[index];
            for slot in (*first..=*last).filter_map(Slot::new) {
                node.slots.insert(slot);
            }
            node.is_dirty = true;
        }
        // One step further gives the optimizer a better start.
        free.rotate_left(usize::from(!free.is_empty()));
        for &master in &order {
            for _ in 0..self.options.replicas {
                self.attach_replica(master, &mut free);
            }
        }
        if free.is_empty() {
            return;
        }
        self.console.say("Adding extra replicas...\n");
        for &master in &order {
            self.attach_replica(master, &mut free);
        }
    }

    fn attach_replica(&mut self, master: usize, free: &mut VecDeque<usize>) {
        let elsewhere = free
            .iter()
            .position(|&index| self.nodes[index].host != self.nodes[master].host);
        let Some(replica) = free.remove(elsewhere.unwrap_or(0)) else {
            return;
        };
        let id = self.nodes[master].id.clone();
        self.nodes[replica].master = Some(id);
        self.nodes[replica].is_dirty = true;
        let (replica, master) = (self.nodes[replica].address(), self.nodes[master].address());
        self.console
            .say(format!("Adding replica {replica} to {master}\n"));
    }

    /// Gives the masters their slots and every node an epoch of its own.
    fn configure(&mut self) -> Outcome {
        for index in 0..self.nodes.len() {
            if let Err(refusal) = self.tell_plan(index)
                && self.nodes[index].master.is_none()
            {
                let address = self.nodes[index].address();
                return Err(self.show_reply_error(&address, refusal.text()));
            }
        }
        self.console.info(">>> Nodes configuration updated\n");
        self.console
            .info(">>> Assign a different config epoch to each node\n");
        for index in 0..self.nodes.len() {
            // A node that has an epoch keeps it: collisions resolve themselves in time.
            let epoch = (index + 1).to_string();
            let _ = self.try_ask(index, &["cluster", "set-config-epoch", &epoch]);
        }
        Ok(())
    }

    /// Tells a node its slots or its master, if that was not done yet. Before the nodes know each
    /// other a replica cannot take its master; it stays dirty and is told again later.
    fn tell_plan(&mut self, index: usize) -> Result<(), Refusal> {
        let node = &self.nodes[index];
        if !node.is_dirty {
            return Ok(());
        }
        let mut request = vec!["CLUSTER".to_owned()];
        match &node.master {
            Some(master) => request.extend(["REPLICATE".to_owned(), master.clone()]),
            None => {
                request.push("ADDSLOTS".to_owned());
                request.extend(node.slots.iter().map(|slot| slot.to_string()));
            }
        }
        self.try_ask(index, &request)?;
        self.nodes[index].is_dirty = false;
        Ok(())
    }

    fn join_all(&mut self) -> Outcome {
        self.console
            .info(">>> Sending CLUSTER MEET messages to join the cluster\n");
        let (host, port, bus_port) = (
            self.nodes[0].host.clone(),
            self.nodes[0].port,
            self.nodes[0].bus_port,
        );
        let request = self.meet_request(&host, port, bus_port)?;
        for index in 1..self.nodes.len() {
            self.ask(index, &request)?;
        }
        Ok(())
    }

    fn tell_replicas(&mut self) -> Outcome {
        for index in 0..self.nodes.len() {
            if let Err(refusal) = self.tell_plan(index) {
                let address = self.nodes[index].address();
                let failed = self.show_reply_error(&address, refusal.text());
                // A replica that refuses (it has just met its master) shows in the check below.
                if self.nodes[index].master.is_none() {
                    return Err(failed);
                }
            }
        }
        Ok(())
    }
}

/// The nodes' indexes, taking one of each host in turn, hosts and nodes in the order given.
fn interleave(nodes: &[Node]) -> Vec<usize> {
    let mut hosts: Vec<(&str, VecDeque<usize>)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        match hosts.iter_mut().find(|(host, _)| *host == node.host) {
            Some((_, indexes)) => indexes.push_back(index),
            None => hosts.push((&node.host, [index].into())),
        }
    }
    let mut order = Vec::with_capacity(nodes.len());
    while order.len() < nodes.len() {
        order.extend(
            hosts
                .iter_mut()
                .filter_map(|(_, indexes)| indexes.pop_front()),
        );
    }
    order
}

/// First and last slot of each master. The arithmetic is redis-cli's, in single precision, so
/// that the borders are the same.
#[must_use]
pub fn slot_ranges(masters: usize) -> Vec<(u16, u16)> {
    let last_slot = Slot::COUNT - 1;
    let share = Slot::COUNT as f32 / masters as f32;
    let (mut first, mut cursor) = (0_usize, 0.0_f32);
    let mut ranges = Vec::with_capacity(masters);
    for master in 0..masters {
        let mut last = (cursor + share - 1.0).round() as usize;
        if last > last_slot || master == masters - 1 {
            last = last_slot;
        }
        let last = last.max(first);
        ranges.push((first as u16, last as u16));
        first = last + 1;
        cursor += share;
    }
    ranges
}
