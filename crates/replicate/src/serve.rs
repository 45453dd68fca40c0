//! A primary's side: one replica, from its request to the end of its connection.

mod options;
mod progress;
mod snapshot;

pub use options::{LogLine, ServeLimits, ServeOptions, Snapshot};
use progress::{Pace, Speed};

use crate::hub::{Hub, ReplicaLink};
use crate::row::Row;
use crate::steady_ms;
use crate::traffic::ToReplica;
use parking_lot::Mutex;
use replproto::{Level, Listener, PrimaryEffect, PrimarySession, PrimaryView};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::journal::{Reader, ReaderLimit};

/// How long a write to a replica may take before the link is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the sender sleeps when there is nothing to send.
const IDLE: Duration = Duration::from_millis(100);

struct Serving {
    hub: Arc<Hub>,
    options: ServeOptions,
    link: Arc<ReplicaLink>,
    session: Mutex<PrimarySession>,
    /// Set by the receiver when the stream may begin: the first offset wanted.
    stream_from: AtomicI64,
    over: AtomicBool,
    /// How the replica takes its snapshot.
    pace: Pace,
    /// What may wait in the journal for its reader, once there is one. Whoever listens to the
    /// replica looks after it: the sender may wait in a write.
    bound: OnceLock<ReaderLimit>,
}

/// Serves a replica that has sent PSYNC or SYNC, on the calling thread, until its connection ends.
/// `request` is that command, `unread` what it sent after it.
pub fn serve(
    hub: &Arc<Hub>,
    socket: Arc<TcpStream>,
    session: PrimarySession,
    request: Vec<Vec<u8>>,
    unread: Vec<u8>,
    options: ServeOptions,
) {
    let Ok(link) = new_link(hub, &socket, &session, &options) else {
        return;
    };
    let over = AtomicBool::new(false);
    let serving = Arc::new(Serving {
        hub: hub.clone(),
        options,
        link: link.clone(),
        session: Mutex::new(session),
        stream_from: AtomicI64::new(-1),
        over,
        pace: Pace::default(),
        bound: OnceLock::new(),
    });
    hub.add(link.clone());
    let receiving = serving.clone();
    let receiver = std::thread::Builder::new().name("replica-acks".into());
    let receiver = receiver.spawn(move || receiving.receive(unread));
    if receiver.is_ok() {
        serving.send_all(socket, &request);
    }
    serving.over.store(true, Ordering::Release);
    let _ = link.socket.shutdown(std::net::Shutdown::Both);
    if let Ok(thread) = receiver {
        // A panic there has ended the process already.
        let _ = thread.join();
    }
    hub.remove(link.id);
}

fn new_link(
    hub: &Hub,
    socket: &Arc<TcpStream>,
    session: &PrimarySession,
    options: &ServeOptions,
) -> io::Result<Arc<ReplicaLink>> {
    socket.set_nonblocking(false)?;
    socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    // A unix socket has no such option.
    let _ = socket.set_nodelay(options.nodelay);
    let said = session.introduction();
    let peer = socket
        .peer_addr()
        .map(|address| address.ip().to_string())
        .unwrap_or_default();
    Ok(Arc::new(ReplicaLink {
        id: hub.next_id(),
        socket: socket.clone(),
        closed: options.closed.clone(),
        ip: said.ip.clone().unwrap_or(peer),
        port: said.port.unwrap_or(0) as u16,
        state: Mutex::new("wait_bgsave"),
        streaming: AtomicBool::new(false),
        acknowledged: AtomicI64::new(0),
        fsynced: AtomicI64::new(-1),
        last_ack: AtomicU64::new(steady_ms()),
    }))
}

/// What the sender is to do next.
enum Next {
    Wait,
    Snapshot,
    Stream(i64),
    End,
}

