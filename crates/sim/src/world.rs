//! Virtual time, the nodes, and what becomes of their effects.

use crate::checks::Checks;
use crate::network::Network;
use crate::params::Params;
use crate::random::Random;
use crate::{Report, chaos};
use base::{NodeId, ShardId, UnixMs};
use bus::{IpText, Packet};
use cluster::{
    Boot, Cluster, Event, LinkId, NodesConf, Now, PersistId, Replication, Reply, Request, Settings,
    View,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// What is bound to happen.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    /// A node's tick.
    Tick { node: usize, life: u64 },
    /// Something for a node; dropped if it was restarted since.
    Event {
        node: usize,
        life: u64,
        event: Event,
    },
    /// A link is to be opened.
    Opening {
        node: usize,
        life: u64,
        link: LinkId,
        port: u16,
    },
    /// A write of nodes.conf is done, or has failed.
    Written {
        node: usize,
        life: u64,
        id: PersistId,
        text: String,
        ok: bool,
    },
    /// A packet arrives: by which link, at its `to` end or its `from` end.
    Arrival {
        link: usize,
        at_to: bool,
        packet: Arc<Packet>,
    },
    /// The end of a link learns that it is closed.
    Closed {
        node: usize,
        life: u64,
        name: LinkId,
    },
    /// Next fault.
    Fault,
    /// Next command.
    Command,
    /// A cut ends.
    Mend(Vec<(usize, usize)>),
    /// A node goes on.
    Wake(usize),
    /// A node starts again.
    Restart(usize),
}

/// One simulated process.
pub(crate) struct Node {
    pub machine: Option<Cluster>,
    pub life: u64,
    /// What would be there after a crash.
    pub disk: Option<String>,
    /// Frozen until then; what comes meanwhile waits.
    pub paused_until: u64,
    pub waiting: Vec<Due>,
    pub mono_base: u64,
    pub wall_base: i64,
    pub view: Option<View>,
    /// Whether what the view serves was checked.
    pub checked: bool,
    pub serve_until: u64,
    pub clients_paused_until: u64,
    pub replication: Replication,
    pub primary: Option<NodeId>,
}

pub(crate) struct World {
    pub params: Params,
    pub seed: u64,
    pub now: u64,
    pub random: Random,
    /// What is due, by time and group; in a group in the order in which it was put there.
    queue: BTreeMap<(u64, usize), VecDeque<Due>>,
    /// Whether all that is due for one node at one time is one group. Large clusters run quicker
    /// so, because a node finds in the processor's cache what it knows of the others; where faults
    /// are looked for, what comes at one time comes as it was put there.
    pub by_node: bool,
    pub nodes: Vec<Node>,
    pub ids: HashMap<NodeId, usize>,
    pub network: Network,
    pub checks: Checks,
    pub peaceful: bool,
    /// Nodes whose disks take for ever.
    pub slow_disks: Vec<usize>,
    pub replies: HashMap<u64, Reply>,
    /// What is to be asked of whom once a command has succeeded.
    pub next_steps: HashMap<u64, (usize, Request)>,
    pub next_token: u64,
    trace: u64,
    pub events: u64,
    pub promotions: u64,
    pub crashes: u64,
    pub agreed_after: Option<u64>,
    pub packets: u64,
    pub bytes: u64,
}

/// The client port of a node; its bus port is 10000 higher.
fn port_of(node: usize) -> u16 {
    7000 + node as u16
}

pub(crate) fn address() -> IpText {
    IpText::new("10.0.0.1").expect("a short address")
}

impl World {
    pub fn new(seed: u64, params: Params) -> World {
        let mut world = World {
            seed,
            now: 0,
            random: Random::new(seed),
            queue: BTreeMap::new(),
            by_node: false,
            nodes: Vec::new(),
            ids: HashMap::new(),
            network: Network::default(),
            checks: Checks::new(params.commands),
            peaceful: true,
            slow_disks: Vec::new(),
            replies: HashMap::new(),
            next_steps: HashMap::new(),
            next_token: 1,
            trace: 0xcbf2_9ce4_8422_2325,
            events: 0,
            promotions: 0,
            crashes: 0,
            agreed_after: None,
            packets: 0,
            bytes: 0,
            params,
        };
        for node in 0..world.params.nodes() {
            let mono_base = 1_000_000 + world.random.below(1_000_000);
            let wall_base = 1_700_000_000_000 + world.random.below(20_000) as i64;
            world.add_node(None, mono_base, wall_base);
            world.start(node);
        }
        world
    }

