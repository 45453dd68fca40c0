//! MIGRATE: hands keys over to another server.
//!
//! The keys are *leaving* from the moment they are pinned until the target has answered: commands
//! on them wait, so that what the target has is what was deleted here. No slot is locked meanwhile,
//! nor while the values are serialised. Of several keys either all are leaving or none: who finds
//! one on its way with another order lets go of all that it has before it waits.

mod callers;
mod link;
mod movers;

use crate::node::Node;
use base::Slot;
use callers::{Call, Callers};
use ds::Pin;
use engine::{Effects, Engine, Fail, Session, Taken, wall_us};
use link::{Link, Trouble, connect, exchange, is_timeout};
use movers::Movers;
use parking_lot::Mutex;
use resp::Args;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use store::{Expiry, Locker, SlotGuard, When};

/// How often who waits looks whether its client is still there.
const LOOK_PERIOD: Duration = Duration::from_millis(100);
/// How long an unused connection to a target is kept.
const KEPT: Duration = Duration::from_secs(10);
/// Most unused connections that are kept, as in Redis.
const MOST_KEPT: usize = 64;
/// The time-out in ms when the command gives none.
const DEFAULT_TIMEOUT: i64 = 1000;
/// The longest line that a target may answer with, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;
const CONNECTING: &str = "IOERR error or timeout connecting to the client";
const WRITING: &str = "IOERR error or timeout writing to target instance";
const READING: &str = "IOERR error or timeout reading from target instance";

/// The threads of MIGRATE, and what they leave for each other.
#[derive(Default)]
pub(crate) struct Links {
    idle: Mutex<HashMap<(String, u16), Link>>,
    movers: Movers,
    callers: Callers,
}

/// What a client asked for.
struct Order {
    host: String,
    port: u16,
    keys: Vec<Vec<u8>>,
    /// The database here, by its number.
    from: u16,
    /// The database there.
    db: i64,
    /// How long each exchange with the target may take.
    timeout: Duration,
    /// Until when it waits for what is on this side.
    deadline: Instant,
    copy: bool,
    replace: bool,
    auth: Vec<Vec<u8>>,
    /// Whether both are nodes of a cluster, where the slot may still be ours.
    asking: bool,
    /// What ends it when its client has left.
    call: Arc<Call>,
}

/// A key as it was when it was marked.
struct Parcel {
    key: Vec<u8>,
    /// The physical database that it lies in, whatever its number becomes.
    db: u16,
    /// What is sent for it.
    ttl: i64,
    payload: Vec<u8>,
}

/// MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password] [AUTH2 user password]
/// [KEYS key ...]
pub(crate) fn run(
    node: &Arc<Node>,
    engine: &Engine,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let session = session.ok_or("ERR MIGRATE cannot wait here")?;
    let order = parse(args, session.db, engine.settings().cluster)?;
    // What WAIT waits for afterwards: all that is written until then, the deletions included.
    (session.write_offset, session.write_sequence) = (i64::MAX, u64::MAX);
    let (ticket, shared, client) = (node.ticket_for(session), node.clone(), session.card.id);
    let (until, call) = (order.deadline, order.call.clone());
    node.links.callers.begin(client, call.clone());
    let work = move |locker: Option<&Locker>| {
        let answer = match locker {
            Some(locker) => migrate(&shared, locker, &order),
            None => Err(CONNECTING.into()),
        };
        shared.links.callers.end(client);
        match answer {
            Ok(status) => ticket.answer(move |reply| reply.status(status)),
            Err(text) => ticket.error(text),
        }
    };
    let store = &node.engine().store;
    let taken = node.links.movers.add(store, (until, call), work);
    taken.map_err(|error| {
        node.links.callers.end(client);
        format!("ERR cannot start a thread: {error}")
    })?;
    Ok(Taken::Later)
}

fn parse(args: Args<'_>, from: u16, cluster: bool) -> Result<Order, Fail> {
    let (mut copy, mut replace, mut auth) = (false, false, Vec::new());
    let mut keys = vec![args.get(3).to_vec()];
    let mut index = 6;
    while index < args.len() {
        let more = args.len() - index - 1;
        match args.get(index).to_ascii_uppercase().as_slice() {
            b"COPY" => copy = true,
            b"REPLACE" => replace = true,
            b"AUTH" if more >= 1 => {
                auth = vec![args.get(index + 1).to_vec()];
                index += 1;
            }
            b"AUTH2" if more >= 2 => {
                auth = vec![args.get(index + 1).to_vec(), args.get(index + 2).to_vec()];
                index += 2;
            }
            b"KEYS" if !args.get(3).is_empty() => {
                return Err(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to \
                    the empty string"
                        .into(),
                );
            }
            b"KEYS" => {
                keys = args.from(index + 1).iter().map(<[u8]>::to_vec).collect();
                break;
            }
            _ => return Err(engine::fail::SYNTAX.into()),
        }
        index += 1;
    }
    let int = |index: usize| {
        base::num::parse_i64(args.get(index)).ok_or(Fail::from(engine::fail::NOT_INTEGER))
    };
    let (timeout, db) = (int(5)?, int(4)?);
    let timeout = if timeout <= 0 {
        DEFAULT_TIMEOUT
    } else {
        timeout
    };
    let timeout = Duration::from_millis(timeout as u64);
    // All orders come to their keys in the same way, and to each once.
    keys.sort_unstable();
    keys.dedup();
    let port = base::num::parse_i64(args.get(2)).and_then(|port| u16::try_from(port).ok());
    Ok(Order {
        host: String::from_utf8_lossy(args.get(1)).into_owned(),
        port: port.unwrap_or(0),
        keys,
        from,
        db,
        timeout,
        deadline: deadline(timeout),
        copy,
        replace,
        auth,
        asking: cluster,
        call: Arc::default(),
    })
}

