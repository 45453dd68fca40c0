//! Golden packets of real servers, refusals, and the accumulator.

use super::*;
use base::{Epoch, NodeId, Offset, ShardId, Slot, SlotSet};
use std::sync::Arc;

/// Packets captured from Redis 7.0.15 (`r70`) and 7.4.1 (`r74`).
const GOLDEN: &[(&str, &[u8])] = &[
    ("r70 meet", include_bytes!("fixtures/r70-meet-g1-e1.bin")),
    ("r70 ping", include_bytes!("fixtures/r70-ping-g1-e1.bin")),
    ("r70 pong", include_bytes!("fixtures/r70-pong-g1-e1.bin")),
    ("r70 fail", include_bytes!("fixtures/r70-fail-g0-e0.bin")),
    (
        "r70 publish",
        include_bytes!("fixtures/r70-publish-g0-e0.bin"),
    ),
    (
        "r70 publishshard",
        include_bytes!("fixtures/r70-publishshard-g0-e0.bin"),
    ),
    (
        "r70 auth-req",
        include_bytes!("fixtures/r70-auth-request-g0-e0.bin"),
    ),
    (
        "r70 auth-ack",
        include_bytes!("fixtures/r70-auth-ack-g0-e0.bin"),
    ),
    (
        "r70 update",
        include_bytes!("fixtures/r70-update-g0-e0.bin"),
    ),
    (
        "r70 mfstart",
        include_bytes!("fixtures/r70-mfstart-g0-e0.bin"),
    ),
    ("r74 meet", include_bytes!("fixtures/r74-meet-g1-e2.bin")),
    ("r74 ping", include_bytes!("fixtures/r74-ping-g1-e2.bin")),
    ("r74 ping0", include_bytes!("fixtures/r74-ping-g0-e2.bin")),
    ("r74 pong", include_bytes!("fixtures/r74-pong-g1-e2.bin")),
    ("r74 fail", include_bytes!("fixtures/r74-fail-g0-e0.bin")),
    (
        "r74 publish",
        include_bytes!("fixtures/r74-publish-g0-e0.bin"),
    ),
    (
        "r74 publishshard",
        include_bytes!("fixtures/r74-publishshard-g0-e0.bin"),
    ),
    (
        "r74 auth-req",
        include_bytes!("fixtures/r74-auth-request-g0-e0.bin"),
    ),
    (
        "r74 auth-ack",
        include_bytes!("fixtures/r74-auth-ack-g0-e0.bin"),
    ),
    (
        "r74 update",
        include_bytes!("fixtures/r74-update-g0-e0.bin"),
    ),
    (
        "r74 mfstart",
        include_bytes!("fixtures/r74-mfstart-g0-e0.bin"),
    ),
];

fn golden(name: &str) -> Vec<u8> {
    GOLDEN
        .iter()
        .find(|(n, _)| *n == name)
        .expect("a fixture")
        .1
        .to_vec()
}

fn id(c: char) -> NodeId {
    NodeId::parse(c.to_string().repeat(40).as_bytes()).expect("an id")
}

fn header() -> Header {
    Header {
        sender: id('a'),
        port: 7000,
        secondary_port: 0,
        bus_port: 17000,
        current_epoch: Epoch(7),
        config_epoch: Epoch(6),
        offset: Offset(-5),
        slots: Arc::new(
            [0u16, 5, 16383]
                .iter()
                .filter_map(|&s| Slot::new(s))
                .collect(),
        ),
        replica_of: Some(id('b')),
        ip: IpText::new("2001:db8::1").expect("fits"),
        flags: Flags::SLAVE.with(Flags::MYSELF),
        state: HeaderState::Fail,
        marks: marks::PAUSED,
    }
}

