//! What the engine asks of the program around it.
//!
//! Requests that take time answer through a [`Ticket`]: the connection waits, its worker goes on.

use crate::{Engine, Fail, Session};
use resp::ArgsBuf;

/// The right to answer a waiting connection, once, from any thread. The function gets a buffer to
/// write the reply to and whether the connection speaks RESP3.
pub struct Ticket(Box<dyn FnOnce(Answer) + Send>);

/// What a waiting connection gets: a function that writes the reply.
pub type Answer = Box<dyn FnOnce(&mut resp::Reply<'_>) + Send>;

impl Ticket {
    /// A ticket that hands the answer to `deliver`.
    pub fn new(deliver: impl FnOnce(Answer) + Send + 'static) -> Ticket {
        Ticket(Box::new(deliver))
    }

    /// Answers.
    pub fn answer(self, write: impl FnOnce(&mut resp::Reply<'_>) + Send + 'static) {
        (self.0)(Box::new(write));
    }

    /// Answers `+OK`.
    pub fn ok(self) {
        self.answer(|reply| reply.ok());
    }

    /// Answers with an error, prefix included.
    pub fn error(self, text: impl Into<Vec<u8>>) {
        let text = text.into();
        self.answer(move |reply| reply.error(&text));
    }
}

/// How the host took a command.
pub enum Taken {
    /// It is done; this writes the reply.
    Now(Answer),
    /// The reply comes through the ticket.
    Later,
}

/// The program around the engine.
pub trait Host: Send + Sync {
    /// A ticket for the connection of this session, whose command ends with [`Fail::Blocked`].
    fn ticket(&self, session: &Session) -> Ticket;

    /// A command that the engine cannot do alone: saving, configuration, replication, cluster
    /// changes, shutdown. Without a `session` to wait (inside EXEC, or from a stream) it must be
    /// done before this returns.
    ///
    /// # Errors
    /// What the client is told.
    fn command(
        &self,
        engine: &Engine,
        cmd: commands::Cmd,
        args: ArgsBuf,
        session: Option<&mut Session>,
    ) -> Result<Taken, Fail>;

    /// How much memory what uses.
    fn memory(&self) -> crate::MemoryReport;

    /// Tells a connection's worker to look at the card's orders (CLIENT KILL, UNBLOCK).
    fn nudge(&self, card: &crate::ClientCard);

    /// A pause was ended early: connections that wait for its end go on.
    fn pause_changed(&self);

    /// Sends bytes to a connection out of turn (MONITOR).
    fn push(&self, card: &crate::ClientCard, bytes: std::sync::Arc<[u8]>);

    /// A mistake of ours was met that ends one connection; this is for the log.
    fn fault(&self, text: &str);
    /// FLUSHALL has emptied all databases: what is on disk must not come back.
    fn flushed(&self);
}

/// An engine without a program around it, as in tests and benchmarks.
#[derive(Debug)]
pub struct Alone;

impl Host for Alone {
    fn ticket(&self, _: &Session) -> Ticket {
        Ticket::new(drop)
    }

    fn command(
        &self,
        _: &Engine,
        cmd: commands::Cmd,
        _: ArgsBuf,
        _: Option<&mut Session>,
    ) -> Result<Taken, Fail> {
        let name = cmd.spec().full_name;
        Err(format!("ERR '{name}' needs a server around the engine").into())
    }

    fn memory(&self) -> crate::MemoryReport {
        crate::MemoryReport::default()
    }

    fn nudge(&self, _: &crate::ClientCard) {}

    fn pause_changed(&self) {}

    fn push(&self, _: &crate::ClientCard, _: std::sync::Arc<[u8]>) {}

    fn fault(&self, _: &str) {}
    fn flushed(&self) {}
}
