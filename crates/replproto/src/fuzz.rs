//! Entry points for fuzzing, shared by the fuzz targets and the seeded replays.
use crate::primary::PrimarySession;
use crate::replica::{ReplicaConfig, ReplicaEffect, ReplicaSession};

/// Lets a replica receive `data`, the first byte of which says in pieces of what size.
pub fn replica(data: &[u8]) {
    let Some((&size, data)) = data.split_first() else {
        return;
    };
    let config = ReplicaConfig {
        host: "127.0.0.1".into(),
        port: 6379,
        auth: None,
        announce_port: 6380,
        announce_ip: None,
        diskless_load: size % 2 == 0,
        failover: false,
    };
    let mut session = ReplicaSession::new(config, None);
    session.tick(0, 60_000);
    session.connected(0);
    let mut handed = 0;
    for piece in data.chunks(usize::from(size).max(1)) {
        session.input(1, piece);
        while let Some(effect) = session.poll() {
            match effect {
                ReplicaEffect::Snapshot(piece) => handed += piece.len,
                ReplicaEffect::Unit(unit) => {
                    assert!(session.bytes().len() >= unit.len);
                    handed += unit.len;
                }
                ReplicaEffect::SnapshotEnds => session.loaded(2, Ok(())),
                ReplicaEffect::Close => return,
                _ => {}
            }
            session.done();
        }
    }
    assert!(handed <= data.len());
}

/// Lets a primary be told `data`: words between NUL bytes, commands between line ends.
pub fn primary(data: &[u8]) {
    let mut session = PrimarySession::new("127.0.0.1");
    for line in data.split(|&b| b == b'\n') {
        let words: Vec<&[u8]> = line.split(|&b| b == 0).collect();
        session.replconf(0, &words);
        while session.poll().is_some() {}
    }
}
