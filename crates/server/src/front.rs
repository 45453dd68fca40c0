//! Where `net` meets `engine`: one [`Front`] per worker turns parsed commands into executed ones.

mod parked;

use crate::everywhere::Everywhere;
use crate::message::Message;
use crate::node::Node;
use base::Slot;
use engine::clients::flags;
use engine::{ClientCard, Outcome, Session, Worker};
use engine::{Meter, Reading};
use net::{
    Address, CloseReason, ConnId, ConnStats, Conns, Flow, Handler, Output, OutputClass,
    OutputLimits, PeerInfo, ReadLimits, Workers,
};
use persist::aof::Desk;
use resp::Args;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::gate::TokenPlace;
use store::order::{Short, brief};

/// How long a connection waits for what nobody tells it of; doubles each time.
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

/// Closes connections that have written what is not on the disk yet.
fn close_unconfirmed(conns: &mut Conns<'_, Front>) {
    let released = conns.released();
    for id in conns.withheld() {
        let wrote = |conn: &mut Conn| conn.session.write_sequence > released;
        if conns.state(id).is_some_and(wrote) {
            conns.close_now(id);
        }
    }
}

/// One worker's handler.
pub struct Front {
    node: Arc<Node>,
    worker: Worker,
    workers: Workers<Message>,
    index: usize,
    /// Connections that wait for slots, in order: the worker has a place in the queue of each.
    waiting: HashMap<Slot, Vec<ConnId>>,
    /// Connections that wait for the end of a load or for a disk, and when to try again.
    retries: Vec<(Instant, ConnId)>,
    /// Connections held by CLIENT PAUSE.
    paused: Vec<ConnId>,
    /// Replies that leave when what they tell of is in force at every worker.
    everywhere: Everywhere,
    /// In a cluster: connections that have written and were not answered yet.
    wrote: Vec<ConnId>,
    /// Whether all of them have been answered since.
    answered: bool,
    /// How often the right to serve had run out before they did.
    lapses: u64,
    detach: Arc<Detach>,
    /// Whether a reply since the last delivery waits for what the append-only file does not have.
    owes: bool,
    /// Where this worker writes the file, as of so many changes of it.
    desk: (u64, Option<Arc<Desk>>),
}

/// A connection.
pub struct Conn {
    id: ConnId,
    session: Session,
    retry: Duration,
    /// Its place in the queue for the token, while it waits for that or for the world.
    place: Option<TokenPlace>,
    /// In a cluster: how often the right to serve had run out before its command wrote, while the
    /// reply waits for something outside of the engine.
    wrote_after: Option<u64>,
}

impl Front {
    /// The handler of worker `index`.
    pub fn new(
        node: Arc<Node>,
        index: usize,
        workers: Workers<Message>,
        detach: Arc<Detach>,
    ) -> Front {
        let mut worker = Worker::new(node.engine());
        worker.will_write_file();
        let calls = workers.clone();
        worker.locker().set_bell(Arc::new(move |slot| {
            let _order = brief(Short::Inboxes);
            calls.send(index, Message::Turn(slot));
        }));
        Front {
            node,
            worker,
            workers,
            index,
            waiting: HashMap::new(),
            retries: Vec::new(),
            paused: Vec::new(),
            everywhere: Everywhere::default(),
            wrote: Vec::new(),
            answered: false,
            lapses: 0,
            detach,
            owes: false,
            desk: (0, None),
        }
    }

    /// What bytes from elsewhere must wait for: whatever they tell of is in the journal by now.
    fn withhold_all(&mut self) -> Option<u64> {
        if !self.worker.settings().commit_gate {
            return None;
        }
        let journal = &self.worker.engine().store.journal;
        let end = journal.sequence();
        let waits = end > journal.released();
        self.owes |= waits;
        waits.then_some(end)
    }

    /// Writes to the append-only file what replies wait for, unless that could make the worker
    /// wait.
    fn write_file(&mut self) {
        debug_assert!(
            !self.worker.locker().is_open(),
            "files are written between batches"
        );
        let append_only = &self.node.append_only;
        let changes = append_only.changes();
        if self.desk.0 != changes {
            self.desk = (changes, append_only.desk());
        }
        if let (_, Some(desk)) = &self.desk {
            desk.write();
        }
    }

    fn release(&self, conns: &mut Conns<'_, Front>) {
        conns.release(self.worker.engine().store.journal.released());
    }

    fn forget_answered(&mut self) {
        if std::mem::take(&mut self.answered) {
            self.wrote.clear();
        }
    }

    /// Closes connections whose writes another node may know nothing of: if the right to serve has
    /// run out since they were executed, it may have been elected before. What has become of their
    /// writes they must find out, and are not told that they are safe. Asked again when the file
    /// that their replies wait for is written, which takes its time.
    #[cold]
    fn confirm(&mut self, conns: &mut Conns<'_, Self>) {
        let engine = self.worker.engine();
        let confirmed =
            !self.worker.settings().cluster || engine.routing.has_served_since(self.lapses);
        if !confirmed {
            self.wrote.drain(..).for_each(|id| conns.close_now(id));
        }
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
            wrote_after: None,
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
        self.node.links.left(card.id);
        if let Some(unblock) = card.unblock.lock().take() {
            unblock(true);
        }
        if matches!(why, CloseReason::QueryBuffer { .. }) {
            self.node.cut_off.input.fetch_add(1, Ordering::Relaxed);
        }
        if let CloseReason::OutputLimit { bytes, .. } = why {
            self.node.cut_off.note_output(&self.node, &card, bytes);
        }
    }

