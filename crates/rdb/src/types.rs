//! The data types: a file for each, and here the register by which all others reach them.
//!
//! A value passes in pieces. A `Decoder` takes them from a file, [`walk`] from a live value. What
//! takes them in is a `Build`, which makes a live value of them, or a [`Sink`]: a file of values or
//! one of commands. All of these match kinds and pieces one by one, so that the compiler names
//! those that do not know a new one.
pub(crate) mod foreign;
mod hash;
mod list;
mod ready;
mod string;
#[cfg(test)]
mod tests;

use crate::encode::Encoder;
use crate::format::{Kind, ValueType};
use crate::reader::{ErrorKind, Source};
use ds::{Limits, Object, Pin, ValueRef};
use std::io::Read;

/// A part of a value: of one that is read (`T` is a vector), or of a live one (`T` is a slice).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<T> {
    /// The next bytes of a string.
    Text(T),
    /// A string that is kept as a number; one that is read comes as text.
    Integer(i64),
    /// The next element.
    Element(T),
    /// The next elements, as a listpack; one that was read has been checked.
    Elements(T),
    /// A field and its value. Doubled fields of a hash that is read this way are for the one to
    /// notice who takes the piece: see [`Piece::unique`].
    Pair(T, T),
    /// Fields and values by turns, as a listpack; one that was read has been checked, and has whole
    /// pairs without a doubled field.
    Pairs(T),
}

impl<T> Piece<T> {
    /// Ends the process: values of this type have no such piece, so whoever gave it is at fault,
    /// not the file.
    #[cold]
    fn misplaced(self) -> ! {
        panic!("a piece of another type");
    }

    /// What must not come twice in a value of this kind, where nobody has looked yet.
    pub fn unique(self, kind: Kind) -> Option<T> {
        match kind {
            Kind::String | Kind::List => None,
            Kind::Hash => hash::unique(self),
        }
    }
}

/// What is said of a value in which something comes twice that must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubled {
    /// The words of real servers and of `redis-check-rdb`.
    pub corrupt: &'static str,
    /// Plain words, with article.
    pub plain: &'static str,
}

impl Kind {
    /// See [`Doubled`]; nothing, where all may come twice.
    pub fn doubled(self) -> Option<Doubled> {
        match self {
            Kind::String | Kind::List => None,
            Kind::Hash => Some(hash::DOUBLED),
        }
    }
}

/// How a live value comes.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its kind.
    pub kind: Kind,
    /// Its type in a file.
    pub value_type: ValueType,
    /// Bytes of a string (0 of a number), pieces of a list, pairs of a hash.
    pub count: u64,
    /// Whether one piece is all of it.
    pub whole: bool,
}

/// Takes live values in.
pub trait Sink {
    /// What can go wrong with it.
    type Error;

    /// A value begins.
    fn begin(&mut self, key: &[u8], form: Form);

    /// The next piece. Must not wait: a lock may be held.
    fn piece(&mut self, form: Form, piece: Piece<&[u8]>);

    /// Comes now and then between pieces, with nothing locked: what has collected may go.
    fn pause(&mut self) -> Result<(), Self::Error>;

    /// The value is complete.
    fn end(&mut self, form: Form) -> Result<(), Self::Error>;
}

/// Takes a pinned value to pieces.
///
/// # Errors
/// What the sink says.
pub fn walk<S: Sink>(pin: Pin, sink: &mut S) -> Result<(), S::Error> {
    match pin {
        Pin::Whole(object) => walk_object(&object, sink),
        Pin::Str(head, pin) => string::walk_pin(&head.key, pin, sink),
        Pin::Hash(head, pin) => hash::walk_pin(&head.key, pin, sink),
    }
}

/// Takes a live value to pieces.
///
/// # Errors
/// What the sink says.
pub fn walk_object<S: Sink>(object: &Object, sink: &mut S) -> Result<(), S::Error> {
    let key = object.key();
    match object.value() {
        ValueRef::Int(number) => string::walk_int(key, number, sink),
        ValueRef::Str(text) => string::walk(key, text, sink),
        ValueRef::List(list) => list::walk(key, list, sink),
        ValueRef::Hash(hash) => hash::walk(key, hash, sink),
    }
}

