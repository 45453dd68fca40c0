//! Between values of the store and their form in a file.

use crate::encode::Encoder;
use crate::format::ValueType;
use crate::reader::{Event, Key};
use crate::writer::{KeyMeta, Writer};
use base::{UnixMs, num};
use ds::{Object, ValueRef};

/// What the access field of a key means, for files that tell of use.
#[derive(Clone, Copy, Debug)]
pub struct KeyClock {
    /// Whether it is an LFU counter or an LRU clock; `None`: the file tells nothing.
    pub lfu: Option<bool>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

impl KeyClock {
    fn meta(self, object: &Object) -> KeyMeta {
        let mut meta = KeyMeta { expire: object.expire().map(UnixMs), ..KeyMeta::default() };
        let clock = ((self.now_ms / 1000) as u32) & 0xff_ffff;
        match self.lfu {
            Some(true) => meta.freq = Some(object.lru() as u8),
            Some(false) => {
                meta.idle = Some(u64::from(clock.wrapping_sub(object.lru()) & 0xff_ffff));
            }
            None => {}
        }
        meta
    }
}

/// Writes a key with all that belongs to it.
pub fn write_key(writer: &mut Writer, object: &Object, clock: KeyClock) {
    let encoder = writer.key(object.key(), &clock.meta(object), value_type(object));
    write_value(encoder, object);
}

/// The type under which a value is written.
pub fn value_type(object: &Object) -> ValueType {
    match object.value() {
        ValueRef::Int(_) | ValueRef::Str(_) => ValueType::String,
    }
}

/// Writes a value, without its type.
pub fn write_value(encoder: &mut Encoder, object: &Object) {
    match object.value() {
        ValueRef::Int(integer) => encoder.integer(integer),
        ValueRef::Str(bytes) => encoder.string(bytes),
    }
}

/// When collections change their encoding while they are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectLimits {}

/// Makes an object of a key's pieces.
pub struct Builder {
    key: Key,
    text: Vec<u8>,
}

impl Builder {
    /// Begins with a key.
    pub fn new(key: Key, limits: ObjectLimits) -> Builder {
        let _ = limits;
        Builder { key, text: Vec::new() }
    }

    /// Adds a piece.
    pub fn add(&mut self, piece: Event) {
        if let Event::Text(bytes) = piece {
            if self.text.is_empty() {
                self.text = bytes;
            } else {
                self.text.extend_from_slice(&bytes);
            }
        }
    }

    /// The object; `None` when it turned out empty, which real servers skip as well.
    pub fn finish(self, elements: u64, now_ms: i64) -> Option<Object> {
        if elements == 0 {
            return None;
        }
        let expire = self.key.meta.expire.map(|at| at.0);
        let integer = if self.text.len() <= 20 { num::parse_i64(&self.text) } else { None };
        let object = match integer {
            Some(integer) => Object::new_int(&self.key.key, integer, expire),
            None => Object::new_str(&self.key.key, &self.text, expire),
        };
        let clock = ((now_ms / 1000) as u32) & 0xff_ffff;
        if let Some(freq) = self.key.meta.freq {
            let minutes = ((now_ms / 60_000) as u32) & 0xffff;
            object.set_lru(minutes << 8 | u32::from(freq));
        } else {
            let idle = self.key.meta.idle.unwrap_or(0) as u32;
            object.set_lru(clock.wrapping_sub(idle) & 0xff_ffff);
        }
        Some(object)
    }
}
