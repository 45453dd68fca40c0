//! Wire format of the cluster bus, version 1: the packets that Redis 7.0 and later, Valkey and
//! Shoal nodes exchange on the bus port.
//!
//! A packet is a 2256-byte header and a body that its type decides; all numbers are big endian.
//! Decoding checks everything that later code relies on, with checked arithmetic: the bytes come
//! from whoever can reach the port. Nothing here does I/O.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod frame;
mod packet;
mod text;

pub use decode::{DecodeError, decode};
pub use frame::{Frames, MAX_GOSSIP_FRAME};
pub use packet::{
    Body, Extension, Flags, Gossip, GossipEntry, Header, HeaderState, Kind, Packet, marks,
};
pub use text::{IpText, valid_hostname, valid_human_name};

/// Length of the header, which is also the shortest packet.
pub const HEADER_LEN: usize = 2256;
/// Length of one gossip entry.
pub const GOSSIP_LEN: usize = 104;
/// Length of the head of one ping extension.
pub const EXTENSION_HEAD_LEN: usize = 8;
/// The protocol version spoken.
pub const VERSION: u16 = 1;
/// The first four bytes of every packet.
pub const SIGNATURE: &[u8; 4] = b"RCmb";

/// Feeds arbitrary bytes to every decoder of this crate: it must return, without a panic, and what
/// decodes must encode to bytes that decode to the same packet.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    if let Ok(packet) = decode(data) {
        let bytes = packet.encode();
        assert_eq!(bytes.len(), packet.encoded_len());
        match decode(&bytes) {
            Ok(again) => assert_eq!(packet, again),
            Err(error) => panic!("own encoding refused: {error}"),
        }
    }
    let mut frames = Frames::new(1 << 20);
    for piece in data.chunks(7) {
        frames.push(piece);
        loop {
            match frames.next_packet() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(frames.allocated() <= 4 * data.len().max(4096));
    }
}

#[cfg(test)]
mod tests;
