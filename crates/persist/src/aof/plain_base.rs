//! A base of commands (`aof-use-rdb-preamble no`): what makes the data set again, key by key.

use crate::save::{CHUNK, Progress, SaveError, SaveOptions, Saved, walk};
use base::words;
use ds::{Object, Pin, ValueRef};
use rdb::aof::{put_command, put_timestamp};
use std::io::Write;
use std::sync::atomic::Ordering;
use store::{Image, Locker, Tap};

/// How many elements a command has at most, as in Redis.
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
        let (key, expire) = (pin.key().to_vec(), pin.expire());
        match pin {
            Pin::Whole(object) => self.whole(&key, &object)?,
            Pin::Str(_, mut pin) => {
                self.header(3, b"SET", &key);
                words::begin_word(&mut self.text, pin.len());
                let mut more = true;
                while more {
                    more = pin.next(&mut |range| self.text.extend_from_slice(range));
                    self.flush_if_long()?;
                }
                words::end_word(&mut self.text);
            }
            Pin::Hash(_, mut pin) => {
                let mut group = Group::default();
                let mut more = true;
                while more {
                    more = pin.next(ELEMENTS, &mut |field, value| group.pair(field, value));
                    self.group(b"HMSET", &key, &mut group)?;
                }
            }
        }
        if let Some(at) = expire {
            let at = at.to_string();
            put_command(&mut self.text, &[b"PEXPIREAT", &key, at.as_bytes()]);
        }
        self.flush_if_long()
    }

    fn whole(&mut self, key: &[u8], object: &Object) -> Result<(), SaveError> {
        let mut group = Group::default();
        match object.value() {
            ValueRef::Int(number) => {
                put_command(
                    &mut self.text,
                    &[b"SET", key, number.to_string().as_bytes()],
                );
            }
            ValueRef::Str(text) => put_command(&mut self.text, &[b"SET", key, text]),
            ValueRef::List(list) => {
                for item in list.iter() {
                    group.word(&item.to_vec());
                    if group.words == ELEMENTS {
                        self.group(b"RPUSH", key, &mut group)?;
                    }
                }
                self.group(b"RPUSH", key, &mut group)?;
            }
            ValueRef::Hash(hash) => {
                for (field, value) in hash.iter() {
                    group.pair(&field.to_vec(), &value.to_vec());
                    if group.words == 2 * ELEMENTS {
                        self.group(b"HMSET", key, &mut group)?;
                    }
                }
                self.group(b"HMSET", key, &mut group)?;
            }
        }
        Ok(())
    }

    /// The command that adds what a group holds, which is empty then.
    fn group(&mut self, name: &[u8], key: &[u8], group: &mut Group) -> Result<(), SaveError> {
        if group.words == 0 {
            return Ok(());
        }
        self.header(2 + group.words, name, key);
        self.text.extend_from_slice(&group.text);
        group.text.clear();
        group.words = 0;
        self.flush_if_long()
    }

    /// The beginning of a command of so many words.
    fn header(&mut self, words: usize, name: &[u8], key: &[u8]) {
        words::begin(&mut self.text, words);
        words::put_word(&mut self.text, name);
        words::put_word(&mut self.text, key);
    }
}

/// Elements that go into one command.
#[derive(Default)]
struct Group {
    text: Vec<u8>,
    words: usize,
}

impl Group {
    fn word(&mut self, bytes: &[u8]) {
        words::put_word(&mut self.text, bytes);
        self.words += 1;
    }

    fn pair(&mut self, field: &[u8], value: &[u8]) {
        self.word(field);
        self.word(value);
    }
}
