//! The engine in this process, without sockets: what the examples share.

use std::sync::Arc;

use commands::Cmd;
use engine::{ClientCard, Engine, Fail, Host, Session, Taken, Ticket};
use resp::ArgsBuf;

/// Nothing here asks the program around the engine.
pub struct Nobody;

impl Host for Nobody {
    fn memory(&self) -> engine::MemoryReport {
        engine::MemoryReport::default()
    }

    fn ticket(&self, _: &Session) -> Ticket {
        Ticket::new(|_| {})
    }

    fn command(
        &self,
        _: &Engine,
        cmd: Cmd,
        _: ArgsBuf,
        _: Option<&mut Session>,
    ) -> Result<Taken, Fail> {
        panic!("{cmd:?} is not part of an example")
    }

    fn pause_changed(&self) {}

    fn nudge(&self, _: &ClientCard) {}

    fn push(&self, _: &ClientCard, _: Arc<[u8]>) {}
}

/// The session of a client of this process.
pub fn session() -> Session {
    let card = ClientCard::new(1, String::new(), String::new(), -1, (0, 0));
    Session::new(Arc::new(card), true)
}

/// A request of these words.
pub fn words(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}
