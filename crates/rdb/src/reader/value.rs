//! The pieces of one value, read one at a time.
use super::error::{Error, ErrorKind};
use super::source::{Source, StringForm};
use super::{Event, Reader};
use crate::format::{Kind, NODE_PACKED, NODE_PLAIN, ValueType};
use crate::packed::{self, Flaw, Repacked, listpack};
use std::collections::{HashSet, VecDeque};
use std::io::Read;

/// Longest piece of a string value.
const TEXT_PIECE: u64 = 256 << 10;

/// What is left of a value.
#[derive(Debug)]
pub(super) struct Body {
    rest: Rest,
    ready: VecDeque<Vec<u8>>,
    elements: u64,
}

#[derive(Debug)]
enum Rest {
    /// A string that was complete at once.
    Whole(Option<Vec<u8>>),
    /// Bytes of a string.
    Text(u64),
    Elements(u64),
    Pairs(u64),
    /// Nodes, each with its container if the flag is set.
    Nodes(u64, bool),
    /// Only what is ready.
    Nothing,
}

impl Body {
    pub(super) fn begin<R: Read>(
        value_type: ValueType,
        source: &mut Source<R>,
    ) -> Result<Body, ErrorKind> {
        let mut body = Body {
            rest: Rest::Nothing,
            ready: VecDeque::new(),
            elements: 0,
        };
        match value_type {
            ValueType::String => {
                body.elements = 1;
                body.rest = match source.string_form()? {
                    StringForm::Raw(len) if len > TEXT_PIECE => Rest::Text(len),
                    StringForm::Raw(len) => Rest::Whole(Some(source.bytes(len)?)),
                    StringForm::Whole(text) => Rest::Whole(Some(text)),
                };
            }
            ValueType::List => body.rest = Rest::Elements(source.length()?),
            ValueType::Hash => body.rest = Rest::Pairs(source.length()?),
            ValueType::ListQuicklist => body.rest = Rest::Nodes(source.length()?, false),
            ValueType::ListQuicklist2 => body.rest = Rest::Nodes(source.length()?, true),
            ValueType::HashListpack => {
                let blob = source.string()?;
                let pairs = listpack::check_hash(&blob).map_err(flaw("Hash listpack"))?;
                body.add(pairs, blob);
            }
            ValueType::HashZiplist => {
                let blob = source.string()?;
                let repacked = packed::ziplist_to_listpacks(&blob, true);
                body.add_all(repacked.map_err(flaw("Hash ziplist"))?, 2);
            }
            ValueType::HashZipmap => {
                let blob = source.string()?;
                let repacked = packed::zipmap_to_listpacks(&blob);
                body.add_all(repacked.map_err(flaw("Zipmap"))?, 2);
            }
            ValueType::ListZiplist => {
                let blob = source.string()?;
                let repacked = packed::ziplist_to_listpacks(&blob, false);
                body.add_all(repacked.map_err(flaw("List ziplist"))?, 1);
            }
        }
        Ok(body)
    }

    /// A value that was passed over; it counts so many elements.
    pub(super) fn foreign(elements: u64) -> Body {
        Body {
            rest: Rest::Nothing,
            ready: VecDeque::new(),
            elements,
        }
    }

    pub(super) fn elements(&self) -> u64 {
        self.elements
    }

    /// The length as announced.
    pub(super) fn length(&self) -> u64 {
        match &self.rest {
            Rest::Whole(text) => text.as_ref().map_or(0, |t| t.len() as u64),
            Rest::Text(n) | Rest::Elements(n) | Rest::Pairs(n) | Rest::Nodes(n, _) => *n,
            Rest::Nothing => self.elements,
        }
    }

    fn add(&mut self, elements: usize, listpack: Vec<u8>) {
        if elements > 0 {
            self.elements += elements as u64;
            self.ready.push_back(listpack);
        }
    }

    fn add_all(&mut self, repacked: Repacked, width: usize) {
        for listpack in repacked.listpacks {
            self.add(listpack::elements(&listpack).count() / width, listpack);
        }
    }