    pub fn add_node(&mut self, disk: Option<String>, mono_base: u64, wall_base: i64) {
        self.nodes.push(Node {
            machine: None,
            life: 0,
            disk,
            paused_until: 0,
            waiting: Vec::new(),
            mono_base,
            wall_base,
            view: None,
            checked: false,
            serve_until: 0,
            clients_paused_until: 0,
            replication: Replication::default(),
            primary: None,
        });
    }

    pub fn settings(&self, node: usize) -> Settings {
        Settings {
            node_timeout: self.params.node_timeout,
            port: port_of(node),
            bus_port: port_of(node) + 10_000,
            announce_ip: address(),
            ..Settings::default()
        }
    }

    /// A node's clocks.
    pub fn clock(&self, node: usize) -> Now {
        let n = &self.nodes[node];
        Now {
            mono: n.mono_base + self.now,
            wall: UnixMs(n.wall_base + self.now as i64),
        }
    }

    pub fn at(&mut self, time: u64, due: Due) {
        let time = time.max(self.now);
        let node = self.target(&due).filter(|_| self.by_node);
        let group = node.map_or(0, |(node, _)| node + 1);
        self.queue.entry((time, group)).or_default().push_back(due);
    }

    pub fn after(&mut self, delay: u64, due: Due) {
        self.at(self.now + delay, due);
    }

