//! The framing of journal records.

/// Bytes of a record before its command.
pub(super) const HEADER: usize = 16;

/// Who a record is for.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audience(u8);

impl Audience {
    /// Replicas and the backlog: the record's bytes count in the replication offset.
    pub const REPLICAS: Audience = Audience(1);
    /// The append-only file.
    pub const AOF: Audience = Audience(2);
    /// Everybody.
    pub const ALL: Audience = Audience(3);

    /// The bits of the set.
    pub fn bits(self) -> usize {
        usize::from(self.0)
    }

    /// Whether replicas see it.
    pub fn replicas(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether the append-only file sees it.
    pub fn aof(self) -> bool {
        self.0 & 2 != 0
    }

    /// Those of this set that are in another one too.
    pub fn within(self, other: Audience) -> Audience {
        Audience(self.0 & other.0)
    }

    pub(super) fn and(self, active: usize) -> Audience {
        Audience(self.0 & active as u8)
    }

    pub(super) fn or(self, other: Audience) -> Audience {
        Audience(self.0 | other.0)
    }
}

/// One record of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the order of all records, from 1 up.
    pub sequence: u64,
    /// The database that its command is for.
    pub db: u16,
    /// Who is to see it.
    pub audience: Audience,
    /// The command, as RESP.
    pub command: &'a [u8],
}

/// Header: command length (u32), database (u16), audience (u8), one spare byte, sequence (u64).
pub(super) fn encode(out: &mut Vec<u8>, sequence: u64, db: u16, who: Audience, command: &[u8]) {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&(command.len() as u32).to_le_bytes());
    header[4..6].copy_from_slice(&db.to_le_bytes());
    header[6] = who.0;
    header[8..].copy_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(command);
}

/// Iterates over whole records.
#[derive(Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Records<'a> {
        Records { rest: bytes }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (header, rest) = self.rest.split_first_chunk::<HEADER>()?;
        let [l0, l1, l2, l3, d0, d1, who, _, sequence @ ..] = *header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let (command, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Record {
            sequence: u64::from_le_bytes(sequence),
            db: u16::from_le_bytes([d0, d1]),
            audience: Audience(who),
            command,
        })
    }
}
