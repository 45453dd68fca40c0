//! A node as CLUSTER NODES tells of it, and how it is shown.

use base::{Slot, SlotSet};
use client::Connection;

/// `host`, port and bus port of a text `host:port[@busport][,hostname]`, the last colon being
/// the one that counts.
pub(super) fn parse_address(text: &str) -> Option<(String, u16, Option<u16>)> {
    let text = text.split(',').next().unwrap_or(text);
    let (endpoint, bus) = match text.rsplit_once('@') {
        Some((endpoint, bus)) => (endpoint, bus.parse().ok()),
        None => (text, None),
    };
    let (host, port) = endpoint.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?, bus))
}

/// One node of the cluster.
#[derive(Debug)]
pub(super) struct Node {
    pub host: String,
    pub port: u16,
    /// The port of its bus, when it is known.
    pub bus_port: Option<u16>,
    pub connection: Option<Connection>,
    /// Its forty hexadecimal digits; empty while unknown.
    pub id: String,
    /// The id of its master, if it has one.
    pub master: Option<String>,
    /// Whether it says that it is a replica.
    pub is_replica: bool,
    /// Whether another node called it failed or without address.
    pub out_of_reach: bool,
    /// Its flags as CLUSTER NODES has them, without `myself`.
    pub flags: Vec<String>,
    pub config_epoch: u64,
    pub slots: SlotSet,
    /// Slots that leave it, and the ids of the nodes they go to.
    pub migrating: Vec<(Slot, String)>,
    /// Slots that it takes in, and the ids of the nodes they come from.
    pub importing: Vec<(Slot, String)>,
    /// Slots or master were chosen here and are not yet told to the node.
    pub is_dirty: bool,
    /// How many replicas name it as their master.
    pub replicas: usize,
    pub weight: f32,
    /// Slots to give (positive) or to take (negative), for `rebalance`.
    pub balance: i32,
}

impl Node {
    pub fn new(host: &str, port: u16, bus_port: Option<u16>) -> Node {
        Node {
            host: host.to_owned(),
            port,
            bus_port,
            connection: None,
            id: String::new(),
            master: None,
            is_replica: false,
            out_of_reach: false,
            flags: Vec::new(),
            config_epoch: 0,
            slots: SlotSet::new(),
            migrating: Vec::new(),
            importing: Vec::new(),
            is_dirty: false,
            replicas: 0,
            weight: 1.0,
            balance: 0,
        }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it may own slots: it neither is a replica nor is to become one.
    pub fn is_master(&self) -> bool {
        !self.is_replica && self.master.is_none()
    }

    /// The lines that show a node, indented by `indent` spaces.
    pub fn describe(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let head = |role| format!("{pad}{role}: {} {}", self.id, self.address());
        let mut text = if self.is_dirty && self.master.is_some() {
            head("S")
        } else {
            let role = if self.is_replica { "S" } else { "M" };
            format!(
                "{}\n{pad}   slots:{} ({} slots) {}",
                head(role),
                slot_ranges(&self.slots),
                self.slots.len(),
                self.flags.join(",")
            )
        };
        if let Some(master) = &self.master {
            text.push_str(&format!("\n{pad}   replicates {master}"));
        } else if self.replicas > 0 {
            text.push_str(&format!(
                "\n{pad}   {} additional replica(s)",
                self.replicas
            ));
        }
        text
    }

    /// Takes in what a line says of its node, but not slots and address.
    pub fn take_line(&mut self, line: &NodeLine<'_>) {
        self.id = line.id.to_owned();
        self.config_epoch = line.config_epoch;
        self.is_replica = false;
        self.master = None;
        self.flags.clear();
        for flag in line.flags.split(',').filter(|flag| *flag != "myself") {
            match flag {
                "noaddr" | "fail" => self.out_of_reach = true,
                "slave" => {
                    self.is_replica = true;
                    self.master = (line.master != "-").then(|| line.master.to_owned());
                }
                _ => {}
            }
            self.flags.push(flag.to_owned());
        }
    }

    /// Takes in the slots of a line, open ones included.
    pub fn take_slots(&mut self, line: &NodeLine<'_>) {
        self.slots = SlotSet::new();
        self.migrating.clear();
        self.importing.clear();
        for word in &line.slots {
            if let Some(open) = word
                .strip_prefix('[')
                .and_then(|word| word.strip_suffix(']'))
            {
                if let Some((slot, id)) = open.split_once("->-") {
                    self.migrating
                        .extend(slot_of(slot).map(|slot| (slot, id.to_owned())));
                } else if let Some((slot, id)) = open.split_once("-<-") {
                    self.importing
                        .extend(slot_of(slot).map(|slot| (slot, id.to_owned())));
                }
                continue;
            }
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (Some(first), Some(last)) = (slot_of(first), slot_of(last)) else {
                continue;
            };
            for slot in (first.number()..=last.number()).filter_map(Slot::new) {
                self.slots.insert(slot);
            }
        }
    }
}

fn slot_of(text: &str) -> Option<Slot> {
    text.parse().ok().and_then(Slot::new)
}

/// A set of slots as redis-cli shows it: `[0-5460],[6000]`.
pub(super) fn slot_ranges(slots: &SlotSet) -> String {
    let show = |range: std::ops::RangeInclusive<u16>| {
        if range.start() == range.end() {
            format!("[{}]", range.start())
        } else {
            format!("[{}-{}]", range.start(), range.end())
        }
    };
    slots
        .ranges()
        .into_iter()
        .map(show)
        .collect::<Vec<_>>()
        .join(",")
}

/// One line of CLUSTER NODES.
#[derive(Debug)]
pub(super) struct NodeLine<'a> {
    pub id: &'a str,
    pub address: &'a str,
    pub flags: &'a str,
    pub master: &'a str,
    pub config_epoch: u64,
    pub link: &'a str,
    pub slots: Vec<&'a str>,
}

impl<'a> NodeLine<'a> {
    /// Takes a line apart; `None` when fields are missing.
    pub fn parse(line: &'a str) -> Option<NodeLine<'a>> {
        let mut words = line.split(' ');
        let (id, address, flags) = (words.next()?, words.next()?, words.next()?);
        let master = words.next()?;
        let (_ping, _pong) = (words.next()?, words.next()?);
        let config_epoch = words.next()?.parse().unwrap_or(0);
        let link = words.next()?;
        let slots = words.filter(|word| !word.is_empty()).collect();
        Some(NodeLine {
            id,
            address,
            flags,
            master,
            config_epoch,
            link,
            slots,
        })
    }

    pub fn is_myself(&self) -> bool {
        self.flags.split(',').any(|flag| flag == "myself")
    }

    /// Whether the two nodes are not acquainted yet, or have lost each other.
    pub fn is_unjoined(&self) -> bool {
        self.link == "disconnected" || self.flags.split(',').any(|flag| flag == "handshake")
    }
}
