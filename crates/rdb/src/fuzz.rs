//! Entry points for fuzzing, shared by the fuzz targets and the seeded replays, and a small
//! generator for the latter.
use crate::aof::{Commands, Manifest};
use crate::reader::{Event, Foreign, Reader};
use crate::types::Piece;
use crate::{dump, lzf, packed};
use base::SplitMix64;

/// A reproducible sequence of numbers.
#[derive(Clone, Debug)]
pub struct Seeded(SplitMix64);

impl Seeded {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Seeded(SplitMix64::new(seed))
    }

    /// The next number, any of 64 bits.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0.bits()
    }

    /// The next number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Damages `data` in one to four places: bits, bytes, lengths, cuts, repeats.
    pub fn mutate(&mut self, data: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if data.is_empty() {
                data.push(self.next() as u8);
                continue;
            }
            let at = self.below(data.len() as u64) as usize;
            match self.below(7) {
                0 => data[at] ^= 1 << self.below(8),
                1 => data[at] = self.next() as u8,
                2 => data[at] = [0, 1, 0x7f, 0x80, 0x81, 0xc3, 0xfe, 0xff][self.below(8) as usize],
                3 => data.truncate(at),
                4 => drop(data.drain(at..(at + 1 + self.below(8) as usize).min(data.len()))),
                5 => {
                    let end = (at + 1 + self.below(16) as usize).min(data.len());
                    let piece = data[at..end].to_vec();
                    data.splice(at..at, piece);
                }
                _ => data.insert(at, self.next() as u8),
            }
        }
    }
}

/// No file may yield more bytes than this many times its own size.
const MOST: usize = lzf::MAX_RATIO * 4;

/// Reads `data` as a file, refusing foreign content and passing over it.
pub fn rdb(data: &[u8]) {
    for foreign in [Foreign::Refuse, Foreign::Skip] {
        let mut reader = Reader::new(data, foreign);
        let mut yielded = 0;
        while let Ok(Some(event)) = reader.next_event() {
            yielded += size(&event);
        }
        assert!(
            yielded <= data.len().saturating_mul(MOST),
            "{yielded} bytes from {}",
            data.len()
        );
    }
}

fn size(event: &Event) -> usize {
    match event {
        Event::Aux { name, value } | Event::Piece(Piece::Pair(name, value)) => {
            name.len() + value.len()
        }
        Event::Piece(
            Piece::Text(bytes)
            | Piece::Element(bytes)
            | Piece::Elements(bytes)
            | Piece::Pairs(bytes),
        )
        | Event::Function(bytes) => bytes.len(),
        Event::Key(key) => key.key.len(),
        Event::Piece(Piece::Integer(_))
        | Event::SelectDb(_)
        | Event::ResizeDb { .. }
        | Event::SlotInfo { .. }
        | Event::ModuleAux { .. }
        | Event::KeyEnd { .. }
        | Event::End(_) => 0,
    }
}

/// Reads `data` as a DUMP payload, and again with a footer that fits, so that the checksum does not
/// stop the rest.
pub fn dump(data: &[u8]) {
    let _ = dump::decode(data);
    let mut sealed = data.to_vec();
    sealed.extend_from_slice(&crate::VERSION.to_le_bytes());
    let crc = crate::crc64::crc64(&sealed);
    sealed.extend_from_slice(&crc.to_le_bytes());
    let _ = dump::decode(&sealed);
}

/// Reads `data` as commands.
pub fn aof(data: &[u8]) {
    let mut commands = Commands::new(data, 0, Vec::new());
    while let Ok(Some(_)) = commands.next_item() {}
    assert!(commands.valid_up_to() <= commands.offset());
    assert!(commands.offset() <= data.len() as u64);
    if commands.valid_up_to() > 0 {
        let whole = &data[..commands.valid_up_to() as usize];
        let mut again = Commands::new(whole, 0, Vec::new());
        while again
            .next_item()
            .expect("what was valid is whole")
            .is_some()
        {}
    }
}

/// Reads `data` as a manifest; what was read must come back from its own text.
pub fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data)
        && (manifest.base.is_some() || !manifest.history.is_empty() || !manifest.incr.is_empty())
    {
        let text = manifest.encode();
        if text.split(|&b| b == b'\n').all(|line| line.len() < 1024) {
            assert_eq!(Manifest::parse(&text), Ok(manifest));
        }
    }
}

/// Expands `data` to a length named by its first two bytes, and compresses it and back.
pub fn lzf(data: &[u8]) {
    if let [a, b, rest @ ..] = data {
        let _ = lzf::decompress(rest, usize::from(*a) << 8 | usize::from(*b));
    }
    let mut out = Vec::new();
    if lzf::Compressor::new().compress(data, data.len(), &mut out) {
        assert_eq!(lzf::decompress(&out, data.len()).as_deref(), Ok(data));
    }
}

/// Checks `data` as each kind of packed blob and walks over it, checked or not.
pub fn packed(data: &[u8]) {
    let walked = [
        (
            packed::listpack::check(data).ok(),
            packed::listpack::elements(data).count(),
        ),
        (
            packed::ziplist::check(data).ok(),
            packed::ziplist::elements(data).count(),
        ),
        (
            packed::zipmap::check(data).ok().map(|n| n * 2),
            packed::zipmap::elements(data).count(),
        ),
    ];
    for (checked, count) in walked {
        assert!(checked.is_none_or(|checked| checked == count));
    }
    let _ = packed::listpack::check_hash(data);
    let _ = packed::ziplist::check_hash(data);
    let _ = packed::intset::check(data);
}
