//! What becomes of the effects of nodes: links, packets, files, roles, replication.

use crate::world::{Due, World, address};
use base::Offset;
use bus::Packet;
use cluster::{Cluster, Effect, Event, LinkId, Replication, Role, State};
use std::sync::Arc;

impl World {
    pub fn effect(&mut self, node: usize, effect: Effect) {
        let life = self.nodes[node].life;
        match effect {
            Effect::Connect { link, port, .. } => {
                let delay = self.delay();
                self.after(
                    delay,
                    Due::Opening {
                        node,
                        life,
                        link,
                        port,
                    },
                );
            }
            Effect::Disconnect(link) => {
                if let Some(&at) = self.network.by_name.get(&(node, link)) {
                    self.close(at, Some(node));
                }
            }
            Effect::Send { link, packet } => self.send(node, link, packet),
            Effect::Persist { id, text } => {
                let slow = self.slow_disks.contains(&node);
                let delay = 1 + self.random.below(self.params.disk) + u64::from(slow) * 100_000;
                let ok = self.peaceful || !self.random.chance(self.params.disk_errors);
                self.after(
                    delay,
                    Due::Written {
                        node,
                        life,
                        id,
                        text,
                        ok,
                    },
                );
            }
            Effect::ViewChanged => {
                let view = self.nodes[node].machine.as_ref().map(Cluster::view);
                if let Some(view) = &view {
                    self.ids.insert(view.my_id(), node);
                }
                self.nodes[node].view = view;
                self.nodes[node].checked = false;
            }
            Effect::ServeUntil(until) => self.nodes[node].serve_until = until,
            Effect::Reply { token, reply } => self.answered(token, reply),
            Effect::Log { text, .. } => {
                if std::env::var_os("SHOAL_SIM_LOG").is_some() {
                    eprintln!("{:>7} node {node:>2}: {text}", self.now);
                }
            }
            other => self.role_effect(node, other),
        }
    }

    /// Effects that concern the data engine.
    fn role_effect(&mut self, node: usize, effect: Effect) {
        let life = self.nodes[node].life;
        match effect {
            Effect::SetReplicaOf { id, .. } => {
                let n = &mut self.nodes[node];
                n.primary = Some(id);
                n.replication = Replication {
                    offset: n.replication.offset,
                    primary: Some(id),
                    ..Replication::default()
                };
            }
            Effect::BecomePrimary => {
                self.promotions += 1;
                let n = &mut self.nodes[node];
                n.primary = None;
                n.replication = Replication {
                    offset: n.replication.offset,
                    ..Replication::default()
                };
            }
            Effect::PauseClients { until } => {
                let n = &mut self.nodes[node];
                n.clients_paused_until = until;
                let offset = n.replication.offset;
                self.after(
                    1,
                    Due::Event {
                        node,
                        life,
                        event: Event::Paused { offset },
                    },
                );
            }
            Effect::UnpauseClients => self.nodes[node].clients_paused_until = 0,
            _ => {}
        }
    }

    pub fn delay(&mut self) -> u64 {
        let mean = self.params.delay;
        let long = !self.peaceful && self.random.chance(10);
        let spread = if long { mean * 20 } else { mean * 2 };
        1 + self.random.below(spread)
    }

    pub fn open(&mut self, node: usize, link: LinkId, port: u16) {
        let target = usize::from(port).wrapping_sub(17_000);
        let there = target < self.nodes.len() && self.is_up(target);
        let reachable =
            there && self.network.carries(node, target) && self.network.carries(target, node);
        if !reachable {
            // Refused at once, or unanswered until the machine gives up.
            if !there || self.random.chance(500) {
                let life = self.nodes[node].life;
                self.after(
                    1,
                    Due::Closed {
                        node,
                        life,
                        name: link,
                    },
                );
            }
            return;
        }
        let at = self.network.open(node, link, target);
        let in_id = self.network.links[at].in_id;
        let accepted = Event::Accepted {
            link: in_id,
            peer: address(),
            local: address(),
        };
        let life = self.nodes[target].life;
        self.after(
            0,
            Due::Event {
                node: target,
                life,
                event: accepted,
            },
        );
        let life = self.nodes[node].life;
        self.after(
            1,
            Due::Event {
                node,
                life,
                event: Event::LinkUp { link },
            },
        );
    }

