//! One machine among peers that the test speaks for.

use crate::*;
use base::{Epoch, NodeId, Offset, ShardId, Slot, SlotSet, UnixMs};
use bus::{Body, Flags, Gossip, GossipEntry, Header, HeaderState, IpText, Packet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The id of peer `n`; greater `n`, greater id.
pub fn id(n: u8) -> NodeId {
    NodeId::parse(format!("{n:040x}").as_bytes()).expect("an id")
}

pub fn shard(n: u8) -> ShardId {
    ShardId::parse(format!("{n:040x}").as_bytes()).expect("an id")
}

pub fn slot(n: u16) -> Slot {
    Slot::new(n).expect("a slot")
}

pub fn range(first: u16, last: u16) -> SlotSet {
    (first..=last).filter_map(Slot::new).collect()
}

pub fn ip() -> IpText {
    IpText::new("127.0.0.1").expect("short")
}

/// A machine that was started from a file, with all its links up.
pub struct Rig {
    pub machine: Cluster,
    pub now: Now,
    /// Effects not taken yet.
    pub effects: Vec<Effect>,
    /// Our links, by peer.
    links: BTreeMap<u8, LinkId>,
    /// Whether writes of nodes.conf succeed at once.
    pub disk: bool,
    pub file: String,
    writing: Option<(PersistId, String)>,
    token: u64,
}

/// A node.conf line: peer `n`, flags, primary, epoch, slots. Its shard is that of `shard_of`.
pub fn conf_line(
    n: u8,
    shard_of: u8,
    flags: &str,
    primary: &str,
    epoch: u64,
    slots: &str,
) -> String {
    let (id, shard) = (id(n), shard(shard_of));
    let port = 7000 + u16::from(n);
    format!(
        "{id} 127.0.0.1:{port}@{},,tls-port=0,shard-id={shard} {flags} {primary} 0 0 {epoch} \
         connected {slots}\n",
        port + 10_000
    )
}

impl Rig {
    /// Starts from lines of nodes.conf.
    pub fn new(lines: &[String], vars: &str) -> Rig {
        let text = format!("{}vars {vars}\n", lines.concat());
        let conf = NodesConf::parse(text.as_bytes()).expect("a good file");
        Rig::boot(Some(conf), false)
    }

    /// As [`Rig::new`], but without the data set of before.
    pub fn without_data(lines: &[String], vars: &str) -> Rig {
        let text = format!("{}vars {vars}\n", lines.concat());
        let conf = NodesConf::parse(text.as_bytes()).expect("a good file");
        Rig::boot(Some(conf), true)
    }

    pub fn boot(conf: Option<NodesConf>, data_lost: bool) -> Rig {
        let now = Now {
            mono: 1_000_000,
            wall: UnixMs(1_700_000_000_000),
        };
        let settings = Settings {
            node_timeout: 1_000,
            port: 7000,
            bus_port: 17_000,
            announce_ip: ip(),
            ..Settings::default()
        };
        let boot = Boot {
            settings,
            conf,
            fresh_id: id(200),
            fresh_shard: shard(200),
            seed: [1, 2, 3, 4],
            data_lost,
        };
        let mut rig = Rig {
            machine: Cluster::new(boot, now),
            now,
            effects: Vec::new(),
            links: BTreeMap::new(),
            disk: true,
            file: String::new(),
            writing: None,
            token: 0,
        };
        rig.give(Event::Tick);
        rig
    }

    pub fn give(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.machine.handle(self.now, event, &mut effects);
        let mut more = Vec::new();
        for effect in &effects {
            match effect {
                Effect::Connect { link, port, .. } => {
                    self.links.insert((port - 17_000) as u8, *link);
                    more.push(Event::LinkUp { link: *link });
                }
                Effect::Persist { id, text } => {
                    self.writing = Some((*id, text.clone()));
                }
                _ => {}
            }
        }
        self.effects.append(&mut effects);
        more.into_iter().for_each(|event| self.give(event));
        if self.disk {
            self.write();
        }
    }

    /// The disk does what it was asked.
    pub fn write(&mut self) {
        if let Some((id, text)) = self.writing.take() {
            self.file = text;
            self.give(Event::Persisted(id));
        }
    }

    /// The disk fails.
    pub fn fail_write(&mut self) {
        let (id, _) = self.writing.take().expect("a write under way");
        self.give(Event::PersistFailed {
            id,
            reason: "No space left on device".to_owned(),
        });
    }

    /// Time passes, without a word of the peers.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now.mono += 100;
            self.now.wall.0 += 100;
            self.give(Event::Tick);
        }
    }

    /// Time passes while these peers answer all pings.
    pub fn pass_with(&mut self, ms: u64, peers: &[Peer]) {
        for _ in 0..ms / 100 {
            self.pass(100);
            for peer in peers {
                self.answer(peer);
            }
        }
    }

    /// A peer answers by the link that we opened to it.
    pub fn answer(&mut self, peer: &Peer) {
        self.answer_at(peer.n, peer);
    }

    /// A peer answers by the link that we opened to the address of peer `n`.
    pub fn answer_at(&mut self, n: u8, peer: &Peer) {
        let Some(&link) = self.links.get(&n) else {
            return;
        };
        let packet = peer.packet(Body::Pong(peer.gossip()));
        self.give(Event::Received { link, packet });
    }

    /// A peer sends something by the link that it opened to us.
    pub fn hear(&mut self, peer: &Peer, body: Body) {
        self.hear_packet(peer.n, peer.packet(body));
    }

    pub fn hear_packet(&mut self, n: u8, packet: Arc<Packet>) {
        let link = LinkId::In(u64::from(n));
        self.give(Event::Accepted {
            link,
            peer: ip(),
            local: ip(),
        });
        self.give(Event::Received { link, packet });
    }

    /// A peer sends a ping.
    pub fn ping(&mut self, peer: &Peer) {
        self.hear(peer, Body::Ping(peer.gossip()));
    }

    /// Both links to each of these peers are up.
    pub fn know(&mut self, peers: &[Peer]) {
        for peer in peers {
            self.answer(peer);
            self.ping(peer);
        }
    }

    /// Replication says that we are in sync with a primary, up to this offset.
    pub fn in_sync(&mut self, primary: u8, offset: i64) {
        let replication = Replication {
            offset: Offset(offset),
            primary: Some(id(primary)),
            synced: true,
            whole: true,
            connected: true,
            last_heard: Some(self.now.mono),
        };
        self.give(Event::Replication(replication));
    }

    /// The epochs for which node 3 was asked for its vote, each as often as it was.
    pub fn requests(&self) -> Vec<u64> {
        let asked = |(n, packet): &(u8, Arc<Packet>)| {
            (*n == 3 && packet.body == Body::AuthRequest).then_some(packet.header.current_epoch.0)
        };
        self.sent().iter().filter_map(asked).collect()
    }

    /// The epochs for which votes were asked.
    pub fn elections(&self) -> Vec<u64> {
        let mut epochs = self.requests();
        epochs.dedup();
        epochs
    }

    /// Gives a command; `None` if its answer is withheld.
    pub fn ask(&mut self, request: Request) -> Option<Reply> {
        self.token += 1;
        let token = self.token;
        self.give(Event::Request { token, request });
        self.reply(token)
    }

    pub fn reply(&self, wanted: u64) -> Option<Reply> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Reply { token, reply } if *token == wanted => Some(reply.clone()),
            _ => None,
        })
    }

    pub fn error(&mut self, request: Request) -> String {
        match self.ask(request) {
            Some(Reply::Error(text)) => text,
            other => panic!("no error but {other:?}"),
        }
    }

    pub fn nodes(&mut self) -> String {
        match self.ask(Request::Nodes { tls: false }) {
            Some(Reply::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    /// Forgets the effects so far.
    pub fn clear(&mut self) {
        self.effects.clear();
    }

    /// Packets sent since, with the peers they went to.
    pub fn sent(&self) -> Vec<(u8, Arc<Packet>)> {
        let peer = |link: &LinkId| match link {
            LinkId::In(n) => *n as u8,
            _ => self
                .links
                .iter()
                .find(|(_, l)| *l == link)
                .map_or(255, |(n, _)| *n),
        };
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send { link, packet } => Some((peer(link), packet.clone())),
                _ => None,
            })
            .collect()
    }

    pub fn logged(&self, text: &str) -> bool {
        self.effects
            .iter()
            .any(|e| matches!(e, Effect::Log { text: t, .. } if t.contains(text)))
    }

    pub fn count(&self, wanted: fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|e| wanted(e)).count()
    }

    pub fn owner(&self, n: u16) -> Option<NodeId> {
        self.machine.view().owner(slot(n)).map(|node| node.id)
    }
}