#[test]
fn real_packets_decode_and_encode_to_the_same_bytes() {
    for (name, bytes) in GOLDEN {
        let packet = decode(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let kind = packet.kind().expect("a known type").name();
        assert_eq!(name[4..].trim_end_matches('0'), kind);
        assert_eq!(packet.encode(), *bytes, "{name}");
    }
}

#[test]
fn fields_of_a_real_ping_are_what_the_sender_said() {
    let packet = decode(&golden("r74 ping")).expect("decodes");
    assert!((24200..24202).contains(&packet.header.port));
    assert_eq!(packet.header.bus_port, packet.header.port + 10000);
    assert_eq!(packet.header.flags, Flags::MASTER.with(Flags::MYSELF));
    assert_eq!(packet.header.replica_of, None);
    let Body::Ping(gossip) = packet.body else {
        panic!("not a ping")
    };
    assert_eq!(gossip.entries.len(), 1);
    assert_eq!(gossip.entries[0].ip.as_str(), "127.0.0.1");
    assert_eq!(
        gossip.extensions[0],
        Extension::Hostname(format!("host{}.example", packet.header.port % 10))
    );
    assert!(matches!(gossip.extensions[1], Extension::ShardId(_)));
    let packet = decode(&golden("r70 publish")).expect("decodes");
    let Body::Publish {
        channel,
        message,
        sharded,
    } = packet.body
    else {
        panic!("not a publish")
    };
    assert_eq!(
        (&channel[..], &message[..], sharded),
        (&b"chan"[..], &b"hello world"[..], false)
    );
}

#[test]
fn every_body_survives_the_round_trip() {
    let entry = GossipEntry {
        id: id('c'),
        ping_sent: 1,
        pong_received: u32::MAX,
        ip: IpText::EMPTY,
        port: 1,
        bus_port: 2,
        flags: Flags(0xffff),
        secondary_port: 3,
    };
    let gossip = Gossip {
        entries: vec![entry; 3],
        extensions: vec![
            Extension::Hostname("1234567".into()),
            Extension::Hostname(String::new()),
            Extension::HumanName("n@me!".into()),
            Extension::Forgotten {
                id: id('d'),
                ttl: 60,
            },
            Extension::ShardId(ShardId::parse(&[b'9'; 40]).expect("an id")),
        ],
    };
    let bodies = [
        Body::Ping(gossip.clone()),
        Body::Pong(gossip),
        Body::Meet(Gossip::default()),
        Body::Fail(id('e')),
        Body::Publish {
            channel: b"c".to_vec(),
            message: vec![0; 300],
            sharded: true,
        },
        Body::AuthRequest,
        Body::AuthAck,
        Body::Update {
            config_epoch: Epoch(9),
            node: id('f'),
            slots: Arc::new(SlotSet::full()),
        },
        Body::MfStart,
        Body::Module {
            module: 5,
            kind: 7,
            payload: b"xyz".to_vec(),
        },
        Body::Unknown(77),
    ];
    for body in bodies {
        let packet = Packet {
            header: header(),
            body,
        };
        let bytes = packet.encode();
        assert_eq!(bytes.len(), packet.encoded_len());
        assert_eq!(decode(&bytes).as_ref(), Ok(&packet));
    }
}

/// Sets the length field to the real length.
fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let total = (bytes.len() as u32).to_be_bytes();
    bytes[4..8].copy_from_slice(&total);
    bytes
}

#[test]
fn counts_beyond_the_packet_are_refused() {
    // CVE-2026-21863: the counts of gossip entries and extensions must fit the length.
    for (at, value) in [
        (14, 2u16),
        (14, 0xffff),
        (2214, 2),
        (2214, 0xffff),
        (14, 0),
        (2214, 0),
    ] {
        let mut bytes = golden("r70 ping");
        bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
        assert!(decode(&bytes).is_err(), "{at} {value}");
    }
}

#[test]
fn publish_lengths_that_wrap_are_refused() {
    for (channel, message) in [(u32::MAX, 16), (4, u32::MAX), (0, 0), (0xffff_fff0, 0x1f)] {
        let mut bytes = golden("r70 publish");
        bytes[2256..2260].copy_from_slice(&channel.to_be_bytes());
        bytes[2260..2264].copy_from_slice(&message.to_be_bytes());
        assert!(matches!(decode(&bytes), Err(DecodeError::Mismatch { .. })));
    }
}

#[test]
fn texts_without_their_nul_are_refused() {
    let mut bytes = golden("r70 ping");
    bytes[2168..2214].fill(b'1');
    assert_eq!(decode(&bytes), Err(DecodeError::Field("announced address")));
    let mut bytes = golden("r70 ping");
    bytes[2256 + 48..2256 + 94].fill(b'1');
    assert_eq!(decode(&bytes), Err(DecodeError::Field("gossiped address")));
    let mut bytes = golden("r70 ping");
    let len = bytes.len();
    bytes[len - 16..].fill(b'h');
    assert_eq!(decode(&bytes), Err(DecodeError::Field("host name")));
}

