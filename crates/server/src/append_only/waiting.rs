//! WAITAOF: until writes are synced, here and on replicas.

use crate::node::Node;
use base::num;
use engine::{Engine, Fail, Session, Taken};
use resp::Args;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often replicas are asked how far they are.
const ASK_PERIOD: Duration = Duration::from_millis(100);

const DISABLED: &str =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

/// What WAITAOF asks for.
struct Wish {
    /// Whether the writes must be synced here: 0 or 1.
    local: usize,
    /// On how many replicas.
    replicas: usize,
    /// In milliseconds; 0: as long as it takes.
    timeout: u64,
}

impl Wish {
    fn parse(args: Args<'_>) -> Result<Wish, Fail> {
        let local = num::parse_i64(args.get(1))
            .filter(|value| (0..=1).contains(value))
            .ok_or("ERR value is out of range, value must between 0 and 1")?;
        let replicas = num::parse_i64(args.get(2))
            .filter(|value| *value >= 0)
            .ok_or("ERR value is out of range, must be positive")?;
        let timeout =
            num::parse_i64(args.get(3)).ok_or("ERR timeout is not an integer or out of range")?;
        let timeout = u64::try_from(timeout).map_err(|_| "ERR timeout is negative")?;
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
    if node.replication().primary().is_some() {
        return Err(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
             replicas are just local and are not propagated."
                .into(),
        );
    }
    let writer = node.append_only.writer();
    if local > 0 && writer.is_none() {
        return Err(DISABLED.into());
    }
    let (offset, sequence) = session.as_ref().map_or_else(
        || {
            (
                engine.store.journal.offset(),
                engine.store.journal.sequence(),
            )
        },
        |session| {
            let journal = &engine.store.journal;
            (
                session.write_offset.min(journal.offset()),
                session.write_sequence.min(journal.sequence()),
            )
        },
    );
    let hub = node.replication().hub.clone();
    let status = writer.map(|(_, status)| status);
    let synced = move || {
        let here = status
            .as_ref()
            .is_some_and(|status| status.synced() >= sequence);
        let there = hub.replicas();
        let there = there
            .iter()
            .filter(|r| r.fsynced.is_some_and(|at| at >= offset));
        (usize::from(here), there.count())
    };
    let (here, there) = synced();
    let Some(session) = session.filter(|_| here < local || there < replicas) else {
        return Ok(Taken::Now(Box::new(move |reply| {
            answer(reply, here, there)
        })));
    };
    let ticket = engine.host().ticket(session);
    let deadline = (timeout > 0).then(|| Instant::now() + Duration::from_millis(timeout));
    let node = Arc::downgrade(node);
    let work = move || {
        let outcome = wait(&node, sequence, (local, replicas), deadline, &synced);
        match outcome {
            Some((here, there)) => ticket.answer(move |reply| answer(reply, here, there)),
            None => ticket.error(DISABLED),
        }
    };
    let spawned = std::thread::Builder::new()
        .name("waitaof".into())
        .spawn(work);
    spawned.map_err(|error| Fail::from(format!("ERR cannot wait: {error}")))?;
    Ok(Taken::Later)
}

/// Waits until enough have synced, or the deadline; how many have. `None` when the file was turned
/// off meanwhile.
fn wait(
    node: &Weak<Node>,
    sequence: u64,
    (local, replicas): (usize, usize),
    deadline: Option<Instant>,
    synced: &dyn Fn() -> (usize, usize),
) -> Option<(usize, usize)> {
    loop {
        let (here, there) = synced();
        let over = deadline.is_some_and(|at| Instant::now() >= at);
        let node = node.upgrade().filter(|_| !over);
        let enough = here >= local && there >= replicas;
        let Some(node) = node.filter(|_| !enough) else {
            return Some((here, there));
        };
        let next = Instant::now() + ASK_PERIOD;
        let next = deadline.map_or(next, |at| at.min(next));
        if here < local {
            let (_, status) = node.append_only.writer()?;
            status.wait_synced(sequence, Some(next), &|| false);
        } else {
            node.replication().hub.wait_for_news(next);
        }
    }
}

fn answer(reply: &mut resp::Reply<'_>, here: usize, there: usize) {
    reply.array(2);
    reply.int(here as i64);
    reply.int(there as i64);
}
