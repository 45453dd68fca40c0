//! The numbers of the RDB format: versions, opcodes, value types and their names.

use std::ops::RangeInclusive;

/// The version that files and payloads are written in: the lowest that holds strings, lists and
/// hashes, read by Redis 7.0 and everything later.
pub const VERSION: u16 = 10;

/// The version of one file or payload: who wrote it. The two lines of servers give some type bytes
/// different meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number in its line.
    pub number: u32,
    /// Whether it is of Valkey's own line, not of Redis's.
    pub valkey: bool,
}

/// Versions of the Redis line that are read. What a later version added is refused by type, never
/// misread.
const READ: RangeInclusive<u32> = 1..=14;
/// The version of Valkey's own line that is read, which goes with the signature `VALKEY`. A payload
/// has no signature; there the number tells the line.
const READ_VALKEY: u32 = 80;

impl Version {
    /// Of a payload's number.
    pub fn of_payload(number: u16) -> Version {
        let number = u32::from(number);
        Version {
            number,
            valkey: number == READ_VALKEY,
        }
    }

    /// Whether a file of it is read.
    pub fn is_read(self) -> bool {
        match self.valkey {
            false => READ.contains(&self.number),
            true => self.number == READ_VALKEY,
        }
    }
}

/// An opcode of a slot's sizes (Redis 7.4 in cluster mode, Valkey 8).
pub const OP_SLOT_INFO: u8 = 244;
/// A function library.
pub const OP_FUNCTION: u8 = 245;
/// A function library as release candidates of 7.0 wrote it.
pub const OP_FUNCTION_PRE_GA: u8 = 246;
/// A module's data outside of keys.
pub const OP_MODULE_AUX: u8 = 247;
/// Seconds that the next key has been idle.
pub const OP_IDLE: u8 = 248;
/// The use counter of the next key.
pub const OP_FREQ: u8 = 249;
/// A named attribute of the file.
pub const OP_AUX: u8 = 250;
/// Sizes of the database that follows.
pub const OP_RESIZEDB: u8 = 251;
/// Expiry of the next key in Unix milliseconds.
pub const OP_EXPIRETIME_MS: u8 = 252;
/// Expiry of the next key in Unix seconds.
pub const OP_EXPIRETIME: u8 = 253;
/// The database that the next keys belong to.
pub const OP_SELECTDB: u8 = 254;
/// The end; the checksum follows.
pub const OP_EOF: u8 = 255;

/// Container of a list node that is one element.
pub const NODE_PLAIN: u64 = 1;
/// Container of a list node that is a listpack.
pub const NODE_PACKED: u64 = 2;

/// The value types that are read, and the four of them that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    /// One string. Written.
    String = 0,
    /// A list, element by element.
    List = 1,
    /// A hash, pair by pair. Written.
    Hash = 4,
    /// A small hash as a zipmap.
    HashZipmap = 9,
    /// A list as one ziplist.
    ListZiplist = 10,
    /// A small hash as a ziplist.
    HashZiplist = 13,
    /// A list of ziplists.
    ListQuicklist = 14,
    /// A small hash as a listpack. Written.
    HashListpack = 16,
    /// A list of listpacks and plain elements. Written.
    ListQuicklist2 = 18,
}

/// What a type byte stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Values that are read.
    Read(ValueType),
    /// Values that this store does not hold, in plain words with article.
    Foreign(&'static str),
}

/// The name of a value type, in the words of `redis-check-rdb` where it has one, and what it stands
/// for.
fn row(byte: u8) -> Option<(&'static str, Meaning)> {
    use Meaning::{Foreign, Read};
    Some(match byte {
        0 => ("string", Read(ValueType::String)),
        1 => ("list-linked", Read(ValueType::List)),
        2 => ("set-hashtable", Foreign("a set")),
        3 => ("zset-v1", Foreign("a sorted set")),
        4 => ("hash-hashtable", Read(ValueType::Hash)),
        5 => ("zset-v2", Foreign("a sorted set")),
        6 | 7 => ("module-value", Foreign("a module value")),
        9 => ("hash-zipmap", Read(ValueType::HashZipmap)),
        10 => ("list-ziplist", Read(ValueType::ListZiplist)),
        11 => ("set-intset", Foreign("a set")),
        12 => ("zset-ziplist", Foreign("a sorted set")),
        13 => ("hash-ziplist", Read(ValueType::HashZiplist)),
        14 => ("quicklist", Read(ValueType::ListQuicklist)),
        15 => ("stream", Foreign("a stream")),
        16 => ("hash-listpack", Read(ValueType::HashListpack)),
        17 => ("zset-listpack", Foreign("a sorted set")),
        18 => ("quicklist-v2", Read(ValueType::ListQuicklist2)),
        19 => ("stream-v2", Foreign("a stream")),
        20 => ("set-listpack", Foreign("a set")),
        21 => ("stream-v3", Foreign("a stream")),
        22 => ("hash-metadata-prega", Foreign("a hash whose fields expire")),
        23 => ("hash-listpack-prega", Foreign("a hash whose fields expire")),
        24 => ("hash-metadata", Foreign("a hash whose fields expire")),
        25 => ("hash-listpack-md", Foreign("a hash whose fields expire")),
        26 | 27 => ("unknown", Foreign("a stream")),
        28 => ("unknown", Foreign("an array")),
        _ => return None,
    })
}

/// What a type byte stands for; nothing, if nobody here knows it.
pub fn meaning(byte: u8) -> Option<Meaning> {
    row(byte).map(|(_, meaning)| meaning)
}

impl ValueType {
    /// The type of this number if its values are read.
    pub fn from_byte(byte: u8) -> Option<ValueType> {
        match meaning(byte)? {
            Meaning::Read(value_type) => Some(value_type),
            Meaning::Foreign(_) => None,
        }
    }

    /// What a value of this type becomes.
    pub fn kind(self) -> Kind {
        match self {
            ValueType::String => Kind::String,
            ValueType::List
            | ValueType::ListZiplist
            | ValueType::ListQuicklist
            | ValueType::ListQuicklist2 => Kind::List,
            ValueType::Hash
            | ValueType::HashZipmap
            | ValueType::HashZiplist
            | ValueType::HashListpack => Kind::Hash,
        }
    }
}

/// The data types that values turn into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One string.
    String,
    /// An ordered collection.
    List,
    /// A collection of field and value pairs.
    Hash,
}

/// The name of a type or opcode for messages, in the words of `redis-check-rdb` where it has one.
pub fn type_name(byte: u8) -> &'static str {
    match byte {
        OP_FUNCTION | OP_FUNCTION_PRE_GA => "function",
        OP_MODULE_AUX => "module-aux",
        _ => row(byte).map_or("unknown", |(name, _)| name),
    }
}