/// When so much time is up; in a year where the clock cannot show it.
fn deadline(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + timeout.min(YEAR)
}

fn migrate(node: &Node, locker: &Locker, order: &Order) -> Result<&'static str, Vec<u8>> {
    let engine = node.engine();
    if !order.keys.iter().any(|key| is_there(locker, order, key)) {
        return Ok("NOKEY");
    }
    let (mut link, cached) = node
        .links
        .get(order)
        .map_err(|error| unreachable_text(&error).as_bytes().to_vec())?;
    let parcels = pack(locker, order)?;
    if parcels.is_empty() {
        node.links.give_back(order, link);
        return Ok("NOKEY");
    }
    // Whoever comes to a key whose way has ended may send it on its way anew: each mark is taken
    // back once.
    let mut ended = vec![false; parcels.len()];
    let mut outcome = exchange(&mut link, order, &parcels, &mut |nth| {
        settle(engine, locker, order, &parcels[nth]);
        ended[nth] = true;
    });
    // The target may have closed a connection that was idle; a new one is worth a try as long as
    // nothing was answered.
    if let Err(Trouble::Link(_, kind)) = &outcome
        && cached
        && !ended.contains(&true)
        && !is_timeout(*kind)
        && !order.call.is_over()
        && let Ok(fresh) = connect(order)
    {
        link = fresh;
        outcome = exchange(&mut link, order, &parcels, &mut |nth| {
            settle(engine, locker, order, &parcels[nth]);
            ended[nth] = true;
        });
    }
    let left = parcels.iter().zip(&ended).filter(|(_, ended)| !**ended);
    left.for_each(|(parcel, _)| unmark(locker, &parcel.key));
    match outcome {
        Ok(()) => {
            node.links.give_back(order, link);
            Ok("OK")
        }
        Err(Trouble::Refused(text)) => {
            let mut error = b"ERR Target instance replied with error: ".to_vec();
            error.extend_from_slice(&text);
            Err(error)
        }
        Err(Trouble::Link(text, _)) => Err(text.as_bytes().to_vec()),
    }
}

fn when() -> When {
    When {
        now: wall_us() / 1000,
        expiry: Expiry::Hide,
    }
}

fn is_there(locker: &Locker, order: &Order, key: &[u8]) -> bool {
    let db = locker.store().physical_db(order.from);
    let _open = locker.enter();
    let mut guard = locker.lock(Slot::of_key(key));
    guard.find(db, ds::siphash::of(key), key, when()).is_some()
}

/// What the client is told of a target that cannot be reached. Redis finds out that nobody listens
/// when it writes.
fn unreachable_text(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => WRITING,
        _ => CONNECTING,
    }
}

/// A key that was marked, and its value at that moment.
struct Marked<'o> {
    key: &'o [u8],
    db: u16,
    ttl: i64,
    pin: Pin,
}

/// Marks the keys that are there and serialises them. While one leaves already none is marked, and
/// the outcome is waited for, until the time of the order is up.
fn pack(locker: &Locker, order: &Order) -> Result<Vec<Parcel>, Vec<u8>> {
    loop {
        match mark_all(locker, order) {
            Ok(marked) => return Ok(marked.into_iter().map(serialise).collect()),
            Err(outcome) => {
                if !awaits(order, &outcome) {
                    return Err(WRITING.into());
                }
            }
        }
    }
}

/// Waits for what becomes of another's key. False when the time of the order is up, or its client
/// has left.
fn awaits(order: &Order, outcome: &Receiver<()>) -> bool {
    loop {
        let left = order.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || order.call.is_over() {
            return false;
        }
        if outcome.recv_timeout(left.min(LOOK_PERIOD)) != Err(RecvTimeoutError::Timeout) {
            return true;
        }
    }
}

fn serialise(marked: Marked<'_>) -> Parcel {
    Parcel {
        key: marked.key.to_vec(),
        db: marked.db,
        ttl: marked.ttl,
        payload: rdb::object::dump_pin(marked.pin),
    }
}

