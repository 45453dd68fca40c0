//! What the engine knows of one connection.

use crate::clients::flags;
use crate::transaction::{Rest, Transaction};
use crate::{Caller, ClientCard};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Watch;

/// What CLIENT REPLY has set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReplyMode {
    /// Replies are sent.
    #[default]
    On,
    /// No replies are sent.
    Off,
    /// The reply of the next command is not sent.
    SkipNext,
    /// The reply of this command is not sent.
    Skip,
}

/// One connection's state.
pub struct Session {
    /// What other connections may see of it.
    pub card: Arc<ClientCard>,
    /// The number of its database.
    pub db: u16,
    /// Whether it speaks RESP3.
    pub resp3: bool,
    /// Whether it has logged in, or need not.
    pub authenticated: bool,
    /// READONLY: it accepts reads from a replica.
    pub readonly: bool,
    /// ASKING: its next command may touch an importing slot.
    pub asking: bool,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// CLIENT NO-TOUCH: its reads leave no trace.
    pub no_touch: bool,
    /// The transaction that is being queued.
    pub transaction: Option<Transaction>,
    /// Set when a watched key changed.
    pub watch: Watch,
    /// The keys it watches: number of the database and key.
    pub watched: Vec<(u16, Box<[u8]>)>,
    /// Replication offset after its last write, for WAIT.
    pub write_offset: i64,
    /// Sequence number of its last write in the journal, for WAITAOF.
    pub write_sequence: u64,
    /// Who its commands come from.
    pub caller: Caller,
    /// What its command is to be told once it is known that this node serves its slot: there is no
    /// memory for it.
    pub(crate) memory_refusal: Option<&'static str>,
    /// How often its command found a slot locked after having had others.
    pub(crate) misses: u8,
    /// How far its KEYS has come, when it waits for a slot.
    pub(crate) keys_so_far: Option<Box<crate::family::generic::scan::KeysSoFar>>,
    /// What is left of its transaction, when that waits for something outside of the engine.
    pub(crate) rest: Option<Box<Rest>>,
    /// Whether the command that runs is one of a transaction, behind its unit: one that waits for
    /// something to happen answers at once there, as all do in EXEC.
    pub(crate) in_rest: bool,
    /// Whether the late reply of its command tells of data, which others may have changed.
    pub(crate) late_data: bool,
    /// What its command is, while a thread of the program around the engine does it.
    pub(crate) elsewhere: Option<Box<crate::family::slowlog::Elsewhere>>,
    /// Set by a command that changes what all workers go by: its reply may leave when each of them
    /// has begun a batch since. Whoever writes replies takes it.
    pub everywhere: bool,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// Whether its PSYNC was accepted, so that its socket goes to replication.
    pub becomes_replica: bool,
}

impl Session {
    /// A new connection.
    pub fn new(card: Arc<ClientCard>, authenticated: bool) -> Session {
        let watch = card.watch.lock().clone();
        Session {
            card,
            db: 0,
            resp3: false,
            authenticated,
            readonly: false,
            asking: false,
            reply_mode: ReplyMode::On,
            no_touch: false,
            transaction: None,
            watch,
            watched: Vec::new(),
            write_offset: 0,
            write_sequence: 0,
            caller: Caller::Client,
            memory_refusal: None,
            misses: 0,
            keys_so_far: None,
            rest: None,
            in_rest: false,
            late_data: false,
            elsewhere: None,
            everywhere: false,
            monitor: false,
            becomes_replica: false,
        }
    }

    /// Begins with watches anew: nothing that was watched so far counts.
    pub(crate) fn begin_watch(&mut self) {
        self.watch = Watch::new();
        *self.card.watch.lock() = self.watch.clone();
    }

    /// Whether it watches keys.
    pub(crate) fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// The late reply of its command has come: whether it is sent (CLIENT REPLY).
    pub fn takes_late_reply(&mut self) -> bool {
        match self.reply_mode {
            ReplyMode::On | ReplyMode::SkipNext => true,
            ReplyMode::Off => false,
            ReplyMode::Skip => {
                self.reply_mode = ReplyMode::On;
                false
            }
        }
    }

    /// Whether the reply that it waits for tells of data: it leaves no sooner than what it tells of
    /// is safe.
    pub fn awaits_data(&self) -> bool {
        self.late_data
    }

    /// Whether commands are being queued.
    pub fn in_multi(&self) -> bool {
        self.transaction.is_some()
    }

    /// Writes to the card what runs now.
    #[inline]
    pub(crate) fn note_command(&self, spec: &commands::Spec, args: resp::Args<'_>) {
        let numbers = &self.card.numbers;
        let command = spec.id.index() as u64 + 1;
        numbers.command.store(command, Ordering::Relaxed);
        let bytes = args.payload_len() as u64;
        numbers.argument_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Writes to the card what is queued.
    #[inline]
    pub(crate) fn note_transaction(&self) {
        let numbers = &self.card.numbers;
        let watched = self.watched.len() as u64;
        numbers.watch.store(watched, Ordering::Relaxed);
        let (count, bytes) = match &self.transaction {
            None if numbers.multi.load(Ordering::Relaxed) < 0 => return,
            None => (-1, 0),
            Some(transaction) => (transaction.queue.len() as i64, transaction.bytes as u64),
        };
        numbers.multi.store(count, Ordering::Relaxed);
        numbers.multi_bytes.store(bytes, Ordering::Relaxed);
        self.card.set_flag(flags::MULTI, count >= 0);
    }

    /// The session for replication to go on with; what stays behind is an empty one.
    pub fn take_for_replication(&mut self) -> Session {
        let rest = Session::new(self.card.clone(), self.authenticated);
        std::mem::replace(self, rest)
    }
}
