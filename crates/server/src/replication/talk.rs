//! What this server says in its stream that is about the link and not about data, and when.

use crate::node::Node;
use engine::Engine;
use replicate::steady_ms;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Locker;
use store::journal::Audience;

/// Appends what is about the link to the stream.
fn append_talk(engine: &Engine, command: &[u8]) {
    let effect = store::journal::Effect {
        db: 0,
        audience: Audience::REPLICAS,
        command,
    };
    engine.store.journal.append_talk(effect);
    // No reply waits for it, so that nobody else has it written.
    engine.store.journal.wake_readers();
}

/// Asks the replicas how far they are; while a pause holds the offset, when it is over. The gate is
/// open.
pub(crate) fn ask_for_acknowledgements(node: &Node, engine: &Engine) {
    let held = engine.store.holds_any();
    node.replication().asks_later.store(held, Ordering::Relaxed);
    if !held {
        append_talk(
            engine,
            b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n",
        );
    }
}

/// The PING in the stream, and news for the cluster machine.
pub(crate) fn tick(
    node: &Arc<Node>,
    engine: &Engine,
    locker: &Locker,
    heartbeat: &mut replproto::Heartbeat,
) {
    let replication = node.replication();
    heartbeat.set_period(node.config.read().repl_ping_replica_period as u64 * 1000);
    let replicas = replication.hub.replica_count();
    // The role and a pause are looked at with the gate open: whoever changes the one or begins the
    // other waits for each gate.
    let open = locker.enter();
    let primary = !replication.is_replica();
    let held = engine.pause.holds_offset();
    if primary && heartbeat.due(steady_ms(), replicas, held) {
        append_talk(engine, b"*1\r\n$4\r\nPING\r\n");
    }
    if primary && replication.asks_later.load(Ordering::Relaxed) {
        ask_for_acknowledgements(node, engine);
    }
    drop(open);
    if let Some(bus) = node.bus()
        && let Some(now) = node.replication_now(bus.clock())
    {
        bus.replication(now);
    }
}
