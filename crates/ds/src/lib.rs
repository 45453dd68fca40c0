//! Data structures: listpack, list tree, hash table, and the values made of them.
//!
//! Nothing here knows of clients, replies, slots or journals. A value is changed by whoever holds
//! it exclusively; what lets others look at it meanwhile (prefetch, pins) is spelt out where it
//! is offered.

pub mod access;
#[cfg(test)]
mod dice;
mod elements;
pub mod hash;
mod limits;
pub mod list;
pub mod listpack;
pub mod lock;
pub mod object;
pub mod pin;
pub mod siphash;
pub mod sizes;
pub mod table;

pub use hash::{Hash, HashLimits, HashPin};
pub use limits::Limits;
pub use list::{List, ListLimits, ListSnapshot};
pub use listpack::{Item, Listpack, ListpackError};
pub use object::{Kind, Object, StrPin, Value, ValueMut, ValueRef};
pub use pin::{Head, Meter, Pin};
pub use table::{Entry, Table, set_shrinking};
