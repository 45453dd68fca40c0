//! WAIT and WAITAOF: a client waits until other nodes or a disk have what it wrote.

mod waiters;

use crate::node::{Node, number};
use base::num;
use engine::{Answer, Engine, Fail, Session, Taken};
use parking_lot::Mutex;
use resp::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};
use waiters::Waiter;

pub(crate) use waiters::Waiting;

const DISABLED: &str =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
const UNBLOCKED: &str = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
const DEMOTED: &str = "UNBLOCKED force unblock from blocking operation, instance state changed \
                       (master -> replica?)";

/// WAIT numreplicas timeout
pub(crate) fn wait(
    node: &Arc<Node>,
    engine: &Engine,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    if node.replication().is_replica() {
        return Err(
            "ERR WAIT cannot be used with replica instances. Please also note that since \
            Redis 4.0 if a replica is configured to be writable (which is not the default) writes \
            to replicas are just local and are not propagated."
                .into(),
        );
    }
    let count = num::parse_i64(args.get(1)).ok_or(engine::fail::NOT_INTEGER)?;
    let timeout = engine::timeout::milliseconds(args.get(2))?;
    let journal = &engine.store.journal;
    let written = session.as_ref().map(|session| session.write_offset);
    let offset = written.map_or(journal.offset(), |at| at.min(journal.offset()));
    let hub = node.replication().hub.clone();
    let there = hub.acknowledged(offset) as i64;
    let Some(session) = session.filter(|_| there < count) else {
        return Ok(number(there));
    };
    crate::replication::ask_for_acknowledgements(node, engine);
    let so_far = move || {
        let there = hub.acknowledged(offset) as i64;
        let answer: Answer = Box::new(move |reply| reply.int(there));
        Ok((there >= count, answer))
    };
    until(node, session, timeout, so_far)
}

/// What WAITAOF asks for.
struct Wish {
    /// Whether the writes must be synced here: 0 or 1.
    local: usize,
    /// On how many replicas.
    replicas: usize,
    /// Zero: as long as it takes.
    timeout: Duration,
}

impl Wish {
    fn parse(args: Args<'_>) -> Result<Wish, Fail> {
        let local = num::parse_i64(args.get(1)).ok_or(engine::fail::NOT_INTEGER)?;
        if !(0..=1).contains(&local) {
            return Err("ERR value is out of range, value must between 0 and 1".into());
        }
        let replicas = num::parse_i64(args.get(2))
            .filter(|value| *value >= 0)
            .ok_or(engine::fail::MUST_BE_POSITIVE)?;
        let timeout = engine::timeout::milliseconds(args.get(3))?;
        Ok(Wish {
            local: local as usize,
            replicas: replicas as usize,
            timeout,
        })
    }
}

/// WAITAOF numlocal numreplicas timeout
pub(crate) fn waitaof(
    node: &Arc<Node>,
    engine: &Engine,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let Wish {
        local,
        replicas,
        timeout,
    } = Wish::parse(args)?;
    if node.replication().is_replica() {
        return Err(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
             replicas are just local and are not propagated."
                .into(),
        );
    }
    if local > 0 && node.append_only.writer().is_none() {
        return Err(DISABLED.into());
    }
    let journal = &engine.store.journal;
    let written = session.as_ref();
    let written = written.map(|session| (session.write_offset, session.write_sequence));
    let (offset, sequence) = written.unwrap_or((i64::MAX, u64::MAX));
    let (offset, sequence) = (
        offset.min(journal.offset()),
        sequence.min(journal.sequence()),
    );
    let hub = node.replication().hub.clone();
    let weak = Arc::downgrade(node);
    let synced = move || {
        // What is synced as the file is turned off does not count: it is not waited for any more.
        let writer = weak.upgrade().and_then(|node| node.append_only.writer());
        let here = writer
            .as_ref()
            .map(|(_, status)| status.synced() >= sequence);
        if local > 0 && here.is_none() {
            return Err(DISABLED);
        }
        let there = hub.replicas();
        let there = there
            .iter()
            .filter(|r| r.fsynced.is_some_and(|at| at >= offset));
        Ok((usize::from(here == Some(true)), there.count()))
    };
    let (here, there) = synced()?;
    let Some(session) = session.filter(|_| here < local || there < replicas) else {
        return Ok(Taken::Now(answer(here, there)));
    };
    let so_far = move || {
        let (here, there) = synced()?;
        Ok((here >= local && there >= replicas, answer(here, there)))
    };
    until(node, session, timeout, so_far)
}

fn answer(here: usize, there: usize) -> Answer {
    Box::new(move |reply| {
        reply.array(2);
        reply.int(here as i64);
        reply.int(there as i64);
    })
}

/// Has a client wait until there is enough, the time is up (zero: it never is), it is unblocked or
/// gone, or this node is no primary any more. `so_far` says whether there is enough, and answers.
fn until(
    node: &Arc<Node>,
    session: &mut Session,
    timeout: Duration,
    so_far: impl Fn() -> Result<(bool, Answer), &'static str> + Send + Sync + 'static,
) -> Result<Taken, Fail> {
    // One that the clock cannot show is as good as none.
    let deadline = Instant::now().checked_add(timeout);
    let waiter = Arc::new(Waiter {
        ticket: Mutex::new(Some(engine::Host::ticket(&**node, session))),
        deadline: deadline.filter(|_| !timeout.is_zero()),
        so_far: Box::new(so_far),
    });
    let added = node.waiting.add(node, waiter.clone());
    added.map_err(|error| Fail::from(format!("ERR cannot wait: {error}")))?;
    let waiting = node.waiting.clone();
    let unblock = move |as_error: bool| {
        let Some(ticket) = waiter.ticket.lock().take() else {
            return false;
        };
        match (waiter.so_far)() {
            Ok((_, answer)) if !as_error => ticket.answer(answer),
            _ => ticket.error(UNBLOCKED),
        }
        waiting.news();
        true
    };
    *session.card.unblock.lock() = Some(Box::new(unblock));
    Ok(Taken::Later)
}
