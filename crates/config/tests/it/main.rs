//! The option table against real servers: names, defaults, texts of errors, files written back.

mod defaults;
mod disk;
mod errors;
mod page;
mod rewriting;
mod setting;
mod starting;
mod words;
