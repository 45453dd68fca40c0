//! INFO.

use crate::node::Node;
use engine::{Engine, Taken};
use resp::Args;
use std::fmt::Write;

/// INFO [section ...]
pub(crate) fn info(node: &Node, engine: &Engine, args: Args<'_>) -> Taken {
    let _ = args;
    let mut text = String::new();
    let _ = write!(
        text,
        "# Server\r\nredis_version:{}\r\nshoal_version:{}\r\nuptime_in_seconds:{}\r\n",
        crate::REDIS_VERSION,
        env!("CARGO_PKG_VERSION"),
        node.started.elapsed().as_secs()
    );
    let _ = write!(text, "\r\n# Keyspace\r\n");
    for number in 0..engine.store.databases() {
        let (keys, expires) = engine.store.database_size(engine.store.physical_db(number));
        if keys > 0 {
            let _ = write!(
                text,
                "db{number}:keys={keys},expires={expires},avg_ttl=0\r\n"
            );
        }
    }
    Taken::Now(Box::new(move |reply| reply.verbatim(*b"txt", text)))
}
