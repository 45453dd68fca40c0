//! Values read whole, for those who need no live one.
use super::error::{Error, ErrorKind};
use super::{Event, Reader};
use crate::format::Kind;
use crate::packed::listpack;
use crate::types::Piece;
use std::collections::HashSet;

/// A value read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    String(Vec<u8>),
    /// A list, in order.
    List(Vec<Vec<u8>>),
    /// A hash, in the order of the source; no field occurs twice.
    Hash(Vec<(Vec<u8>, Vec<u8>)>),
}

impl Value {
    /// An empty value to which pieces are added.
    pub fn empty(kind: Kind) -> Value {
        match kind {
            Kind::String => Value::String(Vec::new()),
            Kind::List => Value::List(Vec::new()),
            Kind::Hash => Value::Hash(Vec::new()),
        }
    }

    /// Takes a piece in. Returns false for a piece that is not of this kind.
    pub fn add(&mut self, piece: Piece<Vec<u8>>) -> bool {
        match piece {
            Piece::Text(bytes) => {
                let Value::String(text) = self else {
                    return false;
                };
                text.extend_from_slice(&bytes);
            }
            Piece::Integer(number) => {
                let Value::String(text) = self else {
                    return false;
                };
                base::num::write_i64(text, number);
            }
            Piece::Element(element) => {
                let Value::List(list) = self else {
                    return false;
                };
                list.push(element);
            }
            Piece::Elements(blob) => {
                let Value::List(list) = self else {
                    return false;
                };
                list.extend(listpack::elements(&blob).map(|e| e.to_vec()));
            }
            Piece::Pair(field, value) => {
                let Value::Hash(pairs) = self else {
                    return false;
                };
                pairs.push((field, value));
            }
            Piece::Pairs(blob) => {
                let Value::Hash(pairs) = self else {
                    return false;
                };
                let mut elements = listpack::elements(&blob);
                while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
                    pairs.push((field.to_vec(), value.to_vec()));
                }
            }
        }
        true
    }

    /// True for a hash that names a field twice.
    pub fn has_duplicates(&self) -> bool {
        match self {
            Value::String(_) | Value::List(_) => false,
            Value::Hash(pairs) => {
                let mut seen = HashSet::with_capacity(pairs.len());
                !pairs.iter().all(|(field, _)| seen.insert(field.as_slice()))
            }
        }
    }

    /// Reads the single value of a DUMP payload.
    pub(crate) fn collect(reader: &mut Reader<&[u8]>) -> Result<Value, Error> {
        let kind = reader.begin_value()?;
        let refuse = |reader: &Reader<&[u8]>, kind| Error {
            offset: reader.offset(),
            doing: reader.doing(),
            key: None,
            value_type: reader.value_type,
            kind,
        };
        let mut value = Value::empty(kind);
        loop {
            match reader.next_event()? {
                Some(Event::KeyEnd { elements: 0 }) => {
                    return Err(refuse(reader, ErrorKind::Empty));
                }
                Some(Event::KeyEnd { .. }) => match kind.doubled() {
                    Some(doubled) if value.has_duplicates() => {
                        return Err(refuse(reader, ErrorKind::Corrupt(doubled.corrupt)));
                    }
                    _ => return Ok(value),
                },
                Some(Event::Piece(piece)) => {
                    value.add(piece);
                }
                // A payload has nothing else.
                Some(_) | None => return Ok(value),
            }
        }
    }
}
