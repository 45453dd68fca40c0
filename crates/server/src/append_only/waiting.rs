//! WAITAOF: until writes are synced, here and on replicas.

use crate::node::Node;
use base::num;
use engine::{Engine, Fail, Session, Taken};
use resp::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often replicas are asked how far they are.
const ASK_PERIOD: Duration = Duration::from_millis(100);

/// WAITAOF numlocal numreplicas timeout
pub(crate) fn waitaof(
    node: &Arc<Node>,
    engine: &Engine,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let range = |index: usize, most: i64| {
        num::parse_i64(args.get(index))
            .filter(|value| (0..=most).contains(value))
            .ok_or("ERR value is out of range, must be positive")
    };
    let local = num::parse_i64(args.get(1))
        .filter(|value| (0..=1).contains(value))
        .ok_or("ERR value is out of range, value must between 0 and 1")? as usize;
    let replicas = range(2, i64::MAX)? as usize;
    let timeout =
        num::parse_i64(args.get(3)).ok_or("ERR timeout is not an integer or out of range")?;
    let timeout = u64::try_from(timeout).map_err(|_| "ERR timeout is negative")?;
    if node.replication().primary().is_some() {
        return Err(
            "ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
             replicas are just local and are not propagated."
                .into(),
        );
    }
    let writer = node.append_only.writer();
    if local > 0 && writer.is_none() {
        return Err(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.".into(),
        );
    }
    let (offset, sequence) = session.as_ref().map_or_else(
        || {
            (
                engine.store.journal.offset(),
                engine.store.journal.sequence(),
            )
        },
        |session| (session.write_offset, session.write_sequence),
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
        loop {
            let (here, there) = synced();
            let over = deadline.is_some_and(|at| Instant::now() >= at);
            let Some(node) = node.upgrade().filter(|_| !over) else {
                return ticket.answer(move |reply| answer(reply, here, there));
            };
            if here >= local && there >= replicas {
                return ticket.answer(move |reply| answer(reply, here, there));
            }
            let left = deadline.map_or(ASK_PERIOD, |at| {
                at.saturating_duration_since(Instant::now()).min(ASK_PERIOD)
            });
            if here < local {
                match node.append_only.writer() {
                    Some((_, status)) => {
                        status.wait_synced(sequence, Some(Instant::now() + left), &|| false);
                    }
                    None => return ticket.error(
                        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
                    ),
                }
            } else {
                node.replication().hub.wait_for_news(Instant::now() + left);
            }
        }
    };
    let spawned = std::thread::Builder::new()
        .name("waitaof".into())
        .spawn(work);
    spawned.map_err(|error| Fail::from(format!("ERR cannot wait: {error}")))?;
    Ok(Taken::Later)
}

fn answer(reply: &mut resp::Reply<'_>, here: usize, there: usize) {
    reply.array(2);
    reply.int(here as i64);
    reply.int(there as i64);
}
