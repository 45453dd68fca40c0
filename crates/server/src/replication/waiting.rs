//! WAIT: a client waits until replicas have what it wrote.

use crate::node::{Node, number};
use base::num;
use engine::{Engine, Fail, Session, Taken};
use resp::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::journal::Audience;

/// WAIT numreplicas timeout
pub(super) fn wait(
    node: &Arc<Node>,
    engine: &Engine,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    if node.replication().primary().is_some() {
        return Err(
            "ERR WAIT cannot be used with replica instances. Please also note that since \
            Redis 4.0 if a replica is configured to be writable (which is not the default) writes \
            to replicas are just local and are not propagated."
                .into(),
        );
    }
    let count = num::parse_i64(args.get(1)).ok_or(engine::fail::NOT_INTEGER)?;
    let timeout =
        num::parse_i64(args.get(2)).ok_or("ERR timeout is not an integer or out of range")?;
    let timeout = u64::try_from(timeout).map_err(|_| "ERR timeout is negative")?;
    let hub = node.replication().hub.clone();
    let (offset, session) = match session {
        Some(session) => {
            let written = session.write_offset.min(engine.store.journal.offset());
            (written, session)
        }
        None => {
            return Ok(number(
                hub.acknowledged(engine.store.journal.offset()) as i64
            ));
        }
    };
    let there = hub.acknowledged(offset) as i64;
    if there >= count {
        return Ok(number(there));
    }
    let ticket = engine.host().ticket(session);
    let getack = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";
    let effect = store::journal::Effect {
        db: 0,
        audience: Audience::REPLICAS,
        command: getack,
    };
    engine.store.journal.append_verbatim(&[effect]);
    let shared = Arc::new(parking_lot::Mutex::new(Some(ticket)));
    let (waiting, counter) = (shared.clone(), hub.clone());
    let unblock = move |as_error| {
        let Some(ticket) = waiting.lock().take() else {
            return false;
        };
        if as_error {
            ticket.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        } else {
            let there = counter.acknowledged(offset) as i64;
            ticket.answer(move |reply| reply.int(there));
        }
        true
    };
    *session.card.unblock.lock() = Some(Box::new(unblock));
    let deadline = (timeout > 0).then(|| Instant::now() + Duration::from_millis(timeout));
    let work = move || {
        let there = hub.wait(offset, count as usize, deadline) as i64;
        if let Some(ticket) = shared.lock().take() {
            ticket.answer(move |reply| reply.int(there));
        }
    };
    let spawned = std::thread::Builder::new().name("wait".into()).spawn(work);
    spawned.map_err(|error| Fail::from(format!("ERR cannot wait: {error}")))?;
    Ok(Taken::Later)
}
