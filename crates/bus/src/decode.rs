//! Bytes to packets, with everything checked.

use crate::packet::{Body, Extension, Flags, Gossip, GossipEntry, Header, HeaderState, Packet};
use crate::text::{IpText, valid_hostname, valid_human_name};
use crate::{EXTENSION_HEAD_LEN, GOSSIP_LEN, HEADER_LEN, SIGNATURE, VERSION};
use base::{Epoch, NodeId, Offset, ShardId, SlotSet};
use std::sync::Arc;

/// Why bytes are not a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// It does not begin with the four bytes of the bus, or is shorter than a header claims.
    #[error("bad signature")]
    Signature,
    /// The length field is below the shortest packet or above the limit.
    #[error("bad message length {0}")]
    Length(u64),
    /// The length does not follow from the type, the counts and the lengths inside.
    #[error("length {total} does not match a packet of type {kind}")]
    Mismatch {
        /// Packet type.
        kind: u16,
        /// The packet's length.
        total: usize,
    },
    /// Another protocol version.
    #[error("protocol version {0} is not spoken")]
    Version(u16),
    /// A field holds what it must not.
    #[error("bad {0}")]
    Field(&'static str),
}

/// A position in the bytes; reading past the end is an error.
struct Reader<'a> {
    rest: &'a [u8],
    kind: u16,
    total: usize,
}

impl<'a> Reader<'a> {
    fn short(&self) -> DecodeError {
        DecodeError::Mismatch {
            kind: self.kind,
            total: self.total,
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(len) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(self.short()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(self.short()),
        }
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(*self.array()?))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(*self.array()?))
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(*self.array()?))
    }

    fn node_id(&mut self, what: &'static str) -> Result<NodeId, DecodeError> {
        NodeId::parse(self.array::<40>()?).ok_or(DecodeError::Field(what))
    }

    fn ip(&mut self, what: &'static str) -> Result<IpText, DecodeError> {
        IpText::from_field(self.array()?).ok_or(DecodeError::Field(what))
    }

    fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.short())
        }
    }
}

/// Decodes exactly one packet.
///
/// Extensions and packet types of later versions are skipped, not refused.
///
/// # Errors
/// Any deviation from the format, such as counts that the length does not bear out, addresses
/// without their NUL, or ids that are none.
pub fn decode(bytes: &[u8]) -> Result<Packet, DecodeError> {
    let mut reader = Reader {
        rest: bytes,
        kind: u16::MAX,
        total: bytes.len(),
    };
    if bytes.len() < HEADER_LEN {
        return Err(DecodeError::Length(bytes.len() as u64));
    }
    if reader.take(4)? != SIGNATURE {
        return Err(DecodeError::Signature);
    }
    let total = reader.u32()?;
    if total as usize != bytes.len() {
        return Err(DecodeError::Length(u64::from(total)));
    }
    let version = reader.u16()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let port = reader.u16()?;
    reader.kind = reader.u16()?;
    let count = usize::from(reader.u16()?);
    let (header, extensions) = decode_header(&mut reader, port)?;
    let body = decode_body(&mut reader, count, extensions)?;
    Ok(Packet { header, body })
}

/// Reads the header from its second epoch on; returns it with the number of extensions.
fn decode_header(reader: &mut Reader<'_>, port: u16) -> Result<(Header, usize), DecodeError> {
    let current_epoch = Epoch(reader.u64()?);
    let config_epoch = Epoch(reader.u64()?);
    let offset = Offset(reader.u64()? as i64);
    let sender = reader.node_id("sender id")?;
    let slots = Arc::new(SlotSet::from_bytes(reader.array()?));
    let primary = reader.array::<40>()?;
    let replica_of = if primary == &[0; 40] {
        None
    } else {
        Some(NodeId::parse(primary).ok_or(DecodeError::Field("primary id"))?)
    };
    let ip = reader.ip("announced address")?;
    let extensions = usize::from(reader.u16()?);
    reader.take(30)?;
    let secondary_port = reader.u16()?;
    let bus_port = reader.u16()?;
    let flags = Flags(reader.u16()?);
    let [state, marks, _, _] = *reader.array::<4>()?;
    let state = if state == 0 {
        HeaderState::Ok
    } else {
        HeaderState::Fail
    };
    // Which extensions there are is told by their count; the mark is set again when encoding.
    let marks = marks & !crate::marks::EXT_DATA;
    let header = Header {
        sender,
        port,
        secondary_port,
        bus_port,
        current_epoch,
        config_epoch,
        offset,
        slots,
        replica_of,
        ip,
        flags,
        state,
        marks,
    };
    Ok((header, extensions))
}

