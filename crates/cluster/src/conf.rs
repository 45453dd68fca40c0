//! nodes.conf: what a node must remember, in the format of Redis 7.2.
//!
//! Redis 7.0 reads these files too: it takes the auxiliary fields for a part of the host name until
//! the first gossip corrects it. Files of 7.0, which have no such fields, and of Valkey, which have
//! more, are read.

use crate::event::Now;
use crate::machine::Cluster;
use crate::node::Node;
use crate::roster::{MAX_NODES, Roster};
use base::{Epoch, NodeId, ShardId, Slot, SlotSet, num};
use bus::{Flags, IpText, valid_hostname, valid_human_name};
use std::collections::BTreeMap;

/// Why a nodes.conf cannot be used. A file that was cut short or damaged is refused as a whole: it
/// holds votes that must not be given twice.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ConfError {
    /// Line number from 1; 0 if the file as a whole is at fault.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// One node of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ConfNode {
    id: NodeId,
    ip: IpText,
    port: u16,
    bus_port: u16,
    hostname: String,
    human_name: String,
    shard: Option<ShardId>,
    tcp_port: Option<u16>,
    tls_port: Option<u16>,
    flags: Flags,
    primary: Option<NodeId>,
    config_epoch: Epoch,
    pinged: bool,
    slots: SlotSet,
}

/// The contents of a nodes.conf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodesConf {
    nodes: Vec<ConfNode>,
    migrating: BTreeMap<Slot, NodeId>,
    importing: BTreeMap<Slot, NodeId>,
    current_epoch: Epoch,
    last_vote_epoch: Epoch,
    myself: usize,
}

type Result<T> = std::result::Result<T, String>;

impl NodesConf {
    /// Reads a file.
    ///
    /// # Errors
    /// The first line that is not as it must be, with the reason.
    pub fn parse(text: &[u8]) -> std::result::Result<NodesConf, ConfError> {
        let whole = |reason: &str| ConfError {
            line: 0,
            reason: reason.to_owned(),
        };
        let text = std::str::from_utf8(text).map_err(|_| whole("the file is not text"))?;
        let mut conf = NodesConf {
            nodes: Vec::new(),
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            current_epoch: Epoch(0),
            last_vote_epoch: Epoch(0),
            myself: usize::MAX,
        };
        let mut seen = BTreeMap::new();
        let mut vars = false;
        for (i, line) in text.split('\n').enumerate() {
            let line = line.trim_end_matches('\r');
            let fail = |reason| ConfError {
                line: i + 1,
                reason,
            };
            if line.is_empty() {
                continue;
            }
            let words: Vec<&str> = line.split(' ').filter(|w| !w.is_empty()).collect();
            if words.first() == Some(&"vars") {
                conf.read_vars(&words[1..]).map_err(fail)?;
                vars = true;
                continue;
            }
            let node = conf.read_node(&words).map_err(fail)?;
            if let Some(first) = seen.insert(node.id, i + 1) {
                return Err(fail(format!("node {} is on line {first} already", node.id)));
            }
            conf.nodes.push(node);
        }
        if conf.myself == usize::MAX {
            return Err(whole("no line is flagged myself"));
        }
        if !vars {
            return Err(whole("the line with the epochs (vars) is missing"));
        }
        if conf.nodes.len() > MAX_NODES {
            return Err(whole("too many nodes"));
        }
        conf.check_slots().map_err(|reason| whole(&reason))?;
        Ok(conf)
    }

    fn check_slots(&self) -> Result<()> {
        let mut taken = SlotSet::new();
        for node in &self.nodes {
            for slot in node.slots.iter() {
                if !taken.insert(slot) {
                    return Err(format!("slot {slot} has two owners"));
                }
            }
        }
        Ok(())
    }

    fn read_vars(&mut self, words: &[&str]) -> Result<()> {
        if !words.len().is_multiple_of(2) {
            return Err("a variable has no value".to_owned());
        }
        for pair in words.chunks(2) {
            let number = || {
                num::parse_u64(pair[1].as_bytes())
                    .filter(|n| *n <= MAX_EPOCH)
                    .ok_or_else(|| format!("{} is not an epoch", pair[1]))
            };
            match pair[0] {
                "currentEpoch" => self.current_epoch = Epoch(number()?),
                "lastVoteEpoch" => self.last_vote_epoch = Epoch(number()?),
                // Variables of other versions are of no concern.
                _ => {}
            }
        }
        Ok(())
    }

