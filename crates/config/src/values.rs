//! Values with a shape of their own.

/// Save after this many seconds if at least this many changes happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save, at least 1.
    pub seconds: i64,
    /// Changes since the last save.
    pub changes: i64,
}

/// How much may wait to be sent to a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once; 0: no limit.
    pub hard: u64,
    /// Bytes at which the client is closed after `seconds`; 0: no limit.
    pub soft: u64,
    /// How long `soft` may be passed.
    pub seconds: i64,
}

/// Bounds for each class of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients, MONITOR among them.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients with subscriptions.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    /// The classes by the names that CONFIG GET uses, in its order.
    pub fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [
            ("normal", self.normal),
            ("slave", self.replica),
            ("pubsub", self.pubsub),
        ]
    }
}

/// Where the master is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaOf {
    /// Host name or address.
    pub host: Vec<u8>,
    /// Port.
    pub port: u16,
}

/// How a signal shuts the server down; nothing set: as SHUTDOWN without options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownOn(u8);

impl ShutdownOn {
    const SAVE: u8 = 1;
    const NOSAVE: u8 = 2;
    const NOW: u8 = 4;
    const FORCE: u8 = 8;
    /// Names and bits, in the order of messages.
    pub(crate) const NAMES: [(&'static str, u8); 5] = [
        ("default", 0),
        ("save", Self::SAVE),
        ("nosave", Self::NOSAVE),
        ("now", Self::NOW),
        ("force", Self::FORCE),
    ];

    pub(crate) fn from_bits(bits: u8) -> ShutdownOn {
        ShutdownOn(bits)
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// Save even if no save points are set.
    pub fn save(self) -> bool {
        self.0 & Self::SAVE != 0
    }

    /// Do not save even if save points are set.
    pub fn nosave(self) -> bool {
        self.0 & Self::NOSAVE != 0
    }

    /// Do not wait for replicas.
    pub fn now(self) -> bool {
        self.0 & Self::NOW != 0
    }

    /// Go even if saving fails.
    pub fn force(self) -> bool {
        self.0 & Self::FORCE != 0
    }
}

/// Kinds of key events, and the channels they are published on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyEvents(pub u32);

impl NotifyEvents {
    /// Letters and bits.
    const LETTERS: [(u8, u32); 15] = [
        (b'g', 1 << 0),
        (b'$', 1 << 1),
        (b'l', 1 << 2),
        (b's', 1 << 3),
        (b'h', 1 << 4),
        (b'z', 1 << 5),
        (b'x', 1 << 6),
        (b'e', 1 << 7),
        (b't', 1 << 8),
        (b'd', 1 << 9),
        (b'n', 1 << 10),
        (b'K', 1 << 11),
        (b'E', 1 << 12),
        (b'm', 1 << 13),
        (b'A', Self::ALL),
    ];
    /// What `A` stands for: all kinds but new keys and misses.
    const ALL: u32 = (1 << 10) - 1;

    pub(crate) fn parse(text: &[u8]) -> Option<NotifyEvents> {
        let bit = |letter: &u8| {
            Self::LETTERS
                .iter()
                .find(|(l, _)| l == letter)
                .map(|(_, b)| *b)
        };
        text.iter()
            .try_fold(0, |bits, letter| Some(bits | bit(letter)?))
            .map(NotifyEvents)
    }

    /// The letters as CONFIG GET shows them: behind `A`, Redis leaves out the `n`.
    pub(crate) fn text(self) -> Vec<u8> {
        let mut text = self.whole_text();
        if text.first() == Some(&b'A') {
            text.retain(|letter| *letter != b'n');
        }
        text
    }

    /// All letters.
    pub(crate) fn whole_text(self) -> Vec<u8> {
        let whole = self.0 & Self::ALL == Self::ALL;
        let mut text = Vec::new();
        if whole {
            text.push(b'A');
        }
        for (letter, bit) in &Self::LETTERS[..14] {
            if self.0 & bit != 0 && !(whole && bit & Self::ALL != 0) {
                text.push(*letter);
            }
        }
        text
    }
}
