//! Strings in files.
use super::{Form, Piece, Sink};
use crate::encode::Encoder;
use crate::format::{Kind, ValueType};
use crate::reader::{ErrorKind, Source, StringForm};
use ds::{Object, StrPin};
use std::io::Read;

/// Longest piece of a string that is read.
const PIECE: u64 = 256 << 10;

/// What is left of a string that is read.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// It was complete at once.
    Whole(Option<Vec<u8>>),
    /// So many bytes.
    Bytes(u64),
}

impl Decoder {
    pub(super) fn begin<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Ok(match source.string_form()? {
            StringForm::Raw(len) if len > PIECE => Decoder::Bytes(len),
            StringForm::Raw(len) => Decoder::Whole(Some(source.bytes(len)?)),
            StringForm::Whole(text) => Decoder::Whole(Some(text)),
        })
    }

    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Piece<Vec<u8>>>, ErrorKind> {
        Ok(match self {
            Decoder::Whole(text) => text.take().map(Piece::Text),
            Decoder::Bytes(0) => None,
            Decoder::Bytes(left) => {
                let piece = (*left).min(PIECE);
                let bytes = source.bytes(piece)?;
                *left -= piece;
                Some(Piece::Text(bytes))
            }
        })
    }

    pub(super) fn announced(&self) -> u64 {
        match self {
            Decoder::Whole(text) => text.as_ref().map_or(0, |text| text.len() as u64),
            Decoder::Bytes(left) => *left,
        }
    }
}

/// A string in the making.
#[derive(Default)]
pub(crate) struct Build(Vec<u8>);

impl Build {
    pub(super) fn add(&mut self, piece: Piece<Vec<u8>>) {
        match piece {
            Piece::Text(text) if self.0.is_empty() => self.0 = text,
            Piece::Text(text) => self.0.extend_from_slice(&text),
            Piece::Integer(number) => base::num::write_i64(&mut self.0, number),
            other => other.misplaced(),
        }
    }

    pub(super) fn finish(self, key: &[u8], expire: Option<i64>) -> Object {
        Object::new_text(key, &self.0, expire)
    }
}

fn form(len: usize, whole: bool) -> Form {
    Form {
        kind: Kind::String,
        value_type: ValueType::String,
        count: len as u64,
        whole,
    }
}

pub(super) fn walk_int<S: Sink>(key: &[u8], number: i64, sink: &mut S) -> Result<(), S::Error> {
    let form = form(0, true);
    sink.begin(key, form);
    sink.piece(form, Piece::Integer(number));
    sink.end(form)
}

pub(super) fn walk<S: Sink>(key: &[u8], text: &[u8], sink: &mut S) -> Result<(), S::Error> {
    let form = form(text.len(), true);
    sink.begin(key, form);
    sink.piece(form, Piece::Text(text));
    sink.end(form)
}

pub(super) fn walk_pin<S: Sink>(key: &[u8], mut pin: StrPin, sink: &mut S) -> Result<(), S::Error> {
    let form = form(pin.len(), false);
    sink.begin(key, form);
    while pin.next(&mut |range| sink.piece(form, Piece::Text(range))) {
        sink.pause()?;
    }
    sink.end(form)
}

/// One that comes in pieces is never compressed.
pub(super) fn put(encoder: &mut Encoder, form: Form, piece: Piece<&[u8]>) {
    match piece {
        Piece::Text(text) if form.whole => encoder.string(text),
        Piece::Integer(number) => encoder.integer(number),
        Piece::Text(range) => encoder.string_chunk(range),
        other => other.misplaced(),
    }
}