    fn read_node(&mut self, words: &[&str]) -> Result<ConfNode> {
        let [
            id,
            address,
            flags,
            primary,
            ping,
            _pong,
            epoch,
            link,
            slots @ ..,
        ] = words
        else {
            return Err(format!("{} fields where 8 are needed", words.len()));
        };
        let id = parse_id(id)?;
        let mut node = read_address(id, address)?;
        node.flags = read_flags(flags)?;
        if node.flags.has(Flags::MYSELF) {
            if self.myself != usize::MAX {
                return Err("a second line is flagged myself".to_owned());
            }
            self.myself = self.nodes.len();
        }
        if *primary != "-" {
            node.primary = Some(parse_id(primary)?);
        }
        node.pinged = num::parse_i64(ping.as_bytes()).ok_or("bad ping time")? != 0;
        let epoch = num::parse_u64(epoch.as_bytes()).filter(|e| *e <= MAX_EPOCH);
        node.config_epoch = Epoch(epoch.ok_or("bad configuration epoch")?);
        if !matches!(*link, "connected" | "disconnected") {
            return Err(format!("unknown link state {link}"));
        }
        for word in slots {
            self.read_slots(word, &mut node)?;
        }
        Ok(node)
    }

    fn read_slots(&mut self, word: &str, node: &mut ConfNode) -> Result<()> {
        if let Some(open) = word.strip_prefix('[') {
            let open = open
                .strip_suffix(']')
                .ok_or_else(|| format!("bad slot {word}"))?;
            if let Some((slot, to)) = open.split_once("->-") {
                self.migrating.insert(parse_slot(slot)?, parse_id(to)?);
            } else if let Some((slot, from)) = open.split_once("-<-") {
                self.importing.insert(parse_slot(slot)?, parse_id(from)?);
            } else {
                return Err(format!("bad slot {word}"));
            }
            return Ok(());
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let (first, last) = (parse_slot(first)?, parse_slot(last)?);
        if first > last {
            return Err(format!("bad slot range {word}"));
        }
        for slot in (first.number()..=last.number()).filter_map(Slot::new) {
            node.slots.insert(slot);
        }
        Ok(())
    }

    /// The epoch given most recently: never below any node's.
    pub(crate) fn into_roster(self, fresh_shard: ShardId, now: Now) -> (Roster, Epoch, Epoch) {
        let NodesConf {
            nodes,
            migrating,
            importing,
            current_epoch,
            last_vote_epoch,
            myself,
        } = self;
        let highest = nodes
            .iter()
            .map(|n| n.config_epoch)
            .max()
            .unwrap_or_default();
        let build = |conf: &ConfNode| {
            let own = (conf.id.as_bytes()[..]).to_vec();
            let made_up = ShardId::parse(&own).unwrap_or(fresh_shard);
            let shard = conf.shard.unwrap_or(made_up);
            let mut node = Node::new(conf.id, shard, conf.flags, now.mono);
            node.flags.clear(Flags::MEET.with(Flags::HANDSHAKE));
            node.ip = conf.ip;
            node.tcp_port = conf.tcp_port.unwrap_or(conf.port);
            node.tls_port = conf.tls_port.unwrap_or(0);
            node.bus_port = conf.bus_port;
            node.hostname = conf.hostname.clone();
            node.human_name = conf.human_name.clone();
            node.config_epoch = conf.config_epoch;
            node.ping_sent = conf.pinged.then_some(now.mono);
            node.failed_at = now.mono;
            node.acquainted = true;
            node
        };
        let mut me = build(&nodes[myself]);
        if nodes[myself].shard.is_none() {
            me.shard = fresh_shard;
        }
        me.flags
            .clear(Flags::PFAIL.with(Flags::FAIL).with(Flags::NOADDR));
        me.ping_sent = None;
        let mut roster = Roster::new(me);
        for (i, conf) in nodes.iter().enumerate() {
            if i != myself && !conf.flags.has(Flags::HANDSHAKE) {
                roster.add(build(conf));
            }
        }
        for conf in &nodes {
            let Some(at) = roster.find(&conf.id) else {
                continue;
            };
            if let Some(primary) = conf.primary.and_then(|id| roster.find(&id))
                && primary != at
            {
                roster.set_primary(at, Some(primary));
                // A replica is of its primary's shard, whatever its own line says.
                roster[at].shard = roster[primary].shard;
            }
            for slot in conf.slots.iter() {
                roster.set_owner(slot, Some(at));
            }
        }
        let open = |slots: BTreeMap<Slot, NodeId>| {
            slots
                .into_iter()
                .filter_map(|(s, id)| Some((s, roster.find(&id)?)))
                .collect()
        };
        let (migrating, importing) = (open(migrating), open(importing));
        roster.migrating = migrating;
        roster.importing = importing;
        (roster, current_epoch.max(highest), last_vote_epoch)
    }
}

/// Epochs above this are taken for damage: they leave no room to go on from.
pub(crate) const MAX_EPOCH: u64 = 1 << 62;

fn parse_id(text: &str) -> Result<NodeId> {
    NodeId::parse(text.as_bytes()).ok_or_else(|| format!("{text} is not a node id"))
}

fn parse_slot(text: &str) -> Result<Slot> {
    let number = num::parse_u64(text.as_bytes()).and_then(|n| u16::try_from(n).ok());
    number
        .and_then(Slot::new)
        .ok_or_else(|| format!("{text} is not a slot"))
}

fn parse_port(text: &str) -> Result<u16> {
    let number = num::parse_u64(text.as_bytes()).and_then(|n| u16::try_from(n).ok());
    number.ok_or_else(|| format!("{text} is not a port"))
}

fn read_flags(text: &str) -> Result<Flags> {
    let mut flags = Flags::default();
    for word in text.split(',') {
        let flag = match word {
            "myself" => Flags::MYSELF,
            "master" | "primary" => Flags::MASTER,
            "slave" | "replica" => Flags::SLAVE,
            "fail?" => Flags::PFAIL,
            "fail" => Flags::FAIL,
            "handshake" => Flags::HANDSHAKE,
            "noaddr" => Flags::NOADDR,
            "nofailover" => Flags::NOFAILOVER,
            "noflags" => Flags::default(),
            _ => return Err(format!("unknown flag {word}")),
        };
        flags.set(flag);
    }
    Ok(flags)
}

/// `ip:port@bus-port,hostname,aux=value,...`
fn read_address(id: NodeId, text: &str) -> Result<ConfNode> {
    let mut fields = text.split(',');
    let address = fields.next().unwrap_or_default();
    let (ip, ports) = address.rsplit_once(':').ok_or("an address has no port")?;
    let (port, bus_port) = match ports.split_once('@') {
        Some((port, bus)) => (parse_port(port)?, parse_port(bus)?),
        // Before Redis 4 the bus port was not written.
        None => (parse_port(ports)?, parse_port(ports)?.wrapping_add(10_000)),
    };
    let hostname = fields.next().unwrap_or_default();
    if !valid_hostname(hostname) {
        return Err(format!("bad host name {hostname}"));
    }
    let mut node = ConfNode {
        id,
        ip: IpText::new(ip).ok_or_else(|| format!("bad address {ip}"))?,
        port,
        bus_port,
        hostname: hostname.to_owned(),
        human_name: String::new(),
        shard: None,
        tcp_port: None,
        tls_port: None,
        flags: Flags::default(),
        primary: None,
        config_epoch: Epoch(0),
        pinged: false,
        slots: SlotSet::new(),
    };
    for field in fields {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| format!("auxiliary field {field} has no value"))?;
        match key {
            "shard-id" => {
                let shard = ShardId::parse(value.as_bytes());
                node.shard = Some(shard.ok_or_else(|| format!("{value} is not a shard id"))?);
            }
            "nodename" if valid_human_name(value) => node.human_name = value.to_owned(),
            "nodename" => return Err(format!("bad node name {value}")),
            "tcp-port" => node.tcp_port = Some(parse_port(value)?),
            "tls-port" => node.tls_port = Some(parse_port(value)?),
            // Fields of later versions are of no concern.
            _ => {}
        }
    }
    if node.tcp_port.is_some() && node.tls_port.is_none() {
        node.tls_port = Some(port);
    }
    Ok(node)
}

