//! The server as a whole: what the parts that the engine does not know have in common.

use crate::append_only::AppendOnly;
use crate::current::Current;
use crate::ending::Ending;
use crate::loading::Loading;
use crate::log::Log;
use crate::message::Message;
use crate::persistence::Persistence;
use crate::rates::Rates;
use crate::replication::{self, Replication};
use base::ReplId;
use config::{Config, LogLevel};
use engine::{ClientCard, Engine, Fail, Host, PauseBy, PauseKind, Session, Taken, Ticket};
use net::{ConnId, Server, Workers};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;
use store::order::{Short, brief};

/// Connections that were closed because of limits.
#[derive(Default)]
pub(crate) struct CutOff {
    /// For more input than `client-query-buffer-limit`.
    pub(crate) input: AtomicU64,
    /// For more output than `client-output-buffer-limit`.
    pub(crate) output: AtomicU64,
    /// How many were refused at the door before CONFIG RESETSTAT.
    refused_before: AtomicU64,
}

impl CutOff {
    /// Counts a connection that had so much output, and writes it into the log.
    pub(crate) fn note_output(&self, node: &Node, card: &ClientCard, bytes: usize) {
        self.output.fetch_add(1, Ordering::Relaxed);
        let line = format!(
            "Client id={} addr={} closed for overcoming of output buffer limits ({bytes} bytes).",
            card.id, card.peer
        );
        node.log(LogLevel::Warning, &line);
    }
}

/// One server.
pub(crate) struct Node {
    /// The configuration as CONFIG GET shows it.
    pub(crate) config: Current<Config>,
    pub(crate) config_turns: crate::configure::Turns,
    pub(crate) persistence: Persistence,
    pub(crate) loading: Loading,
    pub(crate) append_only: AppendOnly,
    me: Weak<Node>,
    bus: OnceLock<clusterio::Handle>,
    config_file: OnceLock<PathBuf>,
    replication: OnceLock<Replication>,
    log: OnceLock<Log>,
    engine: OnceLock<Arc<Engine>>,
    workers: OnceLock<Workers<Message>>,
    /// The network layer, while it runs.
    server: Mutex<Option<Server<Message>>>,
    /// When the server started.
    pub(crate) started: Instant,
    /// The name of this run, as INFO shows it.
    pub(crate) run_id: ReplId,
    /// How many commands ran of late.
    pub(crate) rates: Rates,
    pub(crate) traffic_before: crate::traffic::Baseline,
    /// Requests to end.
    pub(crate) shutdown: crate::ending::Shutdown,
    /// How long there has been no replica.
    pub(crate) backlog_unused: crate::backlog::UnusedSince,
    /// What active expiry did.
    pub(crate) expiry: crate::periodic::ExpiryStats,
    /// Connections that were closed because of what they sent or did not read.
    pub(crate) cut_off: CutOff,
    /// What commands have done by another thread.
    chores: crate::chores::Chores,
    /// Connections to the targets of MIGRATE.
    pub(crate) links: crate::migrate::Links,
    /// Clients in WAIT and WAITAOF.
    pub(crate) waiting: Arc<crate::waiting::Waiting>,
    /// Clients that spoke another protocol.
    pub(crate) intruders: crate::intruders::Intruders,
}

impl Node {
    pub(crate) fn new(config: Config) -> Arc<Node> {
        Arc::new_cyclic(|me| Node {
            persistence: Persistence::default(),
            loading: Loading::default(),
            append_only: AppendOnly::default(),
            me: me.clone(),
            bus: OnceLock::new(),
            config_file: OnceLock::new(),
            replication: OnceLock::new(),
            log: OnceLock::new(),
            config: Current::new(config),
            config_turns: crate::configure::Turns::default(),
            engine: OnceLock::new(),
            workers: OnceLock::new(),
            server: Mutex::new(None),
            started: Instant::now(),
            run_id: replication::random_id(),
            rates: Rates::default(),
            traffic_before: crate::traffic::Baseline::default(),
            shutdown: crate::ending::Shutdown::default(),
            backlog_unused: crate::backlog::UnusedSince::default(),
            expiry: crate::periodic::ExpiryStats::default(),
            cut_off: CutOff::default(),
            chores: crate::chores::Chores::default(),
            links: crate::migrate::Links::default(),
            waiting: Arc::default(),
            intruders: crate::intruders::Intruders::default(),
        })
    }

    /// Closes a connection whose worker does not get to what is pushed to it.
    #[cold]
    pub(crate) fn cut_off_pushed(&self, card: &ClientCard, bytes: usize) {
        if card.killed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.cut_off.note_output(self, card, bytes);
        self.nudge(card);
    }

