//! Hashes in files: pair by pair, or packed.
use super::ready::Ready;
use super::{Doubled, Form, Piece, Sink};
use crate::encode::Encoder;
use crate::format::{Kind, ValueType};
use crate::packed::{listpack, ziplist_to_listpacks, zipmap_to_listpacks};
use crate::reader::{ErrorKind, Source};
use ds::{Hash, HashLimits, HashPin, Listpack, Object};
use std::io::Read;

pub(super) const DOUBLED: Doubled = Doubled {
    corrupt: "Duplicate hash fields detected",
    plain: "a hash has a field twice",
};

/// Pairs of a large hash that are given between two pauses.
const STEP: usize = 64;

/// What is left of a hash that is read.
#[derive(Debug)]
pub(crate) struct Decoder {
    ready: Ready,
    pairs: u64,
}

impl Decoder {
    pub(super) fn pairs<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Ok(Decoder {
            ready: Ready::default(),
            pairs: source.length()?,
        })
    }

    pub(super) fn listpack<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        let blob = source.string()?;
        let pairs = listpack::check_hash(&blob).map_err(ErrorKind::packed("Hash listpack"))?;
        Ok(Decoder::of(|ready| ready.add(pairs, blob)))
    }

    pub(super) fn ziplist<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        let repacked = ziplist_to_listpacks(&source.string()?, true);
        let repacked = repacked.map_err(ErrorKind::packed("Hash ziplist"))?;
        Ok(Decoder::of(|ready| ready.add_all(repacked, 2)))
    }

    pub(super) fn zipmap<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        let repacked = zipmap_to_listpacks(&source.string()?);
        let repacked = repacked.map_err(ErrorKind::packed("Zipmap"))?;
        Ok(Decoder::of(|ready| ready.add_all(repacked, 2)))
    }

    fn of(fill: impl FnOnce(&mut Ready)) -> Decoder {
        let mut ready = Ready::default();
        fill(&mut ready);
        Decoder { ready, pairs: 0 }
    }

    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Piece<Vec<u8>>>, ErrorKind> {
        if let Some(listpack) = self.ready.take() {
            return Ok(Some(Piece::Pairs(listpack)));
        }
        if self.pairs == 0 {
            return Ok(None);
        }
        self.pairs -= 1;
        self.ready.count += 1;
        let field = source.string()?;
        Ok(Some(Piece::Pair(field, source.string()?)))
    }

    pub(super) fn announced(&self) -> u64 {
        self.pairs + self.ready.count
    }

    pub(super) fn count(&self) -> u64 {
        self.ready.count
    }
}

/// A field; the decoder has looked into whole packs.
pub(super) fn unique<T>(piece: Piece<T>) -> Option<T> {
    match piece {
        Piece::Pair(field, _) => Some(field),
        Piece::Pairs(_) => None,
        other => other.misplaced(),
    }
}

/// A hash in the making.
pub(crate) struct Build {
    hash: Hash,
    limits: HashLimits,
    doubled: bool,
}

impl Build {
    pub(super) fn new(limits: HashLimits) -> Build {
        Build {
            hash: Hash::new(),
            limits,
            doubled: false,
        }
    }

    pub(super) fn add(&mut self, piece: Piece<Vec<u8>>) {
        match piece {
            Piece::Pair(field, value) => self.set(&field, &value),
            Piece::Pairs(blob) => {
                let whole = Listpack::from_bytes(&blob).ok();
                let whole = whole.and_then(|pack| Hash::from_listpack(pack, self.limits));
                match whole {
                    Some(whole) if self.hash.is_empty() => self.hash = whole,
                    _ => self.add_packed(&blob),
                }
            }
            other => other.misplaced(),
        }
    }

    fn add_packed(&mut self, blob: &[u8]) {
        let mut elements = listpack::elements(blob);
        while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
            self.set(&field.to_vec(), &value.to_vec());
        }
    }

    fn set(&mut self, field: &[u8], value: &[u8]) {
        self.doubled |= !self.hash.set(field, value, self.limits);
    }

    pub(super) fn doubled(&self) -> Option<Doubled> {
        self.doubled.then_some(DOUBLED)
    }

    pub(super) fn finish(self, key: &[u8], expire: Option<i64>) -> Object {
        Object::new_hash(key, self.hash, expire)
    }
}

fn form(len: usize, packed: bool) -> Form {
    Form {
        kind: Kind::Hash,
        value_type: if packed {
            ValueType::HashListpack
        } else {
            ValueType::Hash
        },
        count: len as u64,
        whole: packed,
    }
}

pub(super) fn walk<S: Sink>(key: &[u8], hash: &Hash, sink: &mut S) -> Result<(), S::Error> {
    let listpack = hash.as_listpack();
    let form = form(hash.len(), listpack.is_some());
    sink.begin(key, form);
    if let Some(listpack) = listpack {
        sink.piece(form, Piece::Pairs(listpack));
        return sink.end(form);
    }
    let (mut name, mut text) = (Vec::new(), Vec::new());
    for (nth, (field, value)) in hash.iter().enumerate() {
        name.clear();
        text.clear();
        field.append_to(&mut name);
        value.append_to(&mut text);
        sink.piece(form, Piece::Pair(&name, &text));
        if nth % STEP == STEP - 1 {
            sink.pause()?;
        }
    }
    sink.end(form)
}

pub(super) fn walk_pin<S: Sink>(
    key: &[u8],
    mut pin: HashPin,
    sink: &mut S,
) -> Result<(), S::Error> {
    let form = form(pin.len(), false);
    sink.begin(key, form);
    while pin.next(STEP, &mut |field, value| {
        sink.piece(form, Piece::Pair(field, value));
    }) {
        sink.pause()?;
    }
    sink.end(form)
}

pub(super) fn put(encoder: &mut Encoder, piece: Piece<&[u8]>) {
    match piece {
        Piece::Pair(field, value) => encoder.hash_pair(field, value),
        Piece::Pairs(listpack) => encoder.packed(listpack),
        other => other.misplaced(),
    }
}
