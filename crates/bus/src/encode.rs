//! Packets to bytes.

use crate::packet::{Body, Extension, Gossip, GossipEntry, HeaderState, Packet, marks};
use crate::{EXTENSION_HEAD_LEN, GOSSIP_LEN, HEADER_LEN, SIGNATURE, VERSION};

/// Rounds up to the 8 bytes that extensions are aligned to.
fn padded(len: usize) -> usize {
    len.div_ceil(8) * 8
}

impl Extension {
    fn kind(&self) -> u16 {
        match self {
            Extension::Hostname(_) => 0,
            Extension::HumanName(_) => 1,
            Extension::Forgotten { .. } => 2,
            Extension::ShardId(_) => 3,
        }
    }

    /// Length on the wire, head and padding included.
    fn encoded_len(&self) -> usize {
        EXTENSION_HEAD_LEN
            + match self {
                // The text keeps at least one NUL at its end.
                Extension::Hostname(text) | Extension::HumanName(text) => padded(text.len() + 1),
                Extension::Forgotten { .. } => 48,
                Extension::ShardId(_) => 40,
            }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len();
        out.extend_from_slice(&(self.encoded_len() as u32).to_be_bytes());
        out.extend_from_slice(&self.kind().to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        match self {
            Extension::Hostname(text) | Extension::HumanName(text) => {
                out.extend_from_slice(text.as_bytes());
            }
            Extension::Forgotten { id, ttl } => {
                out.extend_from_slice(id.as_bytes());
                out.extend_from_slice(&ttl.to_be_bytes());
            }
            Extension::ShardId(id) => out.extend_from_slice(id.as_bytes()),
        }
        out.resize(end, 0);
    }
}

impl GossipEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.ping_sent.to_be_bytes());
        out.extend_from_slice(&self.pong_received.to_be_bytes());
        out.extend_from_slice(&self.ip.to_field());
        out.extend_from_slice(&self.port.to_be_bytes());
        out.extend_from_slice(&self.bus_port.to_be_bytes());
        out.extend_from_slice(&self.flags.0.to_be_bytes());
        out.extend_from_slice(&self.secondary_port.to_be_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}

impl Gossip {
    fn encoded_len(&self) -> usize {
        self.entries.len() * GOSSIP_LEN
            + self
                .extensions
                .iter()
                .map(Extension::encoded_len)
                .sum::<usize>()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.entries.iter().for_each(|entry| entry.encode(out));
        self.extensions
            .iter()
            .for_each(|extension| extension.encode(out));
    }
}

impl Body {
    fn wire_kind(&self) -> u16 {
        match self {
            Body::Ping(_) => 0,
            Body::Pong(_) => 1,
            Body::Meet(_) => 2,
            Body::Fail(_) => 3,
            Body::Publish { sharded, .. } => {
                if *sharded {
                    10
                } else {
                    4
                }
            }
            Body::AuthRequest => 5,
            Body::AuthAck => 6,
            Body::Update { .. } => 7,
            Body::MfStart => 8,
            Body::Module { .. } => 9,
            Body::Unknown(kind) => *kind,
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip) => gossip.encoded_len(),
            Body::Fail(_) => 40,
            Body::Publish {
                channel, message, ..
            } => 8 + channel.len() + message.len(),
            Body::Update { .. } => 8 + 40 + 2048,
            Body::Module { payload, .. } => 13 + payload.len(),
            Body::AuthRequest | Body::AuthAck | Body::MfStart | Body::Unknown(_) => 0,
        }
    }
}

impl Packet {
    /// Length of the encoded packet in bytes.
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + self.body.encoded_len()
    }

    /// The bytes of the packet.
    ///
    /// At most 65535 gossip entries and extensions fit the format; the cluster machine stays far
    /// below.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_header(&mut out);
        match &self.body {
            Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip) => gossip.encode(&mut out),
            Body::Fail(id) => out.extend_from_slice(id.as_bytes()),
            Body::Publish {
                channel, message, ..
            } => {
                out.extend_from_slice(&(channel.len() as u32).to_be_bytes());
                out.extend_from_slice(&(message.len() as u32).to_be_bytes());
                out.extend_from_slice(channel);
                out.extend_from_slice(message);
            }
            Body::Update {
                config_epoch,
                node,
                slots,
            } => {
                out.extend_from_slice(&config_epoch.0.to_be_bytes());
                out.extend_from_slice(node.as_bytes());
                out.extend_from_slice(slots.as_bytes());
            }
            Body::Module {
                module,
                kind,
                payload,
            } => {
                out.extend_from_slice(&module.to_be_bytes());
                out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
                out.push(*kind);
                out.extend_from_slice(payload);
            }
            Body::AuthRequest | Body::AuthAck | Body::MfStart | Body::Unknown(_) => {}
        }
        out
    }

    fn encode_header(&self, out: &mut Vec<u8>) {
        let header = &self.header;
        let (count, extensions) = match &self.body {
            Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip) => {
                (gossip.entries.len() as u16, gossip.extensions.len() as u16)
            }
            _ => (0, 0),
        };
        out.extend_from_slice(SIGNATURE);
        out.extend_from_slice(&(self.encoded_len() as u32).to_be_bytes());
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&header.port.to_be_bytes());
        out.extend_from_slice(&self.body.wire_kind().to_be_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&header.current_epoch.0.to_be_bytes());
        out.extend_from_slice(&header.config_epoch.0.to_be_bytes());
        out.extend_from_slice(&header.offset.0.to_be_bytes());
        out.extend_from_slice(header.sender.as_bytes());
        out.extend_from_slice(header.slots.as_bytes());
        match &header.replica_of {
            Some(primary) => out.extend_from_slice(primary.as_bytes()),
            None => out.extend_from_slice(&[0; 40]),
        }
        out.extend_from_slice(&header.ip.to_field());
        out.extend_from_slice(&extensions.to_be_bytes());
        out.extend_from_slice(&[0; 30]);
        out.extend_from_slice(&header.secondary_port.to_be_bytes());
        out.extend_from_slice(&header.bus_port.to_be_bytes());
        out.extend_from_slice(&header.flags.0.to_be_bytes());
        out.push(match header.state {
            HeaderState::Ok => 0,
            HeaderState::Fail => 1,
        });
        let marks = header.marks & !marks::EXT_DATA;
        out.push(if extensions > 0 {
            marks | marks::EXT_DATA
        } else {
            marks
        });
        out.extend_from_slice(&[0; 2]);
    }
}
