//! What an option changes: whether what it governs exists, which part of the server is told of its
//! value, and where a change is seen.

/// Whether what an option governs exists in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It exists, and obeys.
    Live,
    /// It does not exist here, and nothing that exists would behave differently: any valid value is
    /// taken and given back.
    Stored,
    /// It does not exist here, and to ignore the option would weaken the safety of data, security
    /// or a limit: only the default is taken. Holds the reason.
    Refused(&'static str),
}

/// A part of the server that goes by what it was told: once when the server starts, and by each
/// CONFIG SET that changes an option of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The copy of settings that commands and connections go by.
    Commands,
    /// Where the server listens for clients.
    Listening,
    /// How many clients there may be.
    Clients,
    /// Probes of connections that are accepted from now on.
    Keepalive,
    /// Which lines are logged.
    Log,
    /// How keys that have expired are deleted.
    Expiry,
    /// The allocator.
    Allocator,
    /// Whether a replica without its primary serves what it has.
    StaleData,
    /// What is kept of the stream for replicas.
    Backlog,
    /// The cluster bus.
    Bus,
    /// The limit of memory.
    MemoryLimit,
    /// Whether writes are refused, because saving fails or replicas are missing.
    WriteRefusal,
    /// How the append-only file is written.
    AppendOnlyWriter,
    /// Whether there is an append-only file.
    AppendOnlySwitch,
}

impl Effect {
    /// Every effect.
    pub const ALL: &'static [Effect] = &[
        Effect::Commands,
        Effect::Listening,
        Effect::Clients,
        Effect::Keepalive,
        Effect::Log,
        Effect::Expiry,
        Effect::Allocator,
        Effect::StaleData,
        Effect::Backlog,
        Effect::Bus,
        Effect::MemoryLimit,
        Effect::WriteRefusal,
        Effect::AppendOnlyWriter,
        Effect::AppendOnlySwitch,
    ];
}

/// Where a change of an option is seen, other than in CONFIG GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observer {
    /// Nobody has said where: right for options that change nothing.
    Unsaid,
    /// INFO has the value in this field; yes and no are 1 and 0.
    Info(&'static str),
    /// Elsewhere.
    In(&'static str),
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}