    /// The next piece, `None` when the value is complete.
    pub(super) fn step<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Event>, ErrorKind> {
        loop {
            if let Some(listpack) = self.ready.pop_front() {
                return Ok(Some(Event::Packed(listpack)));
            }
            match &mut self.rest {
                Rest::Nothing
                | Rest::Text(0)
                | Rest::Elements(0)
                | Rest::Pairs(0)
                | Rest::Nodes(0, _) => return Ok(None),
                Rest::Whole(text) => return Ok(text.take().map(Event::Text)),
                Rest::Text(left) => {
                    let piece = (*left).min(TEXT_PIECE);
                    let bytes = source.bytes(piece)?;
                    *left -= piece;
                    return Ok(Some(Event::Text(bytes)));
                }
                Rest::Elements(left) => {
                    *left -= 1;
                    self.elements += 1;
                    return Ok(Some(Event::Element(source.string()?)));
                }
                Rest::Pairs(left) => {
                    *left -= 1;
                    self.elements += 1;
                    let field = source.string()?;
                    return Ok(Some(Event::Pair(field, source.string()?)));
                }
                Rest::Nodes(left, containers) => {
                    *left -= 1;
                    let containers = *containers;
                    if let Some(element) = self.node(source, containers)? {
                        return Ok(Some(Event::Element(element)));
                    }
                }
            }
        }
    }

    /// Reads a node; a plain one is returned, a packed one made ready.
    fn node<R: Read>(
        &mut self,
        source: &mut Source<R>,
        containers: bool,
    ) -> Result<Option<Vec<u8>>, ErrorKind> {
        let container = if containers {
            source.length()?
        } else {
            NODE_PACKED
        };
        if container != NODE_PLAIN && container != NODE_PACKED {
            return Err(ErrorKind::Corrupt("Quicklist integrity check failed."));
        }
        let blob = source.string()?;
        if blob.is_empty() {
            return Err(ErrorKind::Corrupt("Quicklist integrity check failed."));
        }
        if container == NODE_PLAIN {
            self.elements += 1;
            return Ok(Some(blob));
        }
        if containers {
            let count = listpack::check(&blob).map_err(flaw("Listpack"))?;
            self.add(count, blob);
        } else {
            let repacked = packed::ziplist_to_listpacks(&blob, false);
            self.add_all(repacked.map_err(flaw("Ziplist"))?, 1);
        }
        Ok(None)
    }
}

fn flaw(what: &'static str) -> impl Fn(Flaw) -> ErrorKind {
    move |flaw| ErrorKind::Packed { what, flaw }
}

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
    /// An empty value to which pieces are added; `None` for a kind that has none.
    pub fn empty(kind: Kind) -> Option<Value> {
        Some(match kind {
            Kind::String => Value::String(Vec::new()),
            Kind::List => Value::List(Vec::new()),
            Kind::Hash => Value::Hash(Vec::new()),
            Kind::Foreign => return None,
        })
    }

    /// Takes a piece in. Returns false for a piece that is not of this kind.
    pub fn add(&mut self, piece: Event) -> bool {
        match (self, piece) {
            (Value::String(text), Event::Text(bytes)) => text.extend_from_slice(&bytes),
            (Value::List(list), Event::Element(element)) => list.push(element),
            (Value::List(list), Event::Packed(blob)) => {
                list.extend(listpack::elements(&blob).map(|e| e.to_vec()));
            }
            (Value::Hash(pairs), Event::Pair(field, value)) => pairs.push((field, value)),
            (Value::Hash(pairs), Event::Packed(blob)) => {
                let mut elements = listpack::elements(&blob);
                while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
                    pairs.push((field.to_vec(), value.to_vec()));
                }
            }
            _ => return false,
        }
        true
    }

    /// True for a hash that names a field twice.
    pub fn has_duplicates(&self) -> bool {
        let Value::Hash(pairs) = self else {
            return false;
        };
        let mut seen = HashSet::with_capacity(pairs.len());
        !pairs.iter().all(|(field, _)| seen.insert(field.as_slice()))
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
        let Some(mut value) = Value::empty(kind) else {
            return Err(refuse(reader, ErrorKind::Empty));
        };
        loop {
            match reader.next_event()? {
                Some(Event::KeyEnd { elements: 0 }) => {
                    return Err(refuse(reader, ErrorKind::Empty));
                }
                Some(Event::KeyEnd { .. }) if value.has_duplicates() => {
                    let kind = ErrorKind::Corrupt("Duplicate hash fields detected");
                    return Err(refuse(reader, kind));
                }
                Some(Event::KeyEnd { .. }) | None => return Ok(value),
                Some(piece) => {
                    value.add(piece);
                }
            }
        }
    }
}
