//! Between values of the store and their form in a file.

use crate::dump::{self, DumpError};
use crate::encode::Encoder;
use crate::format::{Kind, ValueType};
use crate::reader::{Error, ErrorKind, Event, Key};
use crate::writer::{KeyMeta, Writer};
use base::UnixMs;
use ds::list::Piece;
use ds::{Hash, HashLimits, Limits, List, Listpack, Object, Pin, ValueRef, access};

/// What the access field of a key means, for files that tell of use.
#[derive(Clone, Copy, Debug)]
pub struct KeyClock {
    /// Whether it is an LFU counter or an LRU clock; `None`: the file tells nothing.
    pub lfu: Option<bool>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

impl KeyClock {
    fn meta(self, expire: Option<i64>, lru: u32) -> KeyMeta {
        let mut meta = KeyMeta {
            expire: expire.map(UnixMs),
            ..KeyMeta::default()
        };
        match self.lfu {
            Some(true) => meta.freq = Some(access::lfu_counter(lru)),
            Some(false) => meta.idle = Some(access::idle_seconds(lru, self.now_ms).into()),
            None => {}
        }
        meta
    }
}

/// Writes a pinned key with all that belongs to it. `flush` is called now and then while a large
/// value is written, to take what the writer holds.
///
/// # Errors
/// What `flush` says; the writer is then of no more use.
pub fn write_pin<E>(
    writer: &mut Writer,
    pin: Pin,
    clock: KeyClock,
    flush: &mut dyn FnMut(&mut Writer) -> Result<(), E>,
) -> Result<(), E> {
    let meta = clock.meta(pin.expire(), pin.lru());
    match pin {
        Pin::Whole(object) => {
            let encoder = writer.key(object.key(), &meta, value_type(&object));
            match object.value() {
                ValueRef::List(list) if list.bytes() > STEP => {
                    encoder.begin_list(list.pieces().count() as u64);
                    for piece in list.pieces() {
                        write_piece(writer.value(), piece);
                        flush(writer)?;
                    }
                }
                _ => write_value(encoder, &object),
            }
        }
        Pin::Str(head, mut pin) => {
            let encoder = writer.key(&head.key, &meta, ValueType::String);
            encoder.begin_string(pin.len() as u64);
            while pin.next(&mut |range| writer.value().string_chunk(range)) {
                flush(writer)?;
            }
        }
        Pin::Hash(head, mut pin) => {
            let encoder = writer.key(&head.key, &meta, ValueType::Hash);
            encoder.begin_hash(pin.len() as u64);
            while pin.next(FIELDS, &mut |field, value| {
                writer.value().hash_pair(field, value)
            }) {
                flush(writer)?;
            }
        }
    }
    flush(writer)
}

/// Bytes of a list above which it is written piece by piece.
const STEP: usize = 64 * 1024;
/// Fields of a large hash that are written between two calls of `flush`.
const FIELDS: usize = 64;

/// The type under which a value is written.
pub fn value_type(object: &Object) -> ValueType {
    match object.value() {
        ValueRef::Int(_) | ValueRef::Str(_) => ValueType::String,
        ValueRef::List(_) => ValueType::ListQuicklist2,
        ValueRef::Hash(hash) if hash.as_listpack().is_some() => ValueType::HashListpack,
        ValueRef::Hash(_) => ValueType::Hash,
    }
}

/// Writes a value whole, without its type.
pub fn write_value(encoder: &mut Encoder, object: &Object) {
    match object.value() {
        ValueRef::Int(integer) => encoder.integer(integer),
        ValueRef::Str(bytes) => encoder.string(bytes),
        ValueRef::List(list) => {
            encoder.begin_list(list.pieces().count() as u64);
            list.pieces().for_each(|piece| write_piece(encoder, piece));
        }
        ValueRef::Hash(hash) => match hash.as_listpack() {
            Some(listpack) => encoder.packed(listpack),
            None => {
                encoder.begin_hash(hash.len() as u64);
                let (mut name, mut text) = (Vec::new(), Vec::new());
                for (field, value) in hash.iter() {
                    name.clear();
                    text.clear();
                    field.append_to(&mut name);
                    value.append_to(&mut text);
                    encoder.hash_pair(&name, &text);
                }
            }
        },
    }
}

/// A value as DUMP replies it.
pub fn dump(object: &Object) -> Vec<u8> {
    let mut encoder = dump::begin(value_type(object), true);
    write_value(&mut encoder, object);
    dump::seal(encoder)
}

/// A pinned value as DUMP replies it: what is large is read in steps, none of which holds anybody
/// up.
pub fn dump_pin(pin: Pin) -> Vec<u8> {
    match pin {
        Pin::Whole(object) => dump(&object),
        Pin::Str(_, mut pin) => {
            let mut encoder = dump::begin(ValueType::String, true);
            encoder.begin_string(pin.len() as u64);
            while pin.next(&mut |range| encoder.string_chunk(range)) {}
            dump::seal(encoder)
        }
        Pin::Hash(_, mut pin) => {
            let mut encoder = dump::begin(ValueType::Hash, true);
            encoder.begin_hash(pin.len() as u64);
            while pin.next(FIELDS, &mut |field, value| encoder.hash_pair(field, value)) {}
            dump::seal(encoder)
        }
    }
}

/// The object that a DUMP payload holds, under this key.
///
/// # Errors
/// A payload that is damaged, too new, empty, or of a type that the store does not have.
pub fn restore(
    payload: &[u8],
    key: &[u8],
    meta: KeyMeta,
    limits: Limits,
    now_ms: i64,
) -> Result<Object, DumpError> {
    let mut reader = dump::reader(dump::verify(payload)?);
    let kind = reader.begin_value()?;
    let key = Key {
        db: 0,
        key: key.to_vec(),
        meta,
        value_type: payload[0],
        kind,
        length: 0,
    };
    let mut builder = Builder::new(key, limits);
    let mut elements = 0;
    while let Some(piece) = reader.next_event()? {
        if let Event::KeyEnd { elements: counted } = piece {
            elements = counted;
            break;
        }
        builder.add(piece);
    }
    let flaw = |kind| {
        DumpError::Value(Error {
            offset: reader.offset(),
            doing: reader.doing(),
            key: None,
            value_type: Some(payload[0]),
            kind,
        })
    };
    if builder.has_duplicates() {
        return Err(flaw(ErrorKind::Corrupt("Duplicate hash fields detected")));
    }
    builder
        .finish(elements, now_ms)
        .ok_or_else(|| flaw(ErrorKind::Empty))
}

fn write_piece(encoder: &mut Encoder, piece: Piece<'_>) {
    match piece {
        Piece::Packed(listpack) => encoder.list_packed(listpack),
        Piece::Plain(element) => encoder.list_plain(element),
    }
}

/// Makes an object of a key's pieces.
pub struct Builder {
    key: Key,
    limits: Limits,
    body: Body,
    /// A field of the hash came twice: the file is damaged.
    doubled: bool,
}

enum Body {
    Text(Vec<u8>),
    List(List),
    Hash(Hash),
}

impl Builder {
    /// Begins with a key.
    pub fn new(key: Key, limits: Limits) -> Builder {
        let body = match key.kind {
            Kind::List => Body::List(List::new()),
            Kind::Hash => Body::Hash(Hash::new()),
            Kind::String | Kind::Foreign => Body::Text(Vec::new()),
        };
        Builder {
            key,
            limits,
            body,
            doubled: false,
        }
    }

