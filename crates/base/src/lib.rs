//! Words that every crate shares: slots, node ids, epochs, offsets, glob, number and quoted text,
//! the form of a command, random numbers.
//!
//! Nothing here does I/O, reads a clock or holds state.
#![forbid(unsafe_code)]

mod crc16;
pub mod glob;
mod ids;
pub mod num;
mod quoted;
mod slot;
mod slot_set;
mod split_mix;
pub mod words;

pub use crc16::crc16;
pub use ids::{Epoch, NodeId, Offset, ReplId, ShardId, UnixMs};
pub use quoted::quote;
pub use slot::Slot;
pub use slot_set::SlotSet;
pub use split_mix::SplitMix64;

#[cfg(test)]
mod tests;
