//! Reads a file as a sequence of events, in bounded memory.
//!
//! A key is one [`Event::Key`], then its pieces, then [`Event::KeyEnd`]. Large strings, lists and
//! hashes arrive in pieces, so that a loader needs room for one piece, never for the value twice. A
//! key whose end counts no elements was empty; real servers skip such keys with a log line, because
//! an old bug wrote them.
mod error;
mod source;
mod value;

#[cfg(test)]
mod tests;

pub use error::{Doing, Error, ErrorKind};
pub(crate) use source::{Source, StringForm};
pub use value::Value;

use crate::format::{self, Kind, Meaning, Version};
use crate::types::{Decoder, Piece, foreign};
use crate::writer::KeyMeta;
use base::UnixMs;
use std::io::Read;

/// What to do with content that the store cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Fail and name it: for loading.
    Refuse,
    /// Walk over it and report keys without a kind: for checking and counting.
    Skip,
}

/// A key and what is said of it before its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The database.
    pub db: u64,
    /// The name.
    pub key: Vec<u8>,
    /// Expiry and use.
    pub meta: KeyMeta,
    /// The number of its type in the file.
    pub value_type: u8,
    /// What the value becomes; nothing, if it was passed over by [`Foreign::Skip`].
    pub kind: Option<Kind>,
    /// A hint for sizing: bytes of a string, pairs of a hash, nodes or elements of a list. Foreign;
    /// it may lie.
    pub length: u64,
}

/// How the checksum at the end stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is that of the bytes.
    Good,
    /// The writer had it switched off.
    Disabled,
    /// The version has none.
    Absent,
}

/// What a file says, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A named attribute.
    Aux {
        /// Its name.
        name: Vec<u8>,
        /// Its text.
        value: Vec<u8>,
    },
    /// The database of the keys that follow.
    SelectDb(u64),
    /// A hint at the sizes of the database.
    ResizeDb {
        /// Keys.
        keys: u64,
        /// Keys that expire.
        expires: u64,
    },
    /// A hint at the sizes of a slot.
    SlotInfo {
        /// The slot; foreign, may be out of range.
        slot: u64,
        /// Its keys.
        keys: u64,
        /// Keys that expire.
        expires: u64,
    },
    /// A function library (only with [`Foreign::Skip`]).
    Function(Vec<u8>),
    /// A module's data outside of keys (only with [`Foreign::Skip`]).
    ModuleAux {
        /// The module's name.
        module: String,
    },
    /// A key begins.
    Key(Key),
    /// The next piece of its value.
    Piece(Piece<Vec<u8>>),
    /// The key is complete.
    KeyEnd {
        /// Elements, pairs, or 1 for a string. Zero: the key was empty.
        elements: u64,
    },
    /// The file is complete.
    End(Checksum),
}

#[derive(Debug)]
enum State {
    Header,
    Opcode,
    Value(Decoder),
    Done,
}

/// Reads one file or one value.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    foreign: Foreign,
    version: Version,
    value_only: bool,
    db: u64,
    meta: KeyMeta,
    doing: Doing,
    key: Option<Vec<u8>>,
    value_type: Option<u8>,
    state: State,
}

impl<R: Read> Reader<R> {
    /// A reader of a file that begins at the input's place.
    pub fn new(input: R, foreign: Foreign) -> Self {
        Reader {
            source: Source::new(input, usize::MAX),
            foreign,
            version: Version {
                number: 0,
                valkey: false,
            },
            value_only: false,
            db: 0,
            meta: KeyMeta::default(),
            doing: Doing::Start,
            key: None,
            value_type: None,
            state: State::Header,
        }
    }

    /// The version in the header, its number zero before it was read.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Bytes consumed so far.
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    /// What is being read.
    pub fn doing(&self) -> Doing {
        self.doing
    }

    /// The bytes that were read ahead, and the input behind them: where an AOF goes on after its
    /// preamble.
    pub fn into_parts(self) -> (Vec<u8>, R) {
        self.source.into_parts()
    }

