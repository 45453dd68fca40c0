//! Faults made on purpose, by DEBUG: packets that are dropped, links that are cut.

use crate::admin::{error, unknown_node};
use crate::event::{Effect, Level, LinkId};
use crate::machine::Cluster;
use crate::request::Reply;
use bus::{Body, Packet};

/// Which of the packets that come are dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PacketFilter {
    /// None.
    #[default]
    Nothing,
    /// All.
    Everything,
    /// Those whose type has this number; there need be no such type.
    Type(u16),
}

impl PacketFilter {
    fn matches(self, packet: &Packet) -> bool {
        match self {
            PacketFilter::Nothing => false,
            PacketFilter::Everything => true,
            PacketFilter::Type(number) => match (&packet.body, packet.kind()) {
                (Body::Unknown(other), _) => *other == number,
                (_, kind) => kind.is_some_and(|kind| kind as u16 == number),
            },
        }
    }
}

/// A fault to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// DEBUG DROP-CLUSTER-PACKET-FILTER: drop these packets from now on, once they are counted.
    Drop(PacketFilter),
    /// DEBUG CLOSE-CLUSTER-LINK-ON-PACKET-DROP: whether the link of a dropped packet is closed.
    CloseOnDrop(bool),
    /// DEBUG DISABLE-CLUSTER-RANDOM-PING: whether the ping to a random node once a second is left
    /// out.
    NoRandomPing(bool),
    /// DEBUG CLUSTERLINK KILL: close the links with a node once. They come back.
    KillLinks {
        /// The node.
        node: Vec<u8>,
        /// Which links, as the client put it: `to`, `from` or `all`.
        direction: Vec<u8>,
    },
}

/// The faults in force.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    drop: PacketFilter,
    close_on_drop: bool,
    pub no_random_ping: bool,
}

impl Cluster {
    pub(crate) fn make_fault(&mut self, fault: Fault) -> Reply {
        match fault {
            Fault::Drop(filter) => self.faults.drop = filter,
            Fault::CloseOnDrop(on) => self.faults.close_on_drop = on,
            Fault::NoRandomPing(on) => self.faults.no_random_ping = on,
            Fault::KillLinks { node, direction } => return self.kill_links(&node, &direction),
        }
        Reply::Ok
    }

    fn kill_links(&mut self, node: &[u8], direction: &[u8]) -> Reply {
        let Some(at) = self.roster.find_text(node) else {
            return unknown_node(node);
        };
        if at == self.roster.myself {
            return error("Cannot free cluster link(s) to myself");
        }
        let (to, from) = match direction.to_ascii_lowercase().as_slice() {
            b"to" => (true, false),
            b"from" => (false, true),
            b"all" => (true, true),
            _ => {
                let direction = String::from_utf8_lossy(direction);
                return error(format_args!("Unknown direction {direction}"));
            }
        };
        let ours = self.roster[at].out.id().filter(|_| to);
        let theirs = self.roster[at].inbound.filter(|_| from);
        for link in ours.into_iter().chain(theirs) {
            self.cut(link);
        }
        Reply::Ok
    }

    /// Whether a packet is to be dropped; its link is closed then, if that is wanted too.
    pub(crate) fn is_dropped(&mut self, link: LinkId, packet: &Packet) -> bool {
        if !self.faults.drop.matches(packet) {
            return false;
        }
        let name = packet.kind().map_or("unknown", bus::Kind::name);
        self.log(
            Level::Warning,
            format!("Dropping packet of type {name} that matches debug drop filter"),
        );
        if self.faults.close_on_drop {
            self.cut(link);
            self.log(
                Level::Warning,
                format!("Closing link for matching packet type {name}"),
            );
        }
        true
    }

    /// Closes a link as if it had broken.
    fn cut(&mut self, link: LinkId) {
        self.out.push(Effect::Disconnect(link));
        self.link_down(link);
    }
}
