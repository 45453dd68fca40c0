//! Where `net` meets `engine`: one [`Front`] per worker turns parsed commands into executed ones.

use crate::everywhere::{Everywhere, Reply};
use crate::message::Message;
use crate::node::Node;
use engine::clients::flags;
use engine::{ClientCard, Outcome, Session, Worker};
use engine::{Meter, Reading};
use net::{
    Address, CloseReason, ConnId, ConnStats, Conns, Flow, Handler, Output, OutputClass,
    OutputLimits, PeerInfo, ReadLimits, Workers,
};
use resp::Args;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::order::{Short, brief};

/// How long a connection waits before its request for the world is tried again; doubles each time.
const FIRST_RETRY: Duration = Duration::from_millis(1);
/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_millis(64);
/// How often timers are looked at when none is due.
const IDLE_TICK: Duration = Duration::from_millis(100);

/// Takes over the socket of a connection that becomes a replica's.
pub type Detach = dyn Fn(net::Detached, &Session) + Send + Sync;

/// Most unsent bytes of a client that has not said who it is.
const UNKNOWN_OUTPUT: usize = 4 * 1024;

/// What a client from elsewhere gets while nobody has set a password.
const DENIED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is \
    enabled and no password is set for the default user. In this mode connections are only \
    accepted from the loopback interface. To serve other hosts, set a password (requirepass), or \
    turn the mode off with 'CONFIG SET protected-mode no' from this host, with 'protected-mode \
    no' in the configuration file or with '--protected-mode no' on the command line; without a \
    password the server must then not be reachable from the internet.\r\n";

/// The numbers of a connection in the network layer.
struct Counted(Arc<ConnStats>);

impl Meter for Counted {
    fn read(&self) -> Reading {
        Reading {
            age: self.0.age(),
            idle: self.0.idle(),
            query_len: self.0.query_len(),
            query_memory: self.0.query_memory(),
            output_tail: self.0.output_tail(),
            output_pieces: self.0.output_pieces(),
            output_len: self.0.output_len(),
            output_memory: self.0.output_memory(),
            memory: self.0.memory(),
        }
    }
}

/// Whether the other end is on this machine.
fn is_local(peer: &Address) -> bool {
    match peer {
        Address::Unix(_) => true,
        Address::Tcp(peer) => peer.ip().to_canonical().is_loopback(),
    }
}

/// One worker's handler.
pub struct Front {
    node: Arc<Node>,
    worker: Worker,
    workers: Workers<Message>,
    index: usize,
    /// Connections whose request for the world failed, and when to try again.
    retries: Vec<(Instant, ConnId)>,
    /// Connections held by CLIENT PAUSE.
    paused: Vec<ConnId>,
    /// Replies that leave when what they tell of is in force at every worker.
    everywhere: Everywhere,
    detach: Arc<Detach>,
}

/// A connection.
pub struct Conn {
    id: ConnId,
    session: Session,
    retry: Duration,
    /// Its place in the queue of a slot that it waits for.
    place: Option<store::Place>,
}

impl Front {
    /// The handler of worker `index`.
    pub fn new(
        node: Arc<Node>,
        index: usize,
        workers: Workers<Message>,
        detach: Arc<Detach>,
    ) -> Front {
        let worker = Worker::new(node.engine());
        Front {
            node,
            worker,
            workers,
            index,
            retries: Vec::new(),
            paused: Vec::new(),
            everywhere: Everywhere::default(),
            detach,
        }
    }

    /// What wakes a parked connection of this worker.
    fn alarm(&self, id: ConnId) -> Arc<dyn store::Wake> {
        let (workers, index) = (self.workers.clone(), self.index);
        Arc::new(move || {
            let _order = brief(Short::Inboxes);
            workers.send(index, Message::Wake(id));
        })
    }

    /// Has the connection woken when the slot is released. Returns true when it is free already.
    fn wait_for(&self, slot: base::Slot, conn: &mut Conn) -> bool {
        let id = conn.id;
        let locker = self.worker.locker();
        let again = locker.wait_for(slot, &mut conn.place, || self.alarm(id));
        if again {
            locker.take_turn(conn.place.as_ref());
        }
        again
    }

    /// A command has had its slots, or waits for something else: its place in a queue is free.
    #[cold]
    fn give_up_place(&self, conn: &mut Conn) {
        self.worker.locker().take_turn(None);
        conn.place = None;
    }