    /// The next event, `None` after the end. After an error there is nothing more to be had.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        match self.step() {
            Ok(event) => Ok(event),
            Err(kind) => {
                self.state = State::Done;
                Err(Error {
                    offset: self.source.offset(),
                    doing: self.doing,
                    key: self.key.take(),
                    value_type: self.value_type,
                    kind,
                })
            }
        }
    }

    fn step(&mut self) -> Result<Option<Event>, ErrorKind> {
        loop {
            match &mut self.state {
                State::Header => {
                    self.header()?;
                    self.state = State::Opcode;
                }
                State::Opcode => {
                    if let Some(event) = self.opcode()? {
                        return Ok(Some(event));
                    }
                }
                State::Value(decoder) => {
                    if let Some(piece) = decoder.next(&mut self.source)? {
                        return Ok(Some(Event::Piece(piece)));
                    }
                    let elements = decoder.count();
                    return self.key_end(elements).map(Some);
                }
                State::Done => return Ok(None),
            }
        }
    }

    fn key_end(&mut self, elements: u64) -> Result<Event, ErrorKind> {
        self.state = State::Opcode;
        if self.value_only {
            self.state = State::Done;
            if !self.source.at_end()? {
                return Err(ErrorKind::Trailing);
            }
        }
        self.key = None;
        self.value_type = None;
        self.meta = KeyMeta::default();
        Ok(Event::KeyEnd { elements })
    }

    fn header(&mut self) -> Result<(), ErrorKind> {
        let head: [u8; 9] = self.source.fixed()?;
        let (digits, valkey) = match (head.strip_prefix(b"REDIS"), head.strip_prefix(b"VALKEY")) {
            (Some(digits), _) => (digits, false),
            (_, Some(digits)) => (digits, true),
            _ => return Err(ErrorKind::Signature),
        };
        // As atoi: leading blanks and a sign would pass there; such a file was never written.
        let number = digits
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
        self.version = Version { number, valkey };
        if !self.version.is_read() {
            return Err(ErrorKind::Version(i64::from(number)));
        }
        Ok(())
    }

    /// One opcode; `None` for one that only prepares the next key.
    fn opcode(&mut self) -> Result<Option<Event>, ErrorKind> {
        self.doing = Doing::ReadType;
        let code = self.source.byte()?;
        match code {
            format::OP_EXPIRETIME => {
                self.doing = Doing::ReadExpire;
                let seconds = i64::from(i32::from_le_bytes(self.source.fixed()?));
                self.meta.expire = Some(UnixMs(seconds * 1000));
            }
            format::OP_EXPIRETIME_MS => {
                self.doing = Doing::ReadExpire;
                self.meta.expire = Some(UnixMs(i64::from_le_bytes(self.source.fixed()?)));
            }
            format::OP_IDLE => self.meta.idle = Some(self.source.length()?),
            format::OP_FREQ => self.meta.freq = Some(self.source.byte()?),
            format::OP_SELECTDB => {
                self.doing = Doing::ReadLen;
                self.db = self.source.length()?;
                return Ok(Some(Event::SelectDb(self.db)));
            }
            format::OP_RESIZEDB => {
                self.doing = Doing::ReadLen;
                let keys = self.source.length()?;
                let expires = self.source.length()?;
                return Ok(Some(Event::ResizeDb { keys, expires }));
            }
            format::OP_SLOT_INFO => {
                self.doing = Doing::ReadLen;
                let slot = self.source.length()?;
                let keys = self.source.length()?;
                let expires = self.source.length()?;
                return Ok(Some(Event::SlotInfo {
                    slot,
                    keys,
                    expires,
                }));
            }
            format::OP_AUX => {
                self.doing = Doing::ReadAux;
                let name = self.source.string()?;
                let value = self.source.string()?;
                return Ok(Some(Event::Aux { name, value }));
            }
            format::OP_FUNCTION => {
                self.doing = Doing::ReadFunctions;
                self.allow_foreign("a function library", code)?;
                return Ok(Some(Event::Function(self.source.string()?)));
            }
            format::OP_FUNCTION_PRE_GA => {
                self.doing = Doing::ReadFunctions;
                return Err(ErrorKind::Unsupported {
                    what: "a function library",
                    code,
                });
            }
            format::OP_MODULE_AUX => {
                self.doing = Doing::ReadModuleAux;
                self.allow_foreign("a module's data", code)?;
                let module = foreign::skip_module_aux(&mut self.source)?;
                return Ok(Some(Event::ModuleAux { module }));
            }
            format::OP_EOF => return self.end().map(Some),
            _ => return self.key(code).map(Some),
        }
        Ok(None)
    }

    fn allow_foreign(&self, what: &'static str, code: u8) -> Result<(), ErrorKind> {
        match self.foreign {
            Foreign::Refuse => Err(ErrorKind::Unsupported { what, code }),
            Foreign::Skip => Ok(()),
        }
    }

    fn key(&mut self, code: u8) -> Result<Event, ErrorKind> {
        let meaning = format::meaning(code).ok_or(ErrorKind::UnknownType(code))?;
        self.value_type = Some(code);
        self.doing = Doing::ReadKey;
        let key = self.source.string()?;
        self.key = Some(key.clone());
        self.doing = Doing::ReadObjectValue;
        let (kind, decoder) = match meaning {
            Meaning::Read(value_type) => (
                Some(value_type.kind()),
                Decoder::begin(value_type, &mut self.source)?,
            ),
            Meaning::Foreign(what) => {
                self.allow_foreign(what, code)?;
                let elements = foreign::skip_value(&mut self.source, code, self.version)?;
                (None, Decoder::Foreign(elements))
            }
        };
        let event = Event::Key(Key {
            db: self.db,
            key,
            meta: self.meta,
            value_type: code,
            kind,
            length: decoder.announced(),
        });
        self.state = State::Value(decoder);
        Ok(event)
    }

    fn end(&mut self) -> Result<Event, ErrorKind> {
        self.state = State::Done;
        if self.version.number < 5 {
            return Ok(Event::End(Checksum::Absent));
        }
        let computed = self.source.checksum();
        self.doing = Doing::CheckSum;
        let stored = u64::from_le_bytes(self.source.fixed()?);
        if stored == 0 {
            return Ok(Event::End(Checksum::Disabled));
        }
        if stored != computed {
            return Err(ErrorKind::Checksum { computed, stored });
        }
        Ok(Event::End(Checksum::Good))
    }
}

