//! Who a command comes from.

/// Who a command comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Caller {
    /// A client's connection.
    #[default]
    Client,
    /// The transaction of a client, whose slots are locked already: its commands wait for nothing.
    Exec,
    /// The primary's stream.
    Stream,
    /// An append-only file that is loaded.
    Log,
}

impl Caller {
    /// Whether the command was executed before: it is not checked, not redirected, expires nothing,
    /// and is journalled as it came or not at all.
    #[inline]
    pub fn replays(self) -> bool {
        matches!(self, Caller::Stream | Caller::Log)
    }

    /// Whether it may wait for something outside of the engine: its connection is parked meanwhile.
    #[inline]
    pub fn may_wait(self) -> bool {
        self == Caller::Client
    }

    /// The caller of the commands of a transaction.
    pub(crate) fn in_exec(self) -> Caller {
        match self {
            Caller::Client => Caller::Exec,
            other => other,
        }
    }
}
