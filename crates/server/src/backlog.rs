//! Giving the backlog up when no replica has needed it for long (`repl-backlog-ttl`).

use crate::node::Node;
use crate::replication::random_id;
use engine::Engine;
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use store::Locker;

/// Since when the backlog has had no replica.
#[derive(Default)]
pub(crate) struct UnusedSince(Mutex<Option<Instant>>);

/// Looks whether the backlog is still wanted; called ten times a second.
pub(crate) fn tick(node: &Node, engine: &Engine) {
    let ttl = node.config.read().repl_backlog_ttl;
    let hub = &node.replication().hub;
    let primary = !engine.settings().replica;
    let alone = primary && hub.replica_count() == 0 && ttl > 0 && hub.window().is_some();
    let mut since = node.backlog_unused.0.lock();
    if !alone {
        *since = None;
        return;
    }
    let began = *since.get_or_insert_with(Instant::now);
    if began.elapsed() < Duration::from_secs(ttl as u64) {
        return;
    }
    *since = None;
    drop(since);
    let locker = Locker::new(&engine.store);
    let _world = locker.world();
    if hub.replica_count() > 0 {
        return;
    }
    // The offset goes on without a backlog, so the old history must not be continued from.
    hub.change_history(|history| history.forget(random_id()));
    hub.end_backlog();
    let line = format!("Replication backlog freed after {ttl} seconds without connected replicas.");
    node.log(config::LogLevel::Notice, &line);
}
