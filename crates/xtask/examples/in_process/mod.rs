//! The engine in this process, without sockets: what the examples share.

use std::sync::Arc;

use engine::{ClientCard, Session};

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
