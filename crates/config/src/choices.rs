//! Options that are one of a few words: a type for each.

/// Defines a type with its words. The first word of a variant is the one that is shown; an
/// alternative behind `=` is another word for a variant before it.
macro_rules! choices {
    ($($(#[$doc:meta])* $ty:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    } also [$(($other:literal, $means:ident)),*] listed [$($listed:literal),*];)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub enum $ty {
                #[default]
                $($(#[$variant_doc])* $variant,)*
            }

            impl $ty {
                /// The words, in the order of messages.
                pub const WORDS: &'static [&'static str] = &[$($listed),*];

                /// The word shown for it.
                pub fn word(self) -> &'static str {
                    match self { $($ty::$variant => $word,)* }
                }

                /// What a word means, upper and lower case alike.
                pub fn parse(word: &[u8]) -> Option<$ty> {
                    let is = |text: &str| word.eq_ignore_ascii_case(text.as_bytes());
                    $(if is($word) { return Some($ty::$variant); })*
                    $(if is($other) { return Some($ty::$means); })*
                    None
                }
            }
        )*
    };
}

choices! {
    /// How important a log line is.
    LogLevel {
        /// For developers.
        Debug = "debug",
        /// More than most want to know.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// What an operator must know.
        Warning = "warning",
        /// Log nothing.
        Nothing = "nothing",
    } also [] listed ["debug", "verbose", "notice", "warning", "nothing"];
    /// Which supervisor is told that the server is ready.
    Supervised {
        /// None.
        No = "no",
        /// systemd, through its socket.
        Systemd = "systemd",
        /// upstart, by stopping itself.
        Upstart = "upstart",
        /// Whichever the environment names.
        Auto = "auto",
    } also [] listed ["upstart", "systemd", "auto", "no"];
    /// Facility of syslog lines.
    SyslogFacility {
        /// User processes.
        User = "user",
        /// Local use 0.
        Local0 = "local0",
        /// Local use 1.
        Local1 = "local1",
        /// Local use 2.
        Local2 = "local2",
        /// Local use 3.
        Local3 = "local3",
        /// Local use 4.
        Local4 = "local4",
        /// Local use 5.
        Local5 = "local5",
        /// Local use 6.
        Local6 = "local6",
        /// Local use 7.
        Local7 = "local7",
    } also [] listed ["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
    /// Who may do something dangerous.
    ProtectedAction {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Clients on this machine.
        Local = "local",
    } also [] listed ["no", "yes", "local"];
    /// Whether the kernel's choice of victims is influenced.
    OomScoreAdj {
        /// It is not.
        No = "no",
        /// Relative to the score at start.
        Yes = "yes",
        /// By absolute scores.
        Absolute = "absolute",
    } also [("relative", Yes)] listed ["no", "yes", "relative", "absolute"];
    /// What to do when a command from the master fails.
    PropagationError {
        /// Log it.
        Ignore = "ignore",
        /// End the process.
        Panic = "panic",
        /// End the process of a replica.
        PanicOnReplicas = "panic-on-replicas",
    } also [] listed ["ignore", "panic", "panic-on-replicas"];
    /// Channels that a new user may use.
    PubsubDefault {
        /// All.
        AllChannels = "allchannels",
        /// None.
        ResetChannels = "resetchannels",
    } also [] listed ["allchannels", "resetchannels"];
    /// Which payloads are checked in depth.
    SanitizeDump {
        /// None.
        No = "no",
        /// All.
        Yes = "yes",
        /// Those from clients.
        Clients = "clients",
    } also [] listed ["no", "yes", "clients"];
    /// When the append-only file is synced.
    AppendFsync {
        /// Once a second.
        Everysec = "everysec",
        /// Before replies are sent.
        Always = "always",
        /// When the system likes.
        No = "no",
    } also [] listed ["everysec", "always", "no"];
    /// How a replica loads a full sync.
    DisklessLoad {
        /// From a file.
        Disabled = "disabled",
        /// From the link if it has no data, else from a file.
        OnEmptyDb = "on-empty-db",
        /// From the link, keeping the old data until the new is complete.
        SwapDb = "swapdb",
    } also [] listed ["disabled", "on-empty-db", "swapdb"];
    /// What nodes are named by to clients.
    EndpointType {
        /// Address.
        Ip = "ip",
        /// Host name.
        Hostname = "hostname",
        /// Nothing: clients use the address they know.
        UnknownEndpoint = "unknown-endpoint",
    } also [] listed ["ip", "hostname", "unknown-endpoint"];
    /// What to evict at the memory limit.
    EvictionPolicy {
        /// Keys with expiry, least recently used first.
        VolatileLru = "volatile-lru",
        /// Keys with expiry, least often used first.
        VolatileLfu = "volatile-lfu",
        /// Keys with expiry, at random.
        VolatileRandom = "volatile-random",
        /// Keys with expiry, soonest first.
        VolatileTtl = "volatile-ttl",
        /// Least recently used first.
        AllkeysLru = "allkeys-lru",
        /// Least often used first.
        AllkeysLfu = "allkeys-lfu",
        /// At random.
        AllkeysRandom = "allkeys-random",
        /// Nothing: writes fail.
        NoEviction = "noeviction",
    } also [] listed ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"];
    /// What to do with files of unknown versions.
    VersionCheck {
        /// Refuse them.
        Strict = "strict",
        /// Try to read them.
        Relaxed = "relaxed",
    } also [] listed ["strict", "relaxed"];
    /// Whether TLS clients must show a certificate.
    TlsAuthClients {
        /// They are not asked.
        No = "no",
        /// They must.
        Yes = "yes",
        /// They may.
        Optional = "optional",
    } also [] listed ["no", "yes", "optional"];
}
