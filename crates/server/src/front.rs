//! Where `net` meets `engine`: one [`Front`] per worker turns parsed commands into executed ones.

use crate::message::Message;
use engine::{ClientCard, Outcome, Session, Worker};
use net::{CloseReason, ConnId, Conns, Flow, Handler, Output, PeerInfo, Stage, Workers};
use resp::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection waits before its request for the world is tried again; doubles each time.
const FIRST_RETRY: Duration = Duration::from_millis(1);
/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_millis(64);
/// How often timers are looked at when none is due.
const IDLE_TICK: Duration = Duration::from_millis(100);

/// Takes over the socket of a connection that becomes a replica's.
pub type Detach = dyn Fn(net::Detached, &Session) + Send + Sync;

/// One worker's handler.
pub struct Front {
    worker: Worker,
    workers: Workers<Message>,
    index: usize,
    /// Connections whose request for the world failed, and when to try again.
    retries: Vec<(Instant, ConnId)>,
    /// Connections held by CLIENT PAUSE.
    paused: Vec<ConnId>,
    detach: Arc<Detach>,
}

/// A connection.
pub struct Conn {
    id: ConnId,
    session: Session,
    retry: Duration,
}

impl Front {
    /// The handler of worker `index`.
    pub fn new(
        engine: &Arc<engine::Engine>,
        index: usize,
        workers: Workers<Message>,
        detach: Arc<Detach>,
    ) -> Front {
        let worker = Worker::new(engine);
        Front {
            worker,
            workers,
            index,
            retries: Vec::new(),
            paused: Vec::new(),
            detach,
        }
    }

    /// Has the connection woken when the slot is released. Returns true when it is free already.
    fn wait_for(&self, slot: base::Slot, id: ConnId) -> bool {
        let (workers, index) = (self.workers.clone(), self.index);
        let wake = move || {
            workers.send(index, Message::Wake(id));
        };
        self.worker.locker().wait_for(slot, Box::new(wake))
    }

    fn retry_later(&mut self, conn: &mut Conn) {
        self.retries.push((Instant::now() + conn.retry, conn.id));
        conn.retry = (conn.retry * 2).min(LAST_RETRY);
    }
}

impl Handler for Front {
    type Conn = Conn;
    type Msg = Message;

    fn open(&mut self, id: ConnId, peer: &PeerInfo) -> Result<Conn, Vec<u8>> {
        let engine = self.worker.engine();
        let place = (
            id.worker,
            u64::from(id.index) << 32 | u64::from(id.generation),
        );
        let card = ClientCard::new(
            engine.clients.next_id(),
            peer.peer.to_string(),
            peer.local.to_string(),
            peer.fd,
            place,
        );
        let card = Arc::new(card);
        engine.clients.add(card.clone());
        let authenticated = engine.settings().password.is_empty();
        Ok(Conn {
            id,
            session: Session::new(card, authenticated),
            retry: FIRST_RETRY,
        })
    }

    fn close(&mut self, mut conn: Conn, why: CloseReason) {
        let _ = why;
        self.worker.forget(&mut conn.session);
    }

    fn batch_begin(&mut self) {
        self.worker.begin_batch();
    }

    fn batch_end(&mut self, conns: &mut Conns<'_, Self>) {
        let _ = conns;
        self.worker.end_batch();
    }

    fn prefetch(&mut self, conn: &Conn, cmd: Args<'_>, nth: usize, stage: Stage) {
        let _ = (conn, cmd, nth, stage);
    }

    fn execute(&mut self, conn: &mut Conn, cmd: Args<'_>, nth: usize, out: &mut Output) -> Flow {
        let _ = nth;
        if conn.session.card.is_killed() {
            return Flow::CloseNow;
        }
        loop {
            let outcome = self.worker.execute(&mut conn.session, cmd, out.buffer());
            out.set_resp3(conn.session.resp3);
            match outcome {
                Outcome::Done => return Flow::Done,
                Outcome::Busy(slot) => {
                    if !self.wait_for(slot, conn.id) {
                        return Flow::Park;
                    }
                }
                Outcome::Later => {
                    self.retry_later(conn);
                    return Flow::Park;
                }
                Outcome::Paused => {
                    self.paused.push(conn.id);
                    return Flow::Hold;
                }
                Outcome::Blocked => return Flow::Blocked,
                Outcome::Close => return Flow::Close,
                Outcome::Replicate => {
                    let detach = self.detach.clone();
                    let session = conn.session.take_for_replication();
                    return Flow::Detach(Box::new(move |detached| detach(detached, &session)));
                }
            }
        }
    }

    fn on_msg(&mut self, message: Message, conns: &mut Conns<'_, Self>) {
        match message {
            Message::Wake(id) => conns.unpark(id),
            Message::Answer(id, answer) => {
                if let Some((_, out)) = conns.write(id) {
                    answer(&mut out.reply());
                    conns.unblock(id);
                }
            }
            Message::Push(id, bytes) => {
                conns.push_shared(id, &bytes);
            }
            Message::Look(id) => {
                if conns
                    .state(id)
                    .is_some_and(|conn| conn.session.card.is_killed())
                {
                    conns.close(id);
                }
            }
            Message::Resume => {
                self.paused.drain(..).for_each(|id| conns.unpark(id));
            }
            Message::Release(sequence) => conns.release(sequence),
        }
    }

    fn due(&mut self) -> Option<Instant> {
        self.retries.iter().map(|&(due, _)| due).min()
    }

    fn tick(&mut self, conns: &mut Conns<'_, Self>) -> Duration {
        let now = Instant::now();
        let mut next = IDLE_TICK;
        self.retries.retain(|&(due, id)| {
            if due <= now {
                conns.unpark(id);
                return false;
            }
            next = next.min(due - now);
            true
        });
        next.max(Duration::from_millis(1))
    }
}
