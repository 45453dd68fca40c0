//! An RDB file in the making: header, databases, keys, end, with a running checksum.
//!
//! The writer holds what has not been taken from it yet; a caller that writes a large file takes
//! the bytes whenever [`Writer::buffered`] passes its bound.
use crate::crc64::Crc64;
use crate::encode::Encoder;
use crate::format::{self, VERSION, ValueType};
use base::UnixMs;

/// What a file says of a key beside its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyMeta {
    /// When the key expires.
    pub expire: Option<UnixMs>,
    /// Seconds since the key was used; written under an LRU policy.
    pub idle: Option<u64>,
    /// The logarithmic use counter; written under an LFU policy.
    pub freq: Option<u8>,
}

/// The attributes that stand first in a file.
#[derive(Clone, Copy, Debug)]
pub struct FileAux<'a> {
    /// The version that other programs are to see, `redis-ver`.
    pub redis_version: &'a str,
    /// Seconds since 1970, `ctime`.
    pub created: i64,
    /// Bytes in use, `used-mem`.
    pub used_memory: u64,
    /// The replication state that a restart may continue from.
    pub replication: Option<ReplicationAux<'a>>,
    /// True for the base file of an append-only file.
    pub aof_base: bool,
}

/// The replication state at the cut.
#[derive(Clone, Copy, Debug)]
pub struct ReplicationAux<'a> {
    /// The database that the stream has selected, -1 for none.
    pub stream_db: i64,
    /// The replication id, 40 characters.
    pub id: &'a str,
    /// The offset of the cut.
    pub offset: i64,
}

/// Writes one file.
#[derive(Debug)]
pub struct Writer {
    value: Encoder,
    crc: Option<Crc64>,
    taken: u64,
}

impl Writer {
    /// Begins a file of version 10. Without `checksum` the file ends in zeroes, which readers take
    /// for "not checked".
    pub fn new(compress: bool, checksum: bool) -> Self {
        let mut value = Encoder::new(compress);
        value
            .bytes_mut()
            .extend_from_slice(format!("REDIS{VERSION:04}").as_bytes());
        Writer {
            value,
            crc: checksum.then(Crc64::new),
            taken: 0,
        }
    }

    /// A named attribute with a text.
    pub fn aux(&mut self, name: &str, text: &[u8]) {
        self.value.byte(format::OP_AUX);
        self.value.string(name.as_bytes());
        self.value.string(text);
    }

    /// A named attribute with a number.
    pub fn aux_integer(&mut self, name: &str, number: i64) {
        self.value.byte(format::OP_AUX);
        self.value.string(name.as_bytes());
        self.value.integer(number);
    }

    /// The attributes that real servers write, in their order.
    pub fn file_aux(&mut self, aux: &FileAux<'_>) {
        self.aux("redis-ver", aux.redis_version.as_bytes());
        self.aux_integer("redis-bits", 64);
        self.aux_integer("ctime", aux.created);
        self.aux_integer("used-mem", aux.used_memory as i64);
        if let Some(replication) = &aux.replication {
            self.aux_integer("repl-stream-db", replication.stream_db);
            self.aux("repl-id", replication.id.as_bytes());
            self.aux_integer("repl-offset", replication.offset);
        }
        self.aux_integer("aof-base", i64::from(aux.aof_base));
    }

    /// The keys that follow belong to this database.
    pub fn select_db(&mut self, db: u32) {
        self.value.byte(format::OP_SELECTDB);
        self.value.length(u64::from(db));
    }

    /// How many keys the database has, and how many of them expire: a hint for readers.
    pub fn resize_db(&mut self, keys: u64, expires: u64) {
        self.value.byte(format::OP_RESIZEDB);
        self.value.length(keys);
        self.value.length(expires);
    }

    /// Begins a key: its attributes, type and name. Its body is to be written to [`Writer::value`]
    /// next.
    pub fn key(&mut self, key: &[u8], meta: &KeyMeta, value_type: ValueType) -> &mut Encoder {
        debug_assert!(self.value.balanced(), "the value before is unfinished");
        if let Some(UnixMs(at)) = meta.expire {
            self.value.byte(format::OP_EXPIRETIME_MS);
            self.value.bytes_mut().extend_from_slice(&at.to_le_bytes());
        }
        if let Some(idle) = meta.idle {
            self.value.byte(format::OP_IDLE);
            self.value.length(idle);
        }
        if let Some(freq) = meta.freq {
            self.value.byte(format::OP_FREQ);
            self.value.byte(freq);
        }
        self.value.byte(value_type as u8);
        self.value.string(key);
        &mut self.value
    }

    /// The body of the key begun last.
    pub fn value(&mut self) -> &mut Encoder {
        &mut self.value
    }

    /// A whole string key.
    pub fn string(&mut self, key: &[u8], meta: &KeyMeta, text: &[u8]) {
        self.key(key, meta, ValueType::String).string(text);
    }

    /// How many bytes wait to be taken.
    pub fn buffered(&self) -> usize {
        self.value.bytes().len()
    }

    /// Bytes of the file so far, taken or not.
    pub fn written(&self) -> u64 {
        self.taken + self.buffered() as u64
    }

    /// Hands what has collected to `sink` and keeps the buffer for more. Can be called between any
    /// two pieces.
    pub fn take<E>(&mut self, sink: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let bytes = self.value.bytes_mut();
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
        self.taken += bytes.len() as u64;
        let result = sink(bytes);
        bytes.clear();
        result
    }

    /// Takes what has collected as a vector of its own.
    pub fn take_vec(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(self.value.bytes_mut());
        if let Some(crc) = &mut self.crc {
            crc.update(&bytes);
        }
        self.taken += bytes.len() as u64;
        bytes
    }

    /// Ends the file; returns its last bytes.
    pub fn finish(mut self) -> Vec<u8> {
        debug_assert!(self.value.balanced(), "the last value is unfinished");
        self.value.byte(format::OP_EOF);
        let mut bytes = self.take_vec();
        let crc = self.crc.as_ref().map_or(0, Crc64::value);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }
}