/// Marks all keys that are there, or none: then what comes back hears when the one that leaves
/// already has arrived, or has not.
fn mark_all<'o>(locker: &Locker, order: &'o Order) -> Result<Vec<Marked<'o>>, Receiver<()>> {
    let mut marked: Vec<Marked<'o>> = Vec::new();
    for key in &order.keys {
        let open = locker.enter();
        let mut guard = locker.lock(Slot::of_key(key));
        let (db, when, hash) = (
            locker.store().physical_db(order.from),
            when(),
            ds::siphash::of(key),
        );
        if guard.is_leaving(key) {
            let outcome = outcome_of(&mut guard, key);
            drop(guard);
            drop(open);
            marked.iter().for_each(|marked| unmark(locker, marked.key));
            return Err(outcome);
        }
        let Some(object) = guard.find(db, hash, key, when) else {
            continue;
        };
        let ttl = object
            .expire()
            .map_or(0, |at| at.saturating_sub(when.now).max(1));
        let pin = object.pin();
        marked.push(Marked { key, db, ttl, pin });
        guard.begin_leaving(key);
    }
    Ok(marked)
}

fn unmark(locker: &Locker, key: &[u8]) {
    let _open = locker.enter();
    locker.lock(Slot::of_key(key)).end_leaving(key);
}

/// What hears when a key that leaves already has arrived, or has not.
fn outcome_of(guard: &mut SlotGuard<'_>, key: &[u8]) -> Receiver<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let wake = move || {
        // Who waits has the other end.
        let _ = sender.send(());
    };
    guard.await_leaving(key, || Arc::new(wake));
    receiver
}

/// After how long a slot that a pause holds is looked at again.
const HELD_AGAIN: Duration = Duration::from_millis(1);

/// Ends the journey of a key that the target has: deletes it here, unless it was a copy.
fn settle(engine: &Engine, locker: &Locker, order: &Order, parcel: &Parcel) {
    let key = parcel.key.as_slice();
    let slot = Slot::of_key(key);
    let _open = loop {
        let open = locker.enter();
        if order.copy || engine.settings().replica || !engine.store.is_held(slot) {
            break open;
        }
        // While a pause holds the offset the key still leaves; whoever wants it waits.
        drop(open);
        std::thread::sleep(HELD_AGAIN);
    };
    let mut guard = locker.lock(slot);
    let db = parcel.db;
    if !order.copy && !engine.settings().replica {
        let hash = ds::siphash::of(key);
        if let Some(object) = guard.remove(db, hash, key) {
            engine.store.discard(object);
            guard.changed(db, key, 1);
            let mut effects = Effects::default();
            effects.begin(&engine.store);
            effects.deleted(&engine.store, engine.store.logical_db(db), key);
            effects.settle(&engine.store, &mut guard);
        }
    }
    guard.end_leaving(key);
}

impl Links {
    /// A client has left: what it ordered ends soon.
    pub(crate) fn left(&self, client: u64) {
        self.callers.left(client);
    }

    /// Answers the orders that nobody has come to in their time, ends those whose client has left,
    /// and closes connections that were not used for long. Called now and then.
    pub(crate) fn drop_overdue(&self) {
        self.callers.end_overdue();
        self.movers.drop_overdue();
        self.count();
    }

    /// How many connections are kept for the next MIGRATE.
    pub(crate) fn count(&self) -> usize {
        let mut idle = self.idle.lock();
        idle.retain(|_, link| link.used.elapsed() < KEPT);
        idle.len()
    }

    /// A connection to the order's target, and whether it was used before.
    fn get(&self, order: &Order) -> io::Result<(Link, bool)> {
        let kept = {
            let mut idle = self.idle.lock();
            idle.retain(|_, link| link.used.elapsed() < KEPT);
            idle.remove(&(order.host.clone(), order.port))
        };
        match kept {
            Some(link) => {
                let stream = link.stream.get_ref();
                stream.set_read_timeout(Some(order.timeout))?;
                stream.set_write_timeout(Some(order.timeout))?;
                Ok((link, true))
            }
            None => Ok((connect(order)?, false)),
        }
    }

    /// Keeps a connection, unless it has one of the descriptors that are kept for what is needed
    /// more. Where there are too many, the one that was unused for longest goes.
    fn give_back(&self, order: &Order, mut link: Link) {
        if link.stream.get_ref().as_raw_fd() as usize >= crate::descriptors::kept_from() {
            return;
        }
        link.used = Instant::now();
        let target = (order.host.clone(), order.port);
        let mut idle = self.idle.lock();
        idle.insert(target, link);
        if idle.len() > MOST_KEPT {
            let oldest = idle.iter().min_by_key(|(_, link)| link.used);
            if let Some(target) = oldest.map(|(target, _)| target.clone()) {
                idle.remove(&target);
            }
        }
    }
}