    /// Adds a piece of the value.
    pub fn add(&mut self, piece: Event) {
        let Builder {
            limits,
            body,
            doubled,
            ..
        } = self;
        match (body, piece) {
            (Body::Text(text), Event::Text(bytes)) if text.is_empty() => *text = bytes,
            (Body::Text(text), Event::Text(bytes)) => text.extend_from_slice(&bytes),
            (Body::List(list), Event::Element(element)) => list.push_back(&element, limits.list),
            (Body::List(list), Event::Packed(blob)) => {
                for element in crate::packed::listpack::elements(&blob) {
                    list.push_back(&element.to_vec(), limits.list);
                }
            }
            (Body::Hash(hash), Event::Pair(field, value)) => {
                *doubled |= !hash.set(&field, &value, limits.hash);
            }
            (Body::Hash(hash), Event::Packed(blob)) => {
                let whole = Listpack::from_bytes(&blob).ok();
                let whole = whole.and_then(|pack| Hash::from_listpack(pack, limits.hash));
                match whole {
                    Some(whole) if hash.is_empty() => *hash = whole,
                    _ => *doubled |= !add_pairs(hash, &blob, limits.hash),
                }
            }
            _ => {}
        }
    }

    /// The key's number of database.
    pub fn db(&self) -> u64 {
        self.key.db
    }

    /// Whether a field came twice.
    pub fn has_duplicates(&self) -> bool {
        self.doubled
    }

    /// The object; `None` when it turned out empty, which real servers skip as well.
    pub fn finish(self, elements: u64, now_ms: i64) -> Option<Object> {
        if elements == 0 {
            return None;
        }
        let (key, expire) = (&self.key.key, self.key.meta.expire.map(|at| at.0));
        let object = match self.body {
            Body::Text(text) => Object::new_text(key, &text, expire),
            Body::List(list) => Object::new_list(key, list, expire),
            Body::Hash(hash) => Object::new_hash(key, hash, expire),
        };
        object.set_lru(match self.key.meta.freq {
            Some(freq) => access::lfu_field(access::lfu_minutes(now_ms), freq),
            None => access::idle_since(self.key.meta.idle.unwrap_or(0) as u32, now_ms),
        });
        Some(object)
    }
}

/// Adds the pairs of a listpack; returns whether every field was new.
fn add_pairs(hash: &mut Hash, blob: &[u8], limits: HashLimits) -> bool {
    let mut elements = crate::packed::listpack::elements(blob);
    let mut new = true;
    while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
        new &= hash.set(&field.to_vec(), &value.to_vec(), limits);
    }
    new
}