impl<'a> Reader<&'a [u8]> {
    /// A reader of the body of a DUMP payload: a type and its value. It yields the pieces and
    /// [`Event::KeyEnd`].
    pub(crate) fn value_only(body: &'a [u8], version: Version) -> Self {
        let mut reader = Reader::new(body, Foreign::Refuse);
        reader.version = version;
        reader.source = Source::new(body, body.len());
        reader.value_only = true;
        reader
    }

    /// Reads the type of a single value; returns its kind.
    pub fn begin_value(&mut self) -> Result<Kind, Error> {
        let begun = self.begin_single();
        begun.map_err(|kind| Error {
            offset: self.source.offset(),
            doing: self.doing,
            key: None,
            value_type: self.value_type,
            kind,
        })
    }

    fn begin_single(&mut self) -> Result<Kind, ErrorKind> {
        self.state = State::Done;
        self.doing = Doing::ReadType;
        let code = self.source.byte()?;
        self.value_type = Some(code);
        self.doing = Doing::ReadObjectValue;
        let value_type = match format::meaning(code) {
            Some(Meaning::Read(value_type)) => value_type,
            Some(Meaning::Foreign(what)) => return Err(ErrorKind::Unsupported { what, code }),
            None => return Err(ErrorKind::UnknownType(code)),
        };
        self.state = State::Value(Decoder::begin(value_type, &mut self.source)?);
        Ok(value_type.kind())
    }
}