    pub(crate) fn set_engine(&self, engine: Arc<Engine>) {
        let replication = Replication::new(&engine);
        let waiting = self.waiting.clone();
        replication.hub.on_news(move || waiting.news());
        let _ = self.replication.set(replication);
        let _ = self.engine.set(engine);
    }

    pub(crate) fn set_server(&self, server: Server<Message>) {
        *self.server.lock() = Some(server);
    }

    /// The network layer, to stop it.
    pub(crate) fn take_server(&self) -> Option<Server<Message>> {
        self.server.lock().take()
    }

    /// Does something with the network layer, if it runs.
    pub(crate) fn with_server(&self, act: impl FnOnce(&mut Server<Message>)) {
        if let Some(server) = &mut *self.server.lock() {
            act(server);
        }
    }

    /// Listens at these places and no others. Waits for the acceptor, while others have the network
    /// layer to themselves.
    ///
    /// # Errors
    /// Why it listens where it did.
    pub(crate) fn listen(&self, places: Vec<net::Listen>) -> Result<(), String> {
        let mut begun = None;
        self.with_server(|server| begun = Some(server.begin_to_listen(places)));
        match begun {
            None => Ok(()),
            Some(begun) => {
                let listening = begun.and_then(net::Listening::wait);
                listening.map(drop).map_err(|error| error.to_string())
            }
        }
    }

    /// Lets the first clients in: they were able to connect since the server listens.
    pub(crate) fn open(&self) -> Result<(), String> {
        let mut result = Ok(());
        self.with_server(|server| result = server.pause_accepting(false));
        result.map_err(|error| format!("cannot accept connections: {error}"))
    }

    /// What went over the connections of clients since the start.
    pub(crate) fn client_traffic(&self) -> net::Totals {
        self.workers.get().map(Workers::totals).unwrap_or_default()
    }

    /// Forgets the workers' longest round and that with the most commands.
    pub(crate) fn reset_round_records(&self) {
        self.workers
            .get()
            .into_iter()
            .for_each(Workers::reset_records);
    }

    /// Connections that were accepted and refused.
    pub(crate) fn arrivals(&self) -> (u64, u64) {
        let clients = &self.engine().clients;
        let load = std::sync::atomic::Ordering::Relaxed;
        let refused = self.refused_at_door();
        let refused = refused.saturating_sub(self.cut_off.refused_before.load(load));
        (
            clients.accepted.load(load),
            clients.rejected.load(load) + refused,
        )
    }

    /// Connections that were refused since the start because there were too many.
    fn refused_at_door(&self) -> u64 {
        let mut refused = 0;
        self.with_server(|server| refused = server.arrivals().1);
        refused
    }

    /// CONFIG RESETSTAT: what is counted outside of the engine begins at zero.
    pub(crate) fn reset_stats(&self) {
        use std::sync::atomic::Ordering::Relaxed;
        self.engine().store.reset_freed();
        let clients = &self.engine().clients;
        let counters = [
            &clients.accepted,
            &clients.rejected,
            &self.cut_off.input,
            &self.cut_off.output,
        ];
        counters
            .iter()
            .for_each(|counter| counter.store(0, Relaxed));
        let refused = self.refused_at_door();
        self.cut_off.refused_before.store(refused, Relaxed);
        self.replication().hub.reset_sync_counts();
        self.reset_traffic();
        self.expiry.reset();
    }

