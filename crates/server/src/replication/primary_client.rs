//! The connection to the primary as CLIENT LIST shows it and CLIENT KILL ends it.

use engine::Engine;
use engine::clients::{ClientCard, Meter, Reading, flags};
use replicate::Connection;
use std::sync::Arc;
use std::time::Instant;

/// The primary's entry among the clients; struck out when this is dropped.
pub(super) struct PrimaryClient {
    engine: Arc<Engine>,
    id: u64,
}

/// How old the connection is: the link's own thread knows the rest.
struct Age(Instant);

impl Meter for Age {
    fn read(&self) -> Reading {
        Reading {
            age: self.0.elapsed(),
            ..Reading::default()
        }
    }
}

impl PrimaryClient {
    /// Enters the connection.
    pub(super) fn enter(engine: &Arc<Engine>, connection: Connection) -> PrimaryClient {
        let id = engine.clients.next_id();
        let text = |address: std::net::SocketAddr| address.to_string();
        let (peer, local) = (text(connection.peer), text(connection.local));
        // It belongs to no worker: whoever ends it goes by `cut`.
        let card = ClientCard::new(id, peer, local, connection.fd, (0, 0));
        card.set_flag(flags::PRIMARY, true);
        card.label.lock().user = b"(superuser)".to_vec();
        // Both are empty in a new card.
        let _ = card.cut.set(connection.cut);
        let _ = card.meter.set(Box::new(Age(Instant::now())));
        engine.clients.keep(Arc::new(card));
        PrimaryClient {
            engine: engine.clone(),
            id,
        }
    }
}

impl Drop for PrimaryClient {
    fn drop(&mut self) {
        self.engine.clients.remove(self.id);
    }
}