impl Serving {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire) || self.link.closed.load(Ordering::Acquire)
    }

    /// Carries out what the session wants; `socket` is where its words go.
    fn effects(&self, socket: &mut dyn Write) -> io::Result<Next> {
        let mut next = Next::Wait;
        loop {
            let effect = self.session.lock().poll();
            let Some(effect) = effect else { break };
            match effect {
                PrimaryEffect::Send(bytes) => socket.write_all(&bytes)?,
                PrimaryEffect::Log(level, line) => (self.options.log)(level, &line),
                PrimaryEffect::NeedSnapshot => next = Next::Snapshot,
                PrimaryEffect::Stream(offset) => next = Next::Stream(offset.0 - 1),
                PrimaryEffect::Acknowledged { applied, fsynced } => {
                    self.link.acknowledged.store(applied.0, Ordering::Relaxed);
                    let fsynced = fsynced.map_or(-1, |offset| offset.0);
                    self.link.fsynced.store(fsynced, Ordering::Relaxed);
                    self.link.last_ack.store(steady_ms(), Ordering::Relaxed);
                    self.hub.news();
                }
                PrimaryEffect::AcknowledgeNow => (self.options.acknowledge_now)(),
                // A coordinated failover (FAILOVER) is not offered, so nobody can hand over to us.
                PrimaryEffect::TakeOver | PrimaryEffect::Close => return Ok(Next::End),
            }
        }
        *self.link.state.lock() = self.session.lock().info_state();
        Ok(next)
    }

    fn send_all(&self, socket: Arc<TcpStream>, request: &[Vec<u8>]) {
        let traffic = self.hub.traffic().clone();
        let mut socket = ToReplica { socket, traffic };
        let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
        {
            let (history, window) = (self.hub.history(), self.hub.window());
            let view = PrimaryView {
                history: &history,
                window,
                role: (self.options.role)(),
                failing_over: false,
                pending_replies: false,
            };
            self.session.lock().sync(steady_ms(), &words, &view);
        }
        let mut reader = None;
        loop {
            let next = match self.effects(&mut socket) {
                Ok(next) => next,
                Err(_) => return,
            };
            match next {
                Next::End => return,
                Next::Snapshot => {
                    self.count(0);
                    if request.get(1).is_some_and(|id| id != b"?") {
                        self.count(2);
                    }
                    match self.send_snapshot(&mut socket) {
                        Ok(after) => reader = Some(after),
                        Err(reason) => {
                            self.session.lock().snapshot_failed();
                            (self.options.log)(
                                Level::Warning,
                                &format!("Full sync failed: {reason}"),
                            );
                            return;
                        }
                    }
                }
                Next::Stream(from) => {
                    if reader.is_none() {
                        self.count(1);
                    }
                    let after = reader.take().or_else(|| self.hub_reader(from));
                    if let Some(after) = after {
                        // The link ends here for whatever reason; the replica comes back.
                        let _ = self.stream(&mut socket, after);
                    }
                    return;
                }
                Next::Wait => {
                    let from = self.stream_from.swap(-1, Ordering::AcqRel);
                    if from >= 0
                        && let Some(after) = reader.take().or_else(|| self.hub_reader(from))
                    {
                        let _ = self.stream(&mut socket, after);
                        return;
                    }
                    if self.is_over() {
                        return;
                    }
                    std::thread::park_timeout(Duration::from_millis(5));
                    let limits = (self.options.limits)();
                    self.session.lock().tick(steady_ms(), limits.timeout_ms);
                }
            }
        }
    }

    fn count(&self, which: usize) {
        self.hub.syncs[which].fetch_add(1, Ordering::Relaxed);
    }

    fn hub_reader(&self, from: i64) -> Option<Reader> {
        let reader = self.hub.store().journal.reader_from_offset(from)?;
        self.bound(&reader);
        Some(reader)
    }

    /// Has the reader cut off when the replica is too slow.
    fn bound(&self, reader: &Reader) {
        let limit = reader.limit();
        bound_by((self.options.limits)(), &limit);
        // In force before others find it: what they set is newer.
        let _ = self.bound.set(limit);
    }

    /// Closes the connection of a replica that the journal has left behind, which also ends a write
    /// to it that waits; the first to notice says so. Returns whether it is closed.
    fn end_if_cut_off(&self) -> bool {
        let cut = self.bound.get().is_some_and(ReaderLimit::is_cut_off);
        if cut && !self.over.swap(true, Ordering::AcqRel) {
            let line = "Client scheduled to be closed ASAP for overcoming of output buffer limits.";
            (self.options.log)(Level::Warning, line);
            // A socket that is gone already is what is wanted.
            let _ = self.link.socket.shutdown(std::net::Shutdown::Both);
        }
        cut
    }

    /// Closes the connection of a replica that takes nothing of its snapshot for longer than
    /// `repl-timeout`, or takes it too slowly while others wait for what it holds. That ends the
    /// write that waits and frees what the snapshot holds. Returns whether it is closed.
    fn end_if_stuck(&self, limits: ServeLimits, speed: &mut Speed) -> bool {
        let now = steady_ms();
        let standing = self.pace.standing(now);
        let slow = speed.is_slow(standing, limits.timeout_ms);
        let reason = if standing.blocked > limits.timeout_ms {
            "Disconnecting timedout replica (full sync)"
        } else if slow && self.row().may_end_one(now) {
            "Disconnecting replica that takes less than 64 KB/s of its snapshot while others wait"
        } else {
            return false;
        };
        if !self.over.swap(true, Ordering::AcqRel) {
            let name = self.session.lock().name();
            (self.options.log)(Level::Warning, &format!("{reason}: {name}"));
            // A socket that is gone already is what is wanted.
            let _ = self.link.socket.shutdown(std::net::Shutdown::Both);
        }
        true
    }

    /// Whether the snapshot goes to the replica as it is made, not by way of a file.
    fn streams(&self) -> bool {
        self.options.diskless && self.session.lock().introduction().eof
    }

    /// The row of those that wait for what the replica holds while it takes its snapshot.
    fn row(&self) -> &Row {
        let [files, lanes] = &self.hub.rows;
        if self.streams() { lanes } else { files }
    }

    /// Sends the journal as it grows.
    fn stream(&self, socket: &mut ToReplica, mut reader: Reader) -> io::Result<()> {
        self.link.streaming.store(true, Ordering::Release);
        *self.link.state.lock() = self.session.lock().info_state();
        self.hub.news();
        let mut out: Vec<u8> = Vec::with_capacity(64 * 1024);
        let mut ticked = steady_ms();
        while !self.is_over() {
            out.clear();
            while out.len() < 256 * 1024 {
                let Some(batch) = reader.next_batch() else {
                    break;
                };
                let mut skip = batch.skip;
                for record in batch.records().filter(|record| record.audience.replicas()) {
                    out.extend_from_slice(&record.command[std::mem::take(&mut skip)..]);
                }
            }
            if !out.is_empty() {
                socket.write_all(&out)?;
            }
            if self.end_if_cut_off() {
                return Ok(());
            }
            let now = steady_ms();
            if now - ticked >= 500 {
                ticked = now;
                let limits = (self.options.limits)();
                self.session.lock().tick(now, limits.timeout_ms);
                if matches!(self.effects(socket)?, Next::End) {
                    return Ok(());
                }
            }
            if out.is_empty() {
                reader.wait(IDLE);
            }
        }
        Ok(())
    }

    /// Reads what the replica says: acknowledgements, and options between.
    fn receive(&self, unread: Vec<u8>) {
        let mut socket = &*self.link.socket;
        let mut listener = Listener::default();
        listener.input(&unread);
        let mut chunk = [0; 4096];
        let mut applied = None;
        let mut speed = Speed::default();
        while !self.is_over() {
            loop {
                match listener.next_command() {
                    Ok(Some(words)) => self.hear(&words),
                    Ok(None) => break,
                    Err(_) => return self.end(),
                }
            }
            let limits = (self.options.limits)();
            if let Some(bound) = self.bound.get()
                && applied.replace(limits) != Some(limits)
            {
                bound_by(limits, bound);
            }
            if self.end_if_stuck(limits, &mut speed) || self.end_if_cut_off() {
                return;
            }
            match socket.read(&mut chunk) {
                Ok(0) => return self.end(),
                Ok(read) => {
                    self.hub.traffic().read_from_replica(read);
                    listener.input(&chunk[..read]);
                }
                Err(error) if is_timeout(&error) => {}
                Err(_) => return self.end(),
            }
        }
    }

    fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn hear(&self, words: &[Vec<u8>]) {
        let is_replconf = words
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"replconf"));
        if !is_replconf {
            return;
        }
        let args: Vec<&[u8]> = words[1..].iter().map(Vec::as_slice).collect();
        self.session.lock().replconf(steady_ms(), &args);
        // After the snapshot the first acknowledgement begins the stream; the sender has the
        // socket.
        let mut silent = io::sink();
        match self.effects(&mut silent) {
            Ok(Next::Stream(from)) => self.stream_from.store(from, Ordering::Release),
            Ok(Next::End) => self.end(),
            _ => {}
        }
    }
}

/// As in Redis the limit is at least the backlog, which is kept anyway.
fn bound_by(limits: ServeLimits, reader: &ReaderLimit) {
    reader.cut_off_past(match limits.lag {
        0 => 0,
        lag => lag.max(limits.backlog),
    });
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
