//! Periodic work: active expiry.

use crate::node::Node;
use engine::Engine;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use store::{ExpireCycle, Locker};

/// How often the work is done.
const PERIOD: Duration = Duration::from_millis(100);
/// How long expiry may take of a period.
const EXPIRE_BUDGET: Duration = Duration::from_millis(25);
/// How long writers wait for a disk that is too slow for a snapshot before the snapshot is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Starts the thread; it ends when what is returned is dropped.
pub(crate) fn start(engine: &Arc<Engine>, node: &Arc<Node>) -> Sender<()> {
    let (stop, stopped) = channel();
    let (engine, node) = (engine.clone(), node.clone());
    let work = move || {
        let locker = Locker::new(&engine.store);
        let mut expiry = ExpireCycle::default();
        let mut heartbeat = replproto::Heartbeat::new(10_000);
        while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
            let settings = engine.settings();
            let full = engine.store.is_full();
            if settings.active_expire && !full && !settings.replica && !settings.loading {
                let now = engine::wall_us() / 1000;
                expiry.run(&locker, now, EXPIRE_BUDGET);
            }
            engine.store.pass_turns();
            engine.store.end_slow_taps(LONGEST_WAIT);
            node.rates.sample(&engine);
            crate::persistence::tick(&node, &engine);
            crate::append_only::tick(&node, &engine);
            crate::replication::tick(&node, &engine, &mut heartbeat);
            crate::configure::refresh_refusal(&node, &engine);
            if engine.pause.has_ended() {
                node.after_pause();
            }
        }
    };
    // A server without this thread still serves: expired keys are then deleted when met.
    let _ = std::thread::Builder::new()
        .name("periodic".into())
        .spawn(work);
    stop
}
