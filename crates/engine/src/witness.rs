//! What each thread executes at the moment, for the report of a crash.

use std::cell::Cell;

use base::Slot;
use commands::Spec;

/// A command under way.
#[derive(Clone, Copy, Debug)]
pub struct Executing {
    /// Its row.
    pub spec: &'static Spec,
    /// The slot of its first key, if it has keys.
    pub slot: Option<Slot>,
}

thread_local! {
    static EXECUTING: Cell<Option<Executing>> = const { Cell::new(None) };
}

/// This thread begins a command.
#[inline]
pub(crate) fn begins(spec: &'static Spec, slot: Option<Slot>) {
    EXECUTING.set(Some(Executing { spec, slot }));
}

/// The command that this thread began last; `None` before its first.
pub fn executing() -> Option<Executing> {
    EXECUTING.get()
}