impl Cluster {
    /// The text of nodes.conf.
    pub(crate) fn nodes_conf_text(&self) -> String {
        let mut text = String::new();
        for &at in self.roster.order() {
            let node = &self.roster[at];
            if node.in_handshake() {
                continue;
            }
            let (port, other) = if self.settings.tls_cluster {
                (node.tls_port, format!("tcp-port={}", node.tcp_port))
            } else {
                (node.tcp_port, format!("tls-port={}", node.tls_port))
            };
            let mut address = format!(
                "{}:{port}@{},{},{other}",
                node.ip, node.bus_port, node.hostname
            );
            if !node.human_name.is_empty() {
                address.push_str(",nodename=");
                address.push_str(&node.human_name);
            }
            address.push_str(",shard-id=");
            address.push_str(node.shard.as_str());
            text.push_str(&self.line(at, &address));
            text.push('\n');
        }
        text.push_str(&format!(
            "vars currentEpoch {} lastVoteEpoch {}\n",
            self.current_epoch,
            self.ballot.last_epoch()
        ));
        text
    }
}

/// Feeds arbitrary bytes to the parser; what it takes must survive being written and read.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    let Ok(conf) = NodesConf::parse(data) else {
        return;
    };
    let now = Now {
        mono: 1,
        wall: base::UnixMs(1_000_000),
    };
    let boot = crate::Boot {
        settings: crate::Settings::default(),
        conf: Some(conf),
        fresh_id: NodeId::from_random([1; 20]),
        fresh_shard: ShardId::from_random([2; 20]),
        seed: [1; 4],
        data_lost: false,
    };
    let cluster = Cluster::new(boot, now);
    let text = cluster.nodes_conf_text();
    match NodesConf::parse(text.as_bytes()) {
        Ok(_) => {}
        Err(error) => panic!("own file refused: {error}\n{text}"),
    }
}