    fn batch_begin(&mut self) {
        self.forget_answered();
        if self.wrote.is_empty() && self.worker.settings().cluster {
            self.lapses = self.worker.engine().routing.lapses();
        }
        self.worker.begin_batch();
    }

    fn batch_end(&mut self, conns: &mut Conns<'_, Self>) {
        self.worker.end_batch_and_go_on();
        self.release_replies(conns);
    }

    fn before_delivery(&mut self, conns: &mut Conns<'_, Self>) {
        if std::mem::take(&mut self.owes) {
            self.write_file();
            self.release(conns);
        }
        if !self.wrote.is_empty() {
            self.confirm(conns);
            self.answered = true;
        }
    }

    fn withholds(&mut self, conns: &mut Conns<'_, Self>) {
        // Replies that wait for the disk are asked about again before they leave.
        if !self.wrote.is_empty() {
            let mut withheld: HashSet<ConnId> = conns.withheld().into_iter().collect();
            self.wrote.retain(|id| withheld.remove(id));
            self.answered = self.wrote.is_empty();
        }
        self.node.append_only.wait(self.index);
        self.release(conns);
    }

    fn rest(&mut self, conns: &mut Conns<'_, Self>) {
        self.worker.locker().rest();
        self.forget_answered();
        if !self.wrote.is_empty() {
            self.confirm(conns);
        }
    }

    fn inbox_first(&self, conn: &Conn) -> bool {
        conn.session.card.has_flag(flags::MONITOR)
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
            let written = conn.session.write_sequence;
            let worker = &mut self.worker;
            let outcome = worker.execute_nth(&mut conn.session, nth, cmd, out.buffer());
            out.set_resp3(conn.session.resp3);
            if self.worker.settings().commit_gate {
                let mark = self.worker.take_mark();
                if mark > self.worker.engine().store.journal.released() {
                    out.mark_reply(mark);
                    self.owes = true;
                }
            }
            let writes = conn.session.write_sequence != written && self.worker.settings().cluster;
            if writes {
                self.wrote.push(conn.id);
            }
            if conn.place.is_some() && outcome != Outcome::Token {
                self.give_up_place(conn);
            }
            let replies = matches!(outcome, Outcome::Done | Outcome::Close);
            if replies && std::mem::take(&mut conn.session.everywhere) {
                conn.wrote_after = writes.then_some(self.lapses);
                return self.reply_everywhere(conn.id, &outcome, out);
            }
            match outcome {
                Outcome::Done => {
                    conn.retry = FIRST_RETRY;
                    return Flow::Done;
                }
                Outcome::Busy(_) | Outcome::Token | Outcome::Later | Outcome::Leaving(_) => {
                    if self.waits(conn, outcome) {
                        return Flow::Park;
                    }
                }
                Outcome::Paused => {
                    self.paused.push(conn.id);
                    conn.session.card.set_flag(flags::BLOCKED, true);
                    return Flow::Hold;
                }
                Outcome::Blocked => {
                    conn.wrote_after = writes.then_some(self.lapses);
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
            Message::Wake(id) => self.wake(conns, id),
            Message::Turn(slot) => {
                self.worker.locker().come(slot);
                let waiting = self.waiting.remove(&slot).unwrap_or_default();
                waiting.into_iter().for_each(|id| self.wake(conns, id));
            }
            Message::Answer(id, answer) => self.answer(conns, id, answer),
            Message::Push(id, bytes) => {
                let Some(conn) = conns.state(id) else { return };
                let pushed = &conn.session.card.pushed;
                pushed.fetch_sub(bytes.len(), Ordering::Relaxed);
                if conn.session.reply_mode == engine::ReplyMode::Off {
                    // A monitor that wants no replies gets no lines.
                    return;
                }
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
            Message::Release(sequence) => {
                if self.worker.settings().cluster
                    && !self.worker.engine().routing.is_serving(Instant::now())
                {
                    close_unconfirmed(conns);
                }
                conns.release(sequence);
            }
            Message::CloseWithheld => {
                for id in conns.withheld() {
                    conns.close_now(id);
                }
            }
        }
    }

    fn due(&mut self) -> Option<Instant> {
        let retry = self.retries.iter().map(|&(due, _)| due).min();
        let look = self.worker.locker().due();
        let others = self.everywhere.due().into_iter().chain(look);
        retry.into_iter().chain(others).min()
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
        let class = OutputClass::Normal as usize;
        let (hard, soft, seconds) = self.worker.settings().output_limits[class];
        OutputLimits {
            hard,
            soft,
            soft_for: Duration::from_secs(seconds),
            pushed: conn.session.card.pushed.load(Ordering::Relaxed),
        }
    }

    fn idle_limit(&self, conn: &Conn) -> Option<Duration> {
        let seconds = self.worker.settings().idle_timeout;
        let spared = conn.session.card.has_flag(flags::REPLICA | flags::MONITOR);
        (seconds > 0 && !spared).then(|| Duration::from_secs(seconds))
    }

    fn tick(&mut self, conns: &mut Conns<'_, Self>) -> Duration {
        self.worker.refresh();
        self.worker.locker().look_after_slots();
        self.release_replies(conns);
        let now = Instant::now();
        let mut next = IDLE_TICK;
        let due = |&mut (at, _): &mut (Instant, ConnId)| at <= now;
        let again: Vec<_> = self.retries.extract_if(.., due).collect();
        for (_, id) in again {
            self.wake(conns, id);
        }
        for &(at, _) in &self.retries {
            next = next.min(at.saturating_duration_since(now));
        }
        next.max(Duration::from_millis(1))
    }
}
