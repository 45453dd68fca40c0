//! Bit sets of the table: command flags, access categories, and what a command does to a key.
//!
//! The names and their order are those of `COMMAND INFO`; the bit numbers are ours and are not
//! stored anywhere.

/// Defines one bit set: its type, its bits as `u32` constants in a module, and its names.
macro_rules! bit_set {
    ($(#[$doc:meta])* $ty:ident in $module:ident {
        $($(#[$bit_doc:meta])* $bit:ident = $name:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $ty(pub u32);

        #[doc = concat!("The bits of [`", stringify!($ty), "`](super::", stringify!($ty), ").")]
        pub mod $module {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Position { $($bit,)* }
            $($(#[$bit_doc])* pub const $bit: u32 = 1 << Position::$bit as u32;)*
        }

        impl $ty {
            /// Every bit with the name clients know, in the order replies list them. An empty
            /// name marks a bit that replies do not show.
            pub const NAMES: &'static [(u32, &'static str)] = &[$(($module::$bit, $name),)*];

            /// Whether any of `bits` is set.
            #[inline]
            pub const fn has(self, bits: u32) -> bool {
                self.0 & bits != 0
            }

            /// The shown names of the bits that are set, in reply order.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES
                    .iter()
                    .filter(move |(bit, name)| self.has(*bit) && !name.is_empty())
                    .map(|(_, name)| *name)
            }

            /// The bit with this name, upper and lower case alike.
            pub fn bit(name: &[u8]) -> Option<u32> {
                let found = |n: &&(u32, &str)| {
                    !n.1.is_empty() && n.1.as_bytes().eq_ignore_ascii_case(name)
                };
                Self::NAMES.iter().find(found).map(|(bit, _)| *bit)
            }
        }
    };
}

bit_set! {
    /// What a command is and where it may run.
    Flags in flag {
        /// Changes the key space.
        WRITE = "write",
        /// Reads the key space and changes nothing.
        READONLY = "readonly",
        /// Refused while memory is over the limit.
        DENYOOM = "denyoom",
        /// Needs an administrator.
        ADMIN = "admin",
        /// About publish and subscribe.
        PUBSUB = "pubsub",
        /// Not for scripts.
        NOSCRIPT = "noscript",
        /// May wait for something.
        BLOCKING = "blocking",
        /// Runs while the data set is loading.
        LOADING = "loading",
        /// Runs on a replica whose data is stale.
        STALE = "stale",
        /// Not shown by MONITOR.
        SKIP_MONITOR = "skip_monitor",
        /// Not entered into the slow log.
        SKIP_SLOWLOG = "skip_slowlog",
        /// Comes with an ASKING of its own.
        ASKING = "asking",
        /// Takes constant or logarithmic time.
        FAST = "fast",
        /// Runs before the connection has identified itself.
        NO_AUTH = "no_auth",
        /// Sends something to replicas though it is no write.
        MAY_REPLICATE = "may_replicate",
        /// Takes keys, but none is a valid number of them.
        NO_MANDATORY_KEYS = "no_mandatory_keys",
        /// Refused while a data set is loaded beside the one that serves.
        NO_ASYNC_LOADING = "no_async_loading",
        /// Refused inside MULTI.
        NO_MULTI = "no_multi",
        /// The key specs alone cannot tell where the keys are.
        MOVABLE_KEYS = "movablekeys",
        /// Runs while a script is past its time.
        ALLOW_BUSY = "allow_busy",
        /// Refused unless the configuration allows it (`enable-debug-command`).
        PROTECTED = "",
        /// Sees and changes the whole key space at one instant.
        WORLD = "",
        /// As `WORLD`, in a transaction only.
        WORLD_IN_EXEC = "",
        /// Finds out only while it runs which slots it touches: a transaction that holds it takes
        /// the token before it begins.
        WANDERS = "",
        /// Groups subcommands.
        CONTAINER = "",
        /// Runs at once between MULTI and EXEC.
        NOT_QUEUED = "",
    }
}

bit_set! {
    /// The access categories a command is in.
    Acl in acl {
        /// Any kind of value.
        KEYSPACE = "@keyspace",
        /// Reads keys.
        READ = "@read",
        /// Changes keys.
        WRITE = "@write",
        /// Sets.
        SET = "@set",
        /// Sorted sets.
        SORTEDSET = "@sortedset",
        /// Lists.
        LIST = "@list",
        /// Hashes.
        HASH = "@hash",
        /// Strings.
        STRING = "@string",
        /// Bits of strings.
        BITMAP = "@bitmap",
        /// Cardinality estimates.
        HYPERLOGLOG = "@hyperloglog",
        /// Places on the globe.
        GEO = "@geo",
        /// Streams.
        STREAM = "@stream",
        /// Publish and subscribe.
        PUBSUB = "@pubsub",
        /// Administration.
        ADMIN = "@admin",
        /// Fast commands.
        FAST = "@fast",
        /// All commands that are not fast.
        SLOW = "@slow",
        /// Commands that may wait.
        BLOCKING = "@blocking",
        /// Commands that can do harm.
        DANGEROUS = "@dangerous",
        /// About the connection.
        CONNECTION = "@connection",
        /// Transactions.
        TRANSACTION = "@transaction",
        /// Scripts.
        SCRIPTING = "@scripting",
    }
}

bit_set! {
    /// What a command does to one of its keys. The first four concern the key's value as a whole
    /// and exclude each other; of the next four, all that apply are set.
    KeyFlags in key {
        /// Reads the value.
        RO = "RO",
        /// Reads and changes the value.
        RW = "RW",
        /// Overwrites the value without looking at it.
        OW = "OW",
        /// Removes the key.
        RM = "RM",
        /// User data is returned, copied or otherwise derived from.
        ACCESS = "access",
        /// User data is changed, in a way that may depend on what it was.
        UPDATE = "update",
        /// User data is added.
        INSERT = "insert",
        /// User data is removed on request.
        DELETE = "delete",
        /// Not a key, though it is routed like one (a shard channel).
        NOT_KEY = "not_key",
        /// The spec may miss keys.
        INCOMPLETE = "incomplete",
        /// Which flags hold depends on the arguments.
        VARIABLE_FLAGS = "variable_flags",
    }
}