#[test]
fn extensions_are_bounded_and_unknown_ones_skipped() {
    let mut bytes = golden("r74 ping0");
    // Type 3 becomes a type of the future, which may also be a bare head.
    bytes[2256 + 24 + 4..2256 + 24 + 6].copy_from_slice(&900u16.to_be_bytes());
    let packet = decode(&bytes).expect("unknown extensions are skipped");
    let Body::Ping(gossip) = packet.body else {
        panic!("not a ping")
    };
    assert_eq!(gossip.extensions.len(), 1);
    bytes.truncate(2256 + 24 + 8);
    bytes[2256 + 24..2256 + 28].copy_from_slice(&8u32.to_be_bytes());
    assert!(decode(&with_length(bytes.clone())).is_ok());
    for bad in [0u32, 7, 9, 12, 1 << 31, u32::MAX, 0xffff_fff8] {
        bytes[2256 + 24..2256 + 28].copy_from_slice(&bad.to_be_bytes());
        assert!(decode(&with_length(bytes.clone())).is_err(), "{bad}");
    }
    // Known types that are too short for their contents.
    for kind in [0u16, 1, 2, 3] {
        bytes[2256 + 24..2256 + 28].copy_from_slice(&8u32.to_be_bytes());
        bytes[2256 + 28..2256 + 30].copy_from_slice(&kind.to_be_bytes());
        assert!(decode(&with_length(bytes.clone())).is_err(), "{kind}");
    }
}

#[test]
fn flipped_bits_never_panic() {
    for (_, bytes) in GOLDEN {
        for at in (0..bytes.len()).filter(|at| *at < 80 || *at > 2120) {
            for bit in 0..8 {
                let mut copy = bytes.to_vec();
                copy[at] ^= 1 << bit;
                let _ = decode(&copy);
            }
        }
        for len in [0, 1, 3, 4, 7, 8, 15, 16, 2255, 2256, bytes.len() - 1] {
            let _ = decode(&bytes[..len.min(bytes.len())]);
            if len < bytes.len() {
                assert!(decode(&bytes[..len]).is_err());
            }
        }
    }
}

#[test]
fn dribbled_packets_come_out_whole() {
    let mut stream = Vec::new();
    GOLDEN
        .iter()
        .for_each(|(_, bytes)| stream.extend_from_slice(bytes));
    for step in [1, 2, 7, 2256, stream.len()] {
        let mut frames = Frames::new(1 << 20);
        let mut seen = 0;
        for piece in stream.chunks(step) {
            frames.push(piece);
            while let Some(packet) = frames.next_packet().expect("real packets") {
                assert_eq!(packet.encode(), GOLDEN[seen].1);
                seen += 1;
            }
        }
        assert_eq!(seen, GOLDEN.len());
    }
}

#[test]
fn claimed_lengths_allocate_nothing() {
    let mut bytes = golden("r70 publish");
    bytes[4..8].copy_from_slice(&(512u32 << 20).to_be_bytes());
    let mut frames = Frames::new(600 << 20);
    frames.push(&bytes);
    assert_eq!(frames.next_packet(), Ok(None));
    assert!(frames.allocated() < 8192);
    bytes[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut frames = Frames::new(600 << 20);
    frames.push(&bytes[..8]);
    assert_eq!(
        frames.next_packet(),
        Err(DecodeError::Length(u64::from(u32::MAX)))
    );
    let mut frames = Frames::new(1 << 20);
    frames.push(b"RCmx");
    assert_eq!(frames.next_packet(), Err(DecodeError::Signature));
    // A cap holds for every type, and as soon as the length is there.
    for name in ["r70 publish", "r70 ping"] {
        let mut bytes = golden(name);
        bytes[4..8].copy_from_slice(&((1u32 << 20) + 1).to_be_bytes());
        for mut frames in [Frames::new(600 << 20), Frames::new(600 << 20)] {
            frames.push(&bytes[..8]);
            assert_eq!(frames.next_packet(), Ok(None));
            frames.cap(1 << 20);
            assert!(frames.next_packet().is_err());
            frames.cap(usize::MAX);
            assert_eq!(frames.next_packet(), Ok(None));
        }
    }
    // A ping of 500 MB is no ping.
    let mut bytes = golden("r70 ping");
    bytes[4..8].copy_from_slice(&(500u32 << 20).to_be_bytes());
    let mut frames = Frames::new(600 << 20);
    frames.push(&bytes);
    assert!(frames.next_packet().is_err());
}

#[test]
fn light_headers_are_not_ours() {
    // Valkey sends them only to nodes that announced the flag; we do not.
    let mut bytes = golden("r70 publish");
    bytes[12] |= 0x80;
    assert!(matches!(
        decode(&bytes).map(|p| p.body),
        Ok(Body::Unknown(0x8004))
    ));
}

#[test]
fn the_fuzz_entry_holds_on_mutated_packets() {
    let mut state = 1u64;
    for round in 0..300 {
        let mut bytes = GOLDEN[round % GOLDEN.len()].1.to_vec();
        for _ in 0..8 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] = (state >> 20) as u8;
        }
        fuzz_one(&bytes);
        bytes.extend_from_within(..);
        fuzz_one(&bytes);
    }
}
