//! The numbers of the RDB format: versions, opcodes, value types and their names.

/// The version that files and payloads are written in: the lowest that holds strings, lists and
/// hashes, read by Redis 7.0 and everything later.
pub const VERSION: u16 = 10;
/// Versions of the Redis line that are read. What a later version added is refused by type, never
/// misread.
pub const OLDEST_READ: u32 = 1;
/// See [`OLDEST_READ`].
pub const NEWEST_READ: u32 = 14;
/// The version number of Valkey's own line, which goes with the signature `VALKEY`.
pub const VALKEY_VERSION: u32 = 80;

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

impl ValueType {
    /// The type of this number if its values are read.
    pub fn from_byte(byte: u8) -> Option<ValueType> {
        Some(match byte {
            0 => ValueType::String,
            1 => ValueType::List,
            4 => ValueType::Hash,
            9 => ValueType::HashZipmap,
            10 => ValueType::ListZiplist,
            13 => ValueType::HashZiplist,
            14 => ValueType::ListQuicklist,
            16 => ValueType::HashListpack,
            18 => ValueType::ListQuicklist2,
            _ => return None,
        })
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
    /// A value of a type that this store does not hold, passed over by [`crate::Foreign::Skip`].
    Foreign,
}

/// The name of a type or opcode for messages, in the words of `redis-check-rdb` where it has one.
pub fn type_name(byte: u8) -> &'static str {
    match byte {
        0 => "string",
        1 => "list-linked",
        2 => "set-hashtable",
        3 => "zset-v1",
        4 => "hash-hashtable",
        5 => "zset-v2",
        6 | 7 => "module-value",
        9 => "hash-zipmap",
        10 => "list-ziplist",
        11 => "set-intset",
        12 => "zset-ziplist",
        13 => "hash-ziplist",
        14 => "quicklist",
        15 => "stream",
        16 => "hash-listpack",
        17 => "zset-listpack",
        18 => "quicklist-v2",
        19 => "stream-v2",
        20 => "set-listpack",
        21 => "stream-v3",
        22 => "hash-metadata-prega",
        23 => "hash-listpack-prega",
        24 => "hash-metadata",
        25 => "hash-listpack-md",
        OP_FUNCTION | OP_FUNCTION_PRE_GA => "function",
        OP_MODULE_AUX => "module-aux",
        _ => "unknown",
    }
}

/// What a type that is not read would have been, in plain words.
pub fn foreign_name(byte: u8) -> Option<&'static str> {
    Some(match byte {
        2 | 11 | 20 => "a set",
        3 | 5 | 12 | 17 => "a sorted set",
        6 | 7 => "a module value",
        15 | 19 | 21 | 26 | 27 => "a stream",
        22..=25 => "a hash whose fields expire",
        28 => "an array",
        _ => return None,
    })
}