    /// What bytes from elsewhere must wait for: whatever they tell of is in the journal by now.
    fn withhold_all(&self) -> Option<u64> {
        if !self.worker.settings().commit_gate {
            return None;
        }
        let journal = &self.worker.engine().store.journal;
        let end = journal.sequence();
        (end > journal.synced()).then_some(end)
    }

    /// Holds back the reply of a command that changes what all workers go by, with all that the
    /// client sends behind it, until they do.
    #[cold]
    fn reply_everywhere(&mut self, id: ConnId, outcome: &Outcome, out: &mut Output) -> Flow {
        let reply = Reply {
            bytes: out.take_reply(),
            closes: *outcome == Outcome::Close,
        };
        let boundary = self.worker.engine().store.gates().mark();
        self.everywhere.wait(boundary, id, reply);
        Flow::Blocked
    }

    /// Sends the replies that were held back, as far as every worker has come to a boundary.
    fn release_replies(&mut self, conns: &mut Conns<'_, Self>) {
        let gates = self.worker.engine().store.gates();
        self.everywhere.release(gates, &mut |id, reply| {
            if let Some((_, out)) = conns.write(id) {
                out.push().raw(&reply.bytes);
                if reply.closes {
                    conns.close(id);
                } else {
                    conns.unblock(id);
                }
            }
        });
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
        let authenticated = engine.settings().password.is_empty();
        if authenticated && !is_local(&peer.peer) && self.node.config.read().protected_mode {
            engine.clients.rejected.fetch_add(1, Ordering::Relaxed);
            return Err(DENIED.to_vec());
        }
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
        let _ = card.meter.set(Box::new(Counted(peer.stats.clone())));
        card.set_flag(flags::UNIX, matches!(peer.peer, Address::Unix(_)));
        let card = Arc::new(card);
        engine.clients.add(card.clone());
        Ok(Conn {
            id,
            session: Session::new(card, authenticated),
            retry: FIRST_RETRY,
            place: None,
        })
    }

    fn close(&mut self, mut conn: Conn, why: CloseReason) {
        if matches!(why, CloseReason::Detached) {
            // It lives on in replication, which strikes it out.
            return;
        }
        let card = conn.session.card.clone();
        self.worker.forget(&mut conn.session);
        self.node.replication().forget(card.id);
        if let Some(unblock) = card.unblock.lock().take() {
            unblock(true);
        }
        if matches!(why, CloseReason::QueryBuffer { .. }) {
            self.node.cut_off.input.fetch_add(1, Ordering::Relaxed);
        }
        if let CloseReason::OutputLimit { bytes, .. } = why {
            self.node.cut_off.output.fetch_add(1, Ordering::Relaxed);
            let line = format!(
                "Client id={} addr={} closed for overcoming of output buffer limits ({bytes} bytes).",
                card.id, card.peer
            );
            self.node.log(config::LogLevel::Warning, &line);
        }
    }

    fn batch_begin(&mut self) {
        self.worker.begin_batch();
    }

    fn batch_end(&mut self, conns: &mut Conns<'_, Self>) {
        self.worker.end_batch();
        self.release_replies(conns);
    }

    fn look_ahead(&mut self, _: &Conn, cmd: Args<'_>, nth: usize) {
        self.worker.look_ahead(nth, cmd);
    }

    fn prefetch(&mut self) {
        self.worker.prefetch();
    }