    /// The engine; there is one before any command runs.
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.engine.get().expect("the engine is set at start-up")
    }

    /// This node, shared.
    pub(crate) fn shared(&self) -> Arc<Node> {
        self.me.upgrade().expect("whoever calls holds the node")
    }

    pub(crate) fn set_log(&self, log: Log) {
        let _ = self.log.set(log);
    }

    /// Writes a line to the log.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = self.log.get() {
            log.line(level, text);
        }
    }

    pub(crate) fn set_config_file(&self, file: Option<PathBuf>) {
        if let Some(file) = file {
            let _ = self.config_file.set(file);
        }
    }

    /// The configuration file that the server was started with.
    pub(crate) fn config_file(&self) -> Option<&PathBuf> {
        self.config_file.get()
    }

    pub(crate) fn set_bus(&self, bus: clusterio::Handle) {
        let _ = self.bus.set(bus);
    }

    /// The cluster bus, in cluster mode.
    pub(crate) fn bus(&self) -> Option<&clusterio::Handle> {
        self.bus.get()
    }

    /// The workers, once they run.
    pub(crate) fn workers(&self) -> Option<&Workers<Message>> {
        self.workers.get()
    }

    pub(crate) fn set_workers(&self, workers: Workers<Message>) {
        self.append_only.set_workers(workers.len());
        let _ = self.workers.set(workers);
    }

    /// Sends to the worker of a connection; to nobody before the workers run.
    pub(crate) fn send(&self, place: ConnId, message: Message) {
        if let Some(workers) = self.workers.get() {
            let _order = brief(Short::Inboxes);
            workers.send(usize::from(place.worker), message);
        }
    }

    /// Asks the server to end. One that is loading has nothing to put in order, and ends at once.
    pub(crate) fn end(&self, ending: Ending) {
        if self.engine().settings().loading {
            let line = "Received shutdown signal during loading, exiting now.";
            self.log(LogLevel::Warning, line);
            if let Some(log) = self.log_handle() {
                log.flush();
            }
            std::process::exit(0);
        }
        self.shutdown.request(ending);
    }

    /// Has a thread do what takes its time, with the ticket of the connection that waits for it.
    ///
    /// # Errors
    /// There is no connection to wait, or no thread.
    pub(crate) fn chore(
        &self,
        session: Option<&mut Session>,
        work: impl FnOnce(&Arc<Node>, Ticket) + Send + 'static,
    ) -> Result<Taken, Fail> {
        let session = session.ok_or("ERR This command cannot wait here")?;
        self.chore_for(self.ticket_for(session), work)
    }

    /// As [`Node::chore`], for whoever has this ticket.
    ///
    /// # Errors
    /// There is no thread.
    pub(crate) fn chore_for(
        &self,
        ticket: Ticket,
        work: impl FnOnce(&Arc<Node>, Ticket) + Send + 'static,
    ) -> Result<Taken, Fail> {
        let node = self.shared();
        let added = self.chores.add(move || work(&node, ticket));
        added.map_err(|error| Fail::from(format!("ERR cannot start a thread: {error}")))?;
        Ok(Taken::Later)
    }

    /// A ticket for the connection of a session.
    pub(crate) fn ticket_for(&self, session: &Session) -> Ticket {
        Host::ticket(self, session)
    }

    pub(crate) fn log_handle(&self) -> Option<&Log> {
        self.log.get()
    }

    /// Replication; there is one before any command runs.
    pub(crate) fn replication(&self) -> &Replication {
        self.replication
            .get()
            .expect("replication is set at start-up")
    }

    /// What the cluster machine is told of replication.
    pub(crate) fn replication_now(&self, clock: clusterio::Clock) -> Option<cluster::Replication> {
        let replication = self.replication.get()?;
        Some(replication.for_cluster(self.engine(), clock))
    }

    /// Begins a pause; when it returns, no command runs any more that it parks. `until` as in
    /// [`engine::Pause::begin`].
    pub(crate) fn begin_pause(&self, by: PauseBy, kind: PauseKind, until: Option<Instant>) {
        self.engine().pause.begin(by, kind, until);
        self.pass_gates(|| until.is_some_and(|until| Instant::now() >= until));
    }

    /// Ends the pause of `by`.
    pub(crate) fn end_pause(&self, by: PauseBy) {
        self.engine().pause.end(by);
        self.after_pause();
    }

    /// Waits until no command goes by what was before a pause, or `enough`.
    pub(crate) fn pass_gates(&self, enough: impl Fn() -> bool) {
        let engine = self.engine();
        let mark = engine.store.gates().mark();
        while !engine.store.gates().all_passed(&mark) && !enough() {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }

    /// A pause has ended: what waited for it goes on, unless another one is in force.
    pub(crate) fn after_pause(&self) {
        self.resume();
    }

    /// Lets paused connections go on.
    pub(crate) fn resume(&self) {
        self.send_all(|| Message::Resume);
    }

    /// After a change of role: nothing that waits for the disk may be sent any more, as what it
    /// tells of may be undone, and its client must not take a redirection for the answer.
    pub(crate) fn close_withheld(&self) {
        self.send_all(|| Message::CloseWithheld);
    }

    /// Sends to one worker; to nobody before they run.
    pub(crate) fn send_to(&self, worker: usize, message: Message) {
        if let Some(workers) = self.workers.get() {
            let _order = brief(Short::Inboxes);
            workers.send(worker, message);
        }
    }

    /// Sends to every worker; to nobody before they run.
    pub(crate) fn send_all(&self, message: impl Fn() -> Message) {
        if let Some(workers) = self.workers.get() {
            (0..workers.len()).for_each(|worker| {
                let _order = brief(Short::Inboxes);
                workers.send(worker, message());
            });
        }
    }
}

/// The place of a connection in the net layer.
pub(crate) fn place(card: &ClientCard) -> ConnId {
    let (worker, rest) = card.place;
    ConnId {
        worker,
        index: (rest >> 32) as u32,
        generation: rest as u32,
    }
}

/// A number as reply.
pub(crate) fn number(value: i64) -> Taken {
    Taken::Now(Box::new(move |reply| reply.int(value)))
}

/// The reply `+OK`.
pub(crate) fn ok() -> Taken {
    Taken::Now(Box::new(|reply| reply.ok()))
}