    /// Starts a node from what its disk holds.
    pub fn start(&mut self, node: usize) {
        let now = self.clock(node);
        let conf = self.nodes[node]
            .disk
            .as_ref()
            .map(|text| NodesConf::parse(text.as_bytes()));
        let conf = match conf.transpose() {
            Ok(conf) => conf,
            Err(error) => {
                self.checks
                    .violate(self.now, format!("node {node} wrote a bad file: {error}"));
                return;
            }
        };
        let boot = Boot {
            settings: self.settings(node),
            conf,
            fresh_id: NodeId::from_random(self.random.bytes20()),
            fresh_shard: ShardId::from_random(self.random.bytes20()),
            seed: self.random.seed(),
            data_lost: false,
        };
        let mut machine = Cluster::new(boot, now);
        machine.set_mutants(self.params.mutants);
        let n = &mut self.nodes[node];
        n.life += 1;
        n.machine = Some(machine);
        n.view = None;
        n.serve_until = 0;
        n.clients_paused_until = 0;
        n.paused_until = 0;
        n.waiting.clear();
        // The data set comes back with a restart, the link to the primary does not.
        n.replication = Replication {
            offset: n.replication.offset,
            ..Replication::default()
        };
        n.primary = None;
        let phase = self.random.below(100);
        let life = self.nodes[node].life;
        self.after(phase, Due::Tick { node, life });
    }

    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].machine.is_some()
    }

    /// Handles what is due until a time.
    pub fn run_until(&mut self, time: u64) {
        while let Some(mut first) = self.queue.first_entry() {
            let (at, _) = *first.key();
            if at > time || !self.checks.violations.is_empty() {
                break;
            }
            let Some(due) = first.get_mut().pop_front() else {
                first.remove();
                continue;
            };
            self.now = at;
            self.handle(due);
        }
        self.now = self.now.max(time);
    }

    /// The node that a due item is for, with the life it was meant for.
    fn target(&self, due: &Due) -> Option<(usize, Option<u64>)> {
        Some(match due {
            Due::Tick { node, life }
            | Due::Event { node, life, .. }
            | Due::Opening { node, life, .. }
            | Due::Written { node, life, .. }
            | Due::Closed { node, life, .. } => (*node, Some(*life)),
            Due::Arrival { link, at_to, .. } => {
                let link = &self.network.links[*link];
                (if *at_to { link.to } else { link.from }, None)
            }
            _ => return None,
        })
    }

    fn handle(&mut self, due: Due) {
        if let Some((node, life)) = self.target(&due) {
            let n = &mut self.nodes[node];
            if n.machine.is_none() || life.is_some_and(|l| l != n.life) {
                return;
            }
            // Opening a link is the kernel's work, and a disk goes on without the process.
            let frozen = n.paused_until > self.now;
            if frozen && !matches!(due, Due::Opening { .. }) {
                n.waiting.push(due);
                return;
            }
        }
        match due {
            Due::Tick { node, life } => {
                self.after(100, Due::Tick { node, life });
                self.replicate(node);
                let replication = self.nodes[node].replication;
                self.give(node, Event::Replication(replication));
                self.give(node, Event::Tick);
            }
            Due::Event { node, event, .. } => self.give(node, event),
            Due::Opening {
                node, link, port, ..
            } => self.open(node, link, port),
            Due::Written {
                node, id, text, ok, ..
            } => {
                if ok {
                    self.nodes[node].disk = Some(text);
                    self.give(node, Event::Persisted(id));
                } else {
                    let reason = "No space left on device".to_owned();
                    self.give(node, Event::PersistFailed { id, reason });
                }
            }
            Due::Arrival {
                link,
                at_to,
                packet,
            } => {
                let l = &self.network.links[link];
                if l.open {
                    let (node, name) = if at_to {
                        (l.to, l.in_id)
                    } else {
                        (l.from, l.out_id)
                    };
                    self.give(node, Event::Received { link: name, packet });
                }
            }
            Due::Closed { node, name, .. } => {
                self.give(
                    node,
                    Event::LinkDown {
                        link: name,
                        overflow: false,
                    },
                );
            }
            Due::Mend(cuts) => cuts.iter().for_each(|(a, b)| self.network.mend(*a, *b)),
            Due::Wake(node) => self.wake(node),
            Due::Restart(node) => {
                if !self.is_up(node) {
                    self.start(node);
                }
            }
            Due::Fault => chaos::fault(self),
            Due::Command => chaos::command(self),
        }
    }

    fn wake(&mut self, node: usize) {
        if self.nodes[node].paused_until > self.now {
            return;
        }
        // Everything that waited comes at once, in its order.
        self.check_serving(node);
        for due in std::mem::take(&mut self.nodes[node].waiting) {
            self.handle(due);
        }
    }

    /// Gives an event to a node and does what it wants done.
    pub fn give(&mut self, node: usize, event: Event) {
        let now = self.clock(node);
        let Some(machine) = self.nodes[node].machine.as_mut() else {
            return;
        };
        self.events += 1;
        let mut effects = Vec::new();
        let kind = std::mem::discriminant(&event);
        machine.handle(now, event, &mut effects);
        let mut word = self.now ^ ((node as u64) << 48) ^ ((effects.len() as u64) << 32);
        word ^= format!("{kind:?}").len() as u64;
        self.note(word);
        for effect in effects {
            self.effect(node, effect);
        }
        self.check_serving(node);
    }

    /// Mixes something into the trace.
    pub fn note(&mut self, word: u64) {
        self.trace = (self.trace ^ word)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }

    /// Sends a command to a node; the answer will be in `replies`.
    pub fn command(&mut self, node: usize, request: Request) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.give(node, Event::Request { token, request });
        token
    }

    /// Sends a command to a node once the one with this token has succeeded.
    pub fn next_step(&mut self, token: u64, node: usize, request: Request) {
        match self.replies.get(&token) {
            None => drop(self.next_steps.insert(token, (node, request))),
            Some(Reply::Ok) => drop(self.command(node, request)),
            Some(_) => {}
        }
    }

    /// A node has answered a command.
    pub fn answered(&mut self, token: u64, reply: Reply) {
        let step = self.next_steps.remove(&token);
        let well = reply == Reply::Ok;
        self.replies.insert(token, reply);
        if let Some((node, request)) = step.filter(|_| well) {
            self.command(node, request);
        }
    }

    pub fn report(self) -> Report {
        Report {
            seed: self.seed,
            violations: self.checks.violations,
            trace: self.trace,
            events: self.events,
            promotions: self.promotions,
            crashes: self.crashes,
            agreed_after: self.agreed_after,
        }
    }
}
