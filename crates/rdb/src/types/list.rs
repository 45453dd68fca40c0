//! Lists in files: element by element, or in packed nodes.
use super::ready::Ready;
use super::{Form, Piece, Sink};
use crate::encode::Encoder;
use crate::format::{Kind, NODE_PACKED, NODE_PLAIN, ValueType};
use crate::packed::{listpack, ziplist_to_listpacks};
use crate::reader::{ErrorKind, Source};
use ds::list::Piece as Node;
use ds::{List, ListLimits, Object};
use std::io::Read;

/// What is left of a list that is read.
#[derive(Debug)]
pub(crate) struct Decoder {
    ready: Ready,
    rest: Rest,
    left: u64,
}

/// What the source has of it.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Elements,
    /// Nodes that are ziplists.
    Ziplists,
    /// Nodes, each behind its container.
    Nodes,
}

impl Decoder {
    fn new<R: Read>(rest: Rest, source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Ok(Decoder {
            ready: Ready::default(),
            rest,
            left: source.length()?,
        })
    }

    pub(super) fn elements<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Decoder::new(Rest::Elements, source)
    }

    pub(super) fn ziplists<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Decoder::new(Rest::Ziplists, source)
    }

    pub(super) fn nodes<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        Decoder::new(Rest::Nodes, source)
    }

    pub(super) fn ziplist<R: Read>(source: &mut Source<R>) -> Result<Decoder, ErrorKind> {
        let repacked = ziplist_to_listpacks(&source.string()?, false);
        let mut ready = Ready::default();
        ready.add_all(repacked.map_err(ErrorKind::packed("List ziplist"))?, 1);
        Ok(Decoder {
            ready,
            rest: Rest::Elements,
            left: 0,
        })
    }

    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Piece<Vec<u8>>>, ErrorKind> {
        loop {
            if let Some(listpack) = self.ready.take() {
                return Ok(Some(Piece::Elements(listpack)));
            }
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            let container = match self.rest {
                Rest::Elements => {
                    self.ready.count += 1;
                    return Ok(Some(Piece::Element(source.string()?)));
                }
                Rest::Ziplists => NODE_PACKED,
                Rest::Nodes => source.length()?,
            };
            if let Some(element) = self.node(source, container)? {
                return Ok(Some(Piece::Element(element)));
            }
        }
    }

    /// Reads a node; a plain one is returned, a packed one made ready.
    fn node<R: Read>(
        &mut self,
        source: &mut Source<R>,
        container: u64,
    ) -> Result<Option<Vec<u8>>, ErrorKind> {
        if container != NODE_PLAIN && container != NODE_PACKED {
            return Err(ErrorKind::Corrupt("Quicklist integrity check failed."));
        }
        let blob = source.string()?;
        if blob.is_empty() {
            return Err(ErrorKind::Corrupt("Quicklist integrity check failed."));
        }
        if container == NODE_PLAIN {
            self.ready.count += 1;
            return Ok(Some(blob));
        }
        if matches!(self.rest, Rest::Ziplists) {
            let repacked = ziplist_to_listpacks(&blob, false);
            let repacked = repacked.map_err(ErrorKind::packed("Ziplist"))?;
            self.ready.add_all(repacked, 1);
        } else {
            let count = listpack::check(&blob).map_err(ErrorKind::packed("Listpack"))?;
            self.ready.add(count, blob);
        }
        Ok(None)
    }

    pub(super) fn announced(&self) -> u64 {
        self.left + self.ready.count
    }

    pub(super) fn count(&self) -> u64 {
        self.ready.count
    }
}

/// A list in the making.
pub(crate) struct Build {
    list: List,
    limits: ListLimits,
}

impl Build {
    pub(super) fn new(limits: ListLimits) -> Build {
        Build {
            list: List::new(),
            limits,
        }
    }

    pub(super) fn add(&mut self, piece: Piece<Vec<u8>>) {
        match piece {
            Piece::Element(element) => self.list.push_back(&element, self.limits),
            Piece::Elements(blob) => {
                for element in listpack::elements(&blob) {
                    self.list.push_back(&element.to_vec(), self.limits);
                }
            }
            other => other.misplaced(),
        }
    }

    pub(super) fn finish(self, key: &[u8], expire: Option<i64>) -> Object {
        Object::new_list(key, self.list, expire)
    }
}

pub(super) fn walk<S: Sink>(key: &[u8], list: &List, sink: &mut S) -> Result<(), S::Error> {
    let form = Form {
        kind: Kind::List,
        value_type: ValueType::ListQuicklist2,
        count: list.pieces().count() as u64,
        whole: false,
    };
    sink.begin(key, form);
    for node in list.pieces() {
        sink.piece(
            form,
            match node {
                Node::Packed(listpack) => Piece::Elements(listpack),
                Node::Plain(element) => Piece::Element(element),
            },
        );
        sink.pause()?;
    }
    sink.end(form)
}

pub(super) fn put(encoder: &mut Encoder, piece: Piece<&[u8]>) {
    match piece {
        Piece::Element(element) => encoder.list_plain(element),
        Piece::Elements(listpack) => encoder.list_packed(listpack),
        other => other.misplaced(),
    }
}