    /// Closes a link; its ends learn of it, but for the one that closed it.
    pub fn close(&mut self, at: usize, by: Option<usize>) {
        if !self.network.close(at) {
            return;
        }
        let link = self.network.links[at].clone();
        for (node, name) in [(link.from, link.out_id), (link.to, link.in_id)] {
            if Some(node) != by && self.is_up(node) {
                let life = self.nodes[node].life;
                let delay = self.delay();
                self.after(delay, Due::Closed { node, life, name });
            }
        }
    }

    pub fn send(&mut self, node: usize, name: LinkId, packet: Arc<Packet>) {
        let Some(&at) = self.network.by_name.get(&(node, name)) else {
            return;
        };
        self.packets += 1;
        self.bytes += packet.encoded_len() as u64;
        let at_to = self.network.links[at].from == node;
        let link = &self.network.links[at];
        let peer = if at_to { link.to } else { link.from };
        if let Some(view) = &self.nodes[peer].view {
            self.checks.vote(self.now, &packet, view.my_id());
        }
        if !self.network.carries(node, peer) {
            return;
        }
        if !self.peaceful && self.random.chance(self.params.loss) {
            // Half of the losses take the connection along.
            if self.random.chance(500) {
                self.close(at, None);
            }
            return;
        }
        let packet = if self.params.codec {
            match bus::decode(&packet.encode()) {
                Ok(packet) => Arc::new(packet),
                Err(error) => {
                    self.checks
                        .violate(self.now, format!("own packet refused: {error}"));
                    return;
                }
            }
        } else {
            packet
        };
        let delay = self.delay();
        let link = &mut self.network.links[at];
        let arrival = (self.now + delay).max(link.last[usize::from(at_to)]);
        link.last[usize::from(at_to)] = arrival;
        self.at(
            arrival,
            Due::Arrival {
                link: at,
                at_to,
                packet,
            },
        );
    }

    /// Whether a node would take a write now.
    pub fn takes_writes(&self, node: usize) -> bool {
        let n = &self.nodes[node];
        let now = self.clock(node).mono;
        let Some(view) = &n.view else { return false };
        n.machine.is_some()
            && view.state() == State::Ok
            && view.role() == Role::Primary
            && now <= n.serve_until
            && now >= n.clients_paused_until
    }

    pub fn check_serving(&mut self, node: usize) {
        if !self.nodes[node].checked
            && self.takes_writes(node)
            && let Some(view) = &self.nodes[node].view
        {
            self.checks.serving(self.now, view);
            self.nodes[node].checked = true;
        }
    }

    /// A round of replication: primaries write, replicas copy what they can reach.
    pub fn replicate(&mut self, node: usize) {
        if self.takes_writes(node) {
            let more = self.random.below(1_000) as i64;
            self.nodes[node].replication.offset.0 += more;
        }
        let Some(primary) = self.nodes[node].primary else {
            return;
        };
        let Some(&source) = self.ids.get(&primary) else {
            return;
        };
        let reachable = self.network.carries(node, source)
            && self.network.carries(source, node)
            && self.is_up(source)
            && self.nodes[source].paused_until <= self.now;
        let serves = self.nodes[source]
            .view
            .as_ref()
            .is_some_and(|v| v.role() == Role::Primary);
        let mono = self.clock(node).mono;
        if reachable && serves && source != node {
            let offset = self.nodes[source].replication.offset;
            self.nodes[node].replication = Replication {
                offset: Offset(offset.0),
                primary: Some(primary),
                synced: true,
                whole: true,
                connected: true,
                last_heard: Some(mono),
            };
        } else {
            self.nodes[node].replication.connected = false;
        }
    }
}
