//! RDB files, DUMP payloads, append-only files and their manifests: codecs without I/O.
//!
//! The writing half ([`encode`], [`writer`], [`dump`]) turns values into bytes piece by piece, so
//! that a value of any size passes through a small buffer. The reading half ([`reader`]) pulls
//! bytes from any [`std::io::Read`] and yields events; what it reads is foreign, so every length is
//! bounded by the bytes that really arrive, every packed blob is checked to the last byte, and what
//! this store cannot hold is refused by name instead of being dropped.
#![forbid(unsafe_code)]

pub mod aof;
pub mod crc64;
pub mod dump;
pub mod encode;
pub mod format;
#[doc(hidden)]
pub mod fuzz;
pub mod lzf;
pub mod object;
pub mod packed;
pub mod reader;
pub mod types;
pub mod writer;

pub use encode::Encoder;
pub use format::{VERSION, ValueType};
pub use reader::{Error, ErrorKind, Event, Foreign, Reader};
pub use types::Piece;
pub use writer::{KeyMeta, Writer};
