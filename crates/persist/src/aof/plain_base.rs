//! A base of commands (`aof-use-rdb-preamble no`): what makes the data set again, key by key.

#[cfg(test)]
mod tests;

use crate::save::{CHUNK, Progress, SaveError, SaveOptions, Saved, walk};
use base::words;
use ds::Pin;
use rdb::Piece;
use rdb::aof::{put_command, put_timestamp};
use rdb::format::Kind;
use rdb::packed::listpack::{self, Elements};
use rdb::types::{self, Form, Sink};
use std::io::Write;
use std::sync::atomic::Ordering;
use store::{Image, Locker, Tap};

/// How many elements or pairs a command has at most, as in Redis.
const ELEMENTS: usize = 64;

/// Writes the baseline of `tap` to `sink` as commands, with the time before them if `stamp`. The
/// tap is walked to its end in any case.
///
/// # Errors
/// What the sink says, or that it was stopped or given up.
pub(super) fn write(
    tap: Tap,
    locker: &Locker,
    options: &SaveOptions,
    stamp: bool,
    progress: &Progress,
    sink: &mut dyn Write,
) -> Result<Saved, SaveError> {
    let mut out = Out {
        text: Vec::new(),
        bytes: 0,
        progress,
        sink,
        key: Vec::new(),
        group: Group::default(),
    };
    if stamp {
        put_timestamp(&mut out.text, options.now_ms / 1000);
    }
    let mut db = None;
    let keys = walk(tap, locker, options, progress, &mut |image| {
        let Image { db: number, pin } = image;
        if db != Some(number) {
            db = Some(number);
            put_command(&mut out.text, &[b"SELECT", number.to_string().as_bytes()]);
        }
        out.key(pin)
    })?;
    out.flush()?;
    let bytes = out.bytes;
    Ok(Saved { keys, bytes })
}

/// Text on its way to the file.
struct Out<'a> {
    text: Vec<u8>,
    bytes: u64,
    progress: &'a Progress,
    sink: &'a mut dyn Write,
    /// The key whose value is being written, and what of it is not in a command yet.
    key: Vec<u8>,
    group: Group,
}

/// The command that adds to a value of this kind.
fn adding(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::String => b"SET",
        Kind::List => b"RPUSH",
        Kind::Hash => b"HMSET",
    }
}

impl Out<'_> {
    fn flush(&mut self) -> Result<(), SaveError> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Err(SaveError::Stopped);
        }
        self.sink.write_all(&self.text)?;
        self.bytes += self.text.len() as u64;
        self.text.clear();
        Ok(())
    }

    fn flush_if_long(&mut self) -> Result<(), SaveError> {
        if self.text.len() < CHUNK {
            return Ok(());
        }
        self.flush()
    }

    /// The commands that make a key.
    fn key(&mut self, pin: Pin) -> Result<(), SaveError> {
        let expire = pin.expire();
        types::walk(pin, self)?;
        if let Some(at) = expire {
            let at = at.to_string();
            put_command(&mut self.text, &[b"PEXPIREAT", &self.key, at.as_bytes()]);
        }
        self.flush_if_long()
    }

    /// An entry more for the command under way, of one word or several.
    fn entry<'w>(&mut self, kind: Kind, words: impl IntoIterator<Item = &'w [u8]>) {
        words.into_iter().for_each(|word| self.group.word(word));
        self.group.entries += 1;
        if self.group.entries == ELEMENTS {
            self.end_group(kind);
        }
    }

    /// The command that adds what the group holds, which is empty then.
    fn end_group(&mut self, kind: Kind) {
        if self.group.words == 0 {
            return;
        }
        self.header(2 + self.group.words, adding(kind));
        self.text.extend_from_slice(&self.group.text);
        self.group.text.clear();
        (self.group.words, self.group.entries) = (0, 0);
    }

    /// The beginning of a command of so many words.
    fn header(&mut self, words: usize, name: &[u8]) {
        words::begin(&mut self.text, words);
        words::put_word(&mut self.text, name);
        words::put_word(&mut self.text, &self.key);
    }
}

impl Sink for Out<'_> {
    type Error = SaveError;

    fn begin(&mut self, key: &[u8], form: Form) {
        self.key.clear();
        self.key.extend_from_slice(key);
        if form.kind == Kind::String {
            self.header(3, adding(form.kind));
            if !form.whole {
                words::begin_word(&mut self.text, form.count as usize);
            }
        }
    }

    fn piece(&mut self, form: Form, piece: Piece<&[u8]>) {
        let kind = form.kind;
        match piece {
            Piece::Text(text) if form.whole => words::put_word(&mut self.text, text),
            Piece::Text(range) => self.text.extend_from_slice(range),
            Piece::Integer(number) => {
                words::put_word(&mut self.text, number.to_string().as_bytes());
            }
            Piece::Element(element) => self.entry(kind, [element]),
            Piece::Elements(blob) => {
                for element in texts(listpack::elements(blob)) {
                    self.entry(kind, [&element[..]]);
                }
            }
            Piece::Pair(field, value) => self.entry(kind, [field, value]),
            Piece::Pairs(blob) => {
                let mut texts = texts(listpack::elements(blob));
                while let (Some(field), Some(value)) = (texts.next(), texts.next()) {
                    self.entry(kind, [&field[..], &value]);
                }
            }
        }
    }

    fn pause(&mut self) -> Result<(), SaveError> {
        self.flush_if_long()
    }

    fn end(&mut self, form: Form) -> Result<(), SaveError> {
        match form.kind {
            Kind::String if form.whole => {}
            Kind::String => words::end_word(&mut self.text),
            Kind::List | Kind::Hash => self.end_group(form.kind),
        }
        self.flush_if_long()
    }
}

fn texts(elements: Elements<'_>) -> impl Iterator<Item = Vec<u8>> {
    elements.map(|element| element.to_vec())
}

/// Entries that go into one command.
#[derive(Default)]
struct Group {
    text: Vec<u8>,
    words: usize,
    entries: usize,
}

impl Group {
    fn word(&mut self, bytes: &[u8]) {
        words::put_word(&mut self.text, bytes);
        self.words += 1;
    }
}
