//! The table against real servers: what they say about commands, and the keys they find.

mod facts;
mod getkeys;
mod hints;
mod rendering;
mod served;
mod unknown;