fn decode_body(
    reader: &mut Reader<'_>,
    count: usize,
    extensions: usize,
) -> Result<Body, DecodeError> {
    let kind = reader.kind;
    let body = match kind {
        0..=2 => {
            let gossip = decode_gossip(reader, count, extensions)?;
            match kind {
                0 => Body::Ping(gossip),
                1 => Body::Pong(gossip),
                _ => Body::Meet(gossip),
            }
        }
        3 => Body::Fail(reader.node_id("failed node id")?),
        4 | 10 => {
            let channel = reader.u32()? as usize;
            let message = reader.u32()? as usize;
            let channel = reader.take(channel)?.to_vec();
            let message = reader.take(message)?.to_vec();
            Body::Publish {
                channel,
                message,
                sharded: kind == 10,
            }
        }
        5 => Body::AuthRequest,
        6 => Body::AuthAck,
        7 => Body::Update {
            config_epoch: Epoch(reader.u64()?),
            node: reader.node_id("updated node id")?,
            slots: Arc::new(SlotSet::from_bytes(reader.array()?)),
        },
        8 => Body::MfStart,
        9 => {
            let module = reader.u64()?;
            let len = reader.u32()? as usize;
            let [kind] = *reader.array()?;
            Body::Module {
                module,
                kind,
                payload: reader.take(len)?.to_vec(),
            }
        }
        _ => return Ok(Body::Unknown(kind)),
    };
    reader.end()?;
    Ok(body)
}

fn decode_gossip(
    reader: &mut Reader<'_>,
    count: usize,
    extensions: usize,
) -> Result<Gossip, DecodeError> {
    // Both counts must fit what is there before anything is allocated for them.
    let needed = count * GOSSIP_LEN + extensions * EXTENSION_HEAD_LEN;
    if needed > reader.rest.len() {
        return Err(reader.short());
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let id = reader.node_id("gossiped node id")?;
        let ping_sent = reader.u32()?;
        let pong_received = reader.u32()?;
        let ip = reader.ip("gossiped address")?;
        let port = reader.u16()?;
        let bus_port = reader.u16()?;
        let flags = Flags(reader.u16()?);
        let secondary_port = reader.u16()?;
        reader.take(2)?;
        entries.push(GossipEntry {
            id,
            ping_sent,
            pong_received,
            ip,
            port,
            bus_port,
            flags,
            secondary_port,
        });
    }
    let mut known = Vec::new();
    for _ in 0..extensions {
        known.extend(decode_extension(reader)?);
    }
    Ok(Gossip {
        entries,
        extensions: known,
    })
}

/// Reads one extension; `None` if its type is not known here.
fn decode_extension(reader: &mut Reader<'_>) -> Result<Option<Extension>, DecodeError> {
    let len = reader.u32()? as usize;
    let kind = reader.u16()?;
    reader.take(2)?;
    if len < EXTENSION_HEAD_LEN || !len.is_multiple_of(8) {
        return Err(DecodeError::Field("extension length"));
    }
    let mut data = Reader {
        rest: reader.take(len - EXTENSION_HEAD_LEN)?,
        kind: reader.kind,
        total: reader.total,
    };
    Ok(match kind {
        0 => Some(Extension::Hostname(text(
            data.rest,
            valid_hostname,
            "host name",
        )?)),
        1 => Some(Extension::HumanName(text(
            data.rest,
            valid_human_name,
            "node name",
        )?)),
        2 => {
            let id = data.node_id("forgotten node id")?;
            Some(Extension::Forgotten {
                id,
                ttl: data.u64()?,
            })
        }
        3 => {
            let id = ShardId::parse(data.array::<40>()?).ok_or(DecodeError::Field("shard id"))?;
            Some(Extension::ShardId(id))
        }
        _ => None,
    })
}

/// A NUL-terminated text that fills its extension.
fn text(data: &[u8], valid: fn(&str) -> bool, what: &'static str) -> Result<String, DecodeError> {
    let len = data
        .iter()
        .position(|&b| b == 0)
        .ok_or(DecodeError::Field(what))?;
    match std::str::from_utf8(&data[..len]) {
        Ok(text) if valid(text) => Ok(text.to_owned()),
        _ => Err(DecodeError::Field(what)),
    }
}
