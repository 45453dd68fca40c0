//! The clients that wait for a MIGRATE, and the end of an order whose client has left.
//!
//! A target that does not answer holds a thread and the keys for as long as the command allows,
//! which may be for ever. That is the client's wish, and ends with the client: soon after it has
//! left, the connection to the target is shut, as if the time were up.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an order goes on whose client has left: who sends a command and hangs up may want it
/// done.
const GRACE: Duration = Duration::from_secs(1);

/// An order, as its client's worker sees it.
#[derive(Default)]
pub(super) struct Call(Mutex<State>);

#[derive(Default)]
struct State {
    /// When the client left.
    left: Option<Instant>,
    /// The connection to the target, while an answer is waited for.
    link: Option<TcpStream>,
}

impl Call {
    /// Whether the client has left and the order should have ended by now.
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().is_over()
    }

    /// The connection that is shut when the order is over, until [`Call::end_exchange`].
    ///
    /// # Errors
    /// The system has no place for another descriptor.
    pub(super) fn begin_exchange(&self, link: &TcpStream) -> io::Result<()> {
        let link = link.try_clone()?;
        self.0.lock().link = Some(link);
        Ok(())
    }

    /// The connection is nobody's, or another's, from now on.
    pub(super) fn end_exchange(&self) {
        self.0.lock().link = None;
    }

    /// Wakes whoever waits for the target, once the order is over.
    fn end_overdue(&self) {
        let mut state = self.0.lock();
        if state.is_over()
            && let Some(link) = state.link.take()
        {
            // What the other end has shut already is as good.
            let _ = link.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.left.is_some_and(|at| at.elapsed() >= GRACE)
    }
}

/// The orders of all clients that wait for one, by the client's number.
#[derive(Default)]
pub(super) struct Callers(Mutex<HashMap<u64, Arc<Call>>>);

impl Callers {
    pub(super) fn begin(&self, client: u64, call: Arc<Call>) {
        self.0.lock().insert(client, call);
    }

    /// Before the client hears the answer, after which it may give another order.
    pub(super) fn end(&self, client: u64) {
        self.0.lock().remove(&client);
    }

    pub(super) fn left(&self, client: u64) {
        let call = self.0.lock().get(&client).cloned();
        if let Some(call) = call {
            call.0.lock().left.get_or_insert_with(Instant::now);
        }
    }

    /// Ends the exchanges of orders that are over.
    pub(super) fn end_overdue(&self) {
        let calls: Vec<Arc<Call>> = self.0.lock().values().cloned().collect();
        calls.iter().for_each(|call| call.end_overdue());
    }
}
