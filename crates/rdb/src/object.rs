//! Between values of the store and their form in a file.

use crate::dump::{self, DumpError};
use crate::encode::Encoder;
use crate::reader::{Error, ErrorKind, Event, Key};
use crate::types::{self, Build, Doubled, Form, Piece, Sink};
use crate::writer::{KeyMeta, Writer};
use base::UnixMs;
use ds::{Limits, Object, Pin, access};
use std::convert::Infallible;

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
    let mut file = InFile {
        writer,
        meta,
        flush,
    };
    types::walk(pin, &mut file)
}

/// A file that a key is written into.
struct InFile<'a, E> {
    writer: &'a mut Writer,
    meta: KeyMeta,
    flush: &'a mut dyn FnMut(&mut Writer) -> Result<(), E>,
}

impl<E> Sink for InFile<'_, E> {
    type Error = E;

    fn begin(&mut self, key: &[u8], form: Form) {
        let encoder = self.writer.key(key, &self.meta, form.value_type);
        types::announce(encoder, form);
    }

    fn piece(&mut self, form: Form, piece: Piece<&[u8]>) {
        types::put(self.writer.value(), form, piece);
    }

    fn pause(&mut self) -> Result<(), E> {
        (self.flush)(self.writer)
    }

    fn end(&mut self, _: Form) -> Result<(), E> {
        self.pause()
    }
}

/// A value alone, in memory.
struct Alone<'a> {
    encoder: &'a mut Encoder,
    /// Whether its type stands before it.
    typed: bool,
}

impl Sink for Alone<'_> {
    type Error = Infallible;

    fn begin(&mut self, _: &[u8], form: Form) {
        if self.typed {
            self.encoder.byte(form.value_type as u8);
        }
        types::announce(self.encoder, form);
    }

    fn piece(&mut self, form: Form, piece: Piece<&[u8]>) {
        types::put(self.encoder, form, piece);
    }

    fn pause(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn end(&mut self, _: Form) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Writes a value whole, without its type.
pub fn write_value(encoder: &mut Encoder, object: &Object) {
    let typed = false;
    let Ok(()) = types::walk_object(object, &mut Alone { encoder, typed });
}

/// A value as DUMP replies it.
pub fn dump(object: &Object) -> Vec<u8> {
    let mut encoder = Encoder::new(true);
    let mut alone = Alone {
        encoder: &mut encoder,
        typed: true,
    };
    let Ok(()) = types::walk_object(object, &mut alone);
    dump::seal(encoder)
}

/// A pinned value as DUMP replies it: what is large is read in steps, none of which holds anybody
/// up.
pub fn dump_pin(pin: Pin) -> Vec<u8> {
    let mut encoder = Encoder::new(true);
    let mut alone = Alone {
        encoder: &mut encoder,
        typed: true,
    };
    let Ok(()) = types::walk(pin, &mut alone);
    dump::seal(encoder)
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
    let mut build = Build::new(reader.begin_value()?, limits);
    let mut elements = 0;
    while let Some(event) = reader.next_event()? {
        match event {
            Event::Piece(piece) => build.add(piece),
            Event::KeyEnd { elements: counted } => elements = counted,
            // A payload has nothing else.
            _ => break,
        }
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
    if let Some(doubled) = build.doubled() {
        return Err(flaw(ErrorKind::Corrupt(doubled.corrupt)));
    }
    if elements == 0 {
        return Err(flaw(ErrorKind::Empty));
    }
    Ok(finish(build, key, meta, now_ms))
}

/// The object of a build that is complete.
fn finish(build: Build, key: &[u8], meta: KeyMeta, now_ms: i64) -> Object {
    let object = build.finish(key, meta.expire.map(|at| at.0));
    object.set_lru(match meta.freq {
        Some(freq) => access::lfu_field(access::lfu_minutes(now_ms), freq),
        None => access::idle_since(meta.idle.unwrap_or(0) as u32, now_ms),
    });
    object
}

/// Makes an object of a key's pieces.
pub struct Builder {
    key: Key,
    build: Build,
}

impl Builder {
    /// Begins with a key; nothing, if its value is of a type that the store does not hold.
    pub fn new(key: Key, limits: Limits) -> Option<Builder> {
        let build = Build::new(key.kind?, limits);
        Some(Builder { key, build })
    }

    /// Adds a piece of the value.
    pub fn add(&mut self, piece: Piece<Vec<u8>>) {
        self.build.add(piece);
    }

    /// The key's number of database.
    pub fn db(&self) -> u64 {
        self.key.db
    }

    /// Whether something came twice that must not.
    pub fn doubled(&self) -> Option<Doubled> {
        self.build.doubled()
    }

    /// The object; `None` when it turned out empty, which real servers skip as well.
    pub fn finish(self, elements: u64, now_ms: i64) -> Option<Object> {
        let Builder { key, build } = self;
        (elements > 0).then(|| finish(build, &key.key, key.meta, now_ms))
    }
}