/// A node that the test speaks for.
#[derive(Clone)]
pub struct Peer {
    pub n: u8,
    pub shard: u8,
    pub slots: SlotSet,
    pub epoch: u64,
    pub current: u64,
    pub replica_of: Option<u8>,
    pub offset: i64,
    pub marks: u8,
    /// What it says of others: peer and flags.
    pub says: Vec<(u8, Flags)>,
    /// Whether it speaks of shards, as 7.2 does.
    pub modern: bool,
}

impl Peer {
    pub fn primary(n: u8, epoch: u64, first: u16, last: u16) -> Peer {
        Peer {
            n,
            shard: n,
            slots: range(first, last),
            epoch,
            current: 10,
            replica_of: None,
            offset: 0,
            marks: 0,
            says: Vec::new(),
            modern: true,
        }
    }

    /// A replica speaks for its primary.
    pub fn replica(n: u8, of: &Peer) -> Peer {
        Peer {
            n,
            replica_of: Some(of.n),
            ..of.clone()
        }
    }

    pub fn gossip(&self) -> Gossip {
        let entry = |(n, flags): &(u8, Flags)| GossipEntry {
            id: id(*n),
            ping_sent: 0,
            pong_received: 0,
            ip: ip(),
            port: 7000 + u16::from(*n),
            bus_port: 17_000 + u16::from(*n),
            flags: *flags,
            secondary_port: 0,
        };
        let mut extensions = Vec::new();
        if self.modern {
            extensions.push(bus::Extension::ShardId(shard(self.shard)));
        }
        Gossip {
            entries: self.says.iter().map(entry).collect(),
            extensions,
        }
    }

    pub fn packet(&self, body: Body) -> Arc<Packet> {
        let role = if self.replica_of.is_some() {
            Flags::SLAVE
        } else {
            Flags::MASTER
        };
        let header = Header {
            sender: id(self.n),
            port: 7000 + u16::from(self.n),
            secondary_port: 0,
            bus_port: 17_000 + u16::from(self.n),
            current_epoch: Epoch(self.current),
            config_epoch: Epoch(self.epoch),
            offset: Offset(self.offset),
            slots: Arc::new(self.slots.clone()),
            replica_of: self.replica_of.map(id),
            ip: IpText::EMPTY,
            flags: role.with(Flags::MYSELF),
            state: HeaderState::Ok,
            marks: self.marks,
        };
        Arc::new(Packet { header, body })
    }
}