/// Writes what stands before the pieces of a value.
pub(crate) fn announce(encoder: &mut Encoder, form: Form) {
    if form.whole {
        return;
    }
    match form.kind {
        Kind::String => encoder.begin_string(form.count),
        Kind::List => encoder.begin_list(form.count),
        Kind::Hash => encoder.begin_hash(form.count),
    }
}

/// Writes the next piece of a value.
pub(crate) fn put(encoder: &mut Encoder, form: Form, piece: Piece<&[u8]>) {
    match form.kind {
        Kind::String => string::put(encoder, form, piece),
        Kind::List => list::put(encoder, piece),
        Kind::Hash => hash::put(encoder, piece),
    }
}

/// A live value in the making.
pub(crate) enum Build {
    String(string::Build),
    List(list::Build),
    Hash(hash::Build),
}

impl Build {
    pub(crate) fn new(kind: Kind, limits: Limits) -> Build {
        match kind {
            Kind::String => Build::String(string::Build::default()),
            Kind::List => Build::List(list::Build::new(limits.list)),
            Kind::Hash => Build::Hash(hash::Build::new(limits.hash)),
        }
    }

    pub(crate) fn add(&mut self, piece: Piece<Vec<u8>>) {
        match self {
            Build::String(build) => build.add(piece),
            Build::List(build) => build.add(piece),
            Build::Hash(build) => build.add(piece),
        }
    }

    /// Whether something came twice that must not.
    pub(crate) fn doubled(&self) -> Option<Doubled> {
        match self {
            Build::String(_) | Build::List(_) => None,
            Build::Hash(build) => build.doubled(),
        }
    }

    pub(crate) fn finish(self, key: &[u8], expire: Option<i64>) -> Object {
        match self {
            Build::String(build) => build.finish(key, expire),
            Build::List(build) => build.finish(key, expire),
            Build::Hash(build) => build.finish(key, expire),
        }
    }
}

/// What is left of a value that is read.
#[derive(Debug)]
pub(crate) enum Decoder {
    String(string::Decoder),
    List(list::Decoder),
    Hash(hash::Decoder),
    /// A value that was passed over; it counts so many elements.
    Foreign(u64),
}

impl Decoder {
    pub(crate) fn begin<R: Read>(
        value_type: ValueType,
        source: &mut Source<R>,
    ) -> Result<Decoder, ErrorKind> {
        Ok(match value_type {
            ValueType::String => Decoder::String(string::Decoder::begin(source)?),
            ValueType::List => Decoder::List(list::Decoder::elements(source)?),
            ValueType::ListZiplist => Decoder::List(list::Decoder::ziplist(source)?),
            ValueType::ListQuicklist => Decoder::List(list::Decoder::ziplists(source)?),
            ValueType::ListQuicklist2 => Decoder::List(list::Decoder::nodes(source)?),
            ValueType::Hash => Decoder::Hash(hash::Decoder::pairs(source)?),
            ValueType::HashListpack => Decoder::Hash(hash::Decoder::listpack(source)?),
            ValueType::HashZiplist => Decoder::Hash(hash::Decoder::ziplist(source)?),
            ValueType::HashZipmap => Decoder::Hash(hash::Decoder::zipmap(source)?),
        })
    }

    /// The next piece, `None` when the value is complete.
    pub(crate) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Piece<Vec<u8>>>, ErrorKind> {
        match self {
            Decoder::String(decoder) => decoder.next(source),
            Decoder::List(decoder) => decoder.next(source),
            Decoder::Hash(decoder) => decoder.next(source),
            Decoder::Foreign(_) => Ok(None),
        }
    }

    /// The length as announced, before the first piece: see [`crate::reader::Key::length`].
    pub(crate) fn announced(&self) -> u64 {
        match self {
            Decoder::String(decoder) => decoder.announced(),
            Decoder::List(decoder) => decoder.announced(),
            Decoder::Hash(decoder) => decoder.announced(),
            Decoder::Foreign(elements) => *elements,
        }
    }

    /// Elements so far, those included that are checked and wait.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Decoder::String(_) => 1,
            Decoder::List(decoder) => decoder.count(),
            Decoder::Hash(decoder) => decoder.count(),
            Decoder::Foreign(elements) => *elements,
        }
    }
}
