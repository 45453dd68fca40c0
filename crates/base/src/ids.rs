//! Newtypes for the names and numbers that protocols carry.

/// Declares a 40-character lower-case hexadecimal name.
macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 40]);

        impl $name {
            /// How many characters a name has.
            pub const LEN: usize = 40;

            /// Reads a name: exactly 40 characters of `0-9a-f`.
            pub fn parse(text: &[u8]) -> Option<$name> {
                let name: [u8; 40] = text.try_into().ok()?;
                let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
                name.iter().all(hex).then_some($name(name))
            }

            /// The name that spells the given 20 random bytes.
            pub fn from_random(random: [u8; 20]) -> $name {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut name = [0; 40];
                for (pair, byte) in name.chunks_exact_mut(2).zip(random) {
                    pair[0] = DIGITS[usize::from(byte >> 4)];
                    pair[1] = DIGITS[usize::from(byte & 15)];
                }
                $name(name)
            }

            /// The 40 characters as bytes.
            pub fn as_bytes(&self) -> &[u8; 40] {
                &self.0
            }

            /// The 40 characters as text.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
}

hex_name! {
    /// The name of a cluster node.
    NodeId
}
hex_name! {
    /// The name of a shard: a primary and its replicas.
    ShardId
}
hex_name! {
    /// The name of a replication history.
    ReplId
}

impl ReplId {
    /// The name of no history at all: forty zeros, as Redis writes an unset second history.
    pub const NONE: ReplId = ReplId([b'0'; 40]);
}

/// A configuration epoch or the cluster's current epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// A replication offset in bytes of the replication stream; -1 where Redis writes "none".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(pub i64);

/// Milliseconds since 1970 by the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixMs(pub i64);

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