    fn execute(&mut self, conn: &mut Conn, cmd: Args<'_>, nth: usize, out: &mut Output) -> Flow {
        if conn.session.card.is_killed() {
            return Flow::CloseNow;
        }
        if conn.place.is_some() {
            self.worker.locker().take_turn(conn.place.as_ref());
        }
        loop {
            let worker = &mut self.worker;
            let outcome = worker.execute_nth(&mut conn.session, nth, cmd, out.buffer());
            out.set_resp3(conn.session.resp3);
            if self.worker.settings().commit_gate {
                let mark = self.worker.take_mark();
                if mark > self.worker.engine().store.journal.synced() {
                    out.mark_reply(mark);
                }
            }
            if conn.place.is_some() && !matches!(outcome, Outcome::Busy(_)) {
                self.give_up_place(conn);
            }
            let everywhere = std::mem::take(&mut conn.session.everywhere);
            if everywhere && matches!(outcome, Outcome::Done | Outcome::Close) {
                return self.reply_everywhere(conn.id, &outcome, out);
            }
            match outcome {
                Outcome::Done => return Flow::Done,
                Outcome::Busy(slot) => {
                    if !self.wait_for(slot, conn) {
                        self.worker.locker().take_turn(None);
                        return Flow::Park;
                    }
                }
                Outcome::Later => {
                    self.retry_later(conn);
                    return Flow::Park;
                }
                Outcome::Leaving(key) => {
                    let leaving = &self.worker.engine().leaving;
                    if leaving.wait(&key, || self.alarm(conn.id)) {
                        return Flow::Park;
                    }
                }
                Outcome::Paused => {
                    self.paused.push(conn.id);
                    conn.session.card.set_flag(flags::BLOCKED, true);
                    return Flow::Hold;
                }
                Outcome::Blocked => {
                    conn.session.card.set_flag(flags::BLOCKED, true);
                    return Flow::Blocked;
                }
                Outcome::Close => return Flow::Close,
                Outcome::Intruder => {
                    self.node.note_intruder(&conn.session.card.peer);
                    return Flow::CloseNow;
                }
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
                let mark = self.withhold_all();
                if let Some((conn, out)) = conns.write(id) {
                    mark.into_iter().for_each(|sequence| out.mark(sequence));
                    let card = &conn.session.card;
                    card.set_flag(flags::BLOCKED, false);
                    *card.unblock.lock() = None;
                    if conn.session.reply_mode == engine::ReplyMode::Off {
                        answer(&mut resp::Reply::new(&mut Vec::new(), conn.session.resp3));
                    } else {
                        answer(&mut out.reply());
                    }
                    self.worker.engine().answered(&mut conn.session);
                    conns.unblock(id);
                }
            }
            Message::Push(id, bytes) => {
                if let Some(sequence) = self.withhold_all()
                    && let Some((_, out)) = conns.write(id)
                {
                    out.mark(sequence);
                }
                conns.push_shared(id, &bytes);
            }
            Message::Look(id) => {
                if conns
                    .state(id)
                    .is_some_and(|conn| conn.session.card.is_killed())
                {
                    conns.close_now(id);
                }
            }
            Message::Resume => {
                for id in std::mem::take(&mut self.paused) {
                    if let Some(conn) = conns.state(id) {
                        conn.session.card.set_flag(flags::BLOCKED, false);
                    }
                    conns.unpark(id);
                }
            }
            Message::Release(sequence) => conns.release(sequence),
            Message::CloseWithheld => {
                for id in conns.withheld() {
                    conns.close_now(id);
                }
            }
        }
    }

    fn due(&mut self) -> Option<Instant> {
        let retry = self.retries.iter().map(|&(due, _)| due).min();
        retry.into_iter().chain(self.everywhere.due()).min()
    }

    fn read_limits(&mut self, conn: &Conn) -> ReadLimits {
        // What CONFIG SET has changed counts for the next bytes of any connection.
        self.worker.refresh();
        let settings = self.worker.settings();
        let admitted = settings.admits(&conn.session);
        ReadLimits {
            request: resp::Limits {
                max_bulk: settings.max_bulk as u64,
                authenticated: admitted,
            },
            query_buffer: settings.query_buffer_limit,
            unsent: match admitted {
                true => usize::MAX,
                false => UNKNOWN_OUTPUT,
            },
        }
    }

    fn output_limits(&self, conn: &Conn) -> OutputLimits {
        // A monitor counts as a normal client, as in Redis since 7.0.
        let _ = conn;
        let class = OutputClass::Normal as usize;
        let (hard, soft, seconds) = self.worker.settings().output_limits[class];
        OutputLimits {
            hard,
            soft,
            soft_for: Duration::from_secs(seconds),
            pushed: 0,
        }
    }

    fn idle_limit(&self, conn: &Conn) -> Option<Duration> {
        let seconds = self.worker.settings().idle_timeout;
        let spared = conn.session.card.has_flag(flags::REPLICA | flags::MONITOR);
        (seconds > 0 && !spared).then(|| Duration::from_secs(seconds))
    }

    fn tick(&mut self, conns: &mut Conns<'_, Self>) -> Duration {
        self.worker.refresh();
        self.release_replies(conns);
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
