//! The server as a whole: DBSIZE, FLUSHALL, FLUSHDB, SWAPDB, TIME.

use crate::Cx;
use crate::fail::{self, Done, Fail, SYNTAX};
use crate::handlers::Handler;
use base::num;
use commands::family::server::Handlers;
use store::Garbage;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Dbsize: dbsize,
    Flushall: flushall,
    Flushdb: flushdb,
    Swapdb: swapdb,
    Time: time,
};

/// DBSIZE
pub(crate) fn dbsize(cx: &mut Cx<'_>) -> Done {
    let keys = cx.engine.store.database_size(cx.keys.db()).0;
    cx.reply.int(keys as i64);
    Ok(())
}

/// FLUSHALL [ASYNC | SYNC]
pub(crate) fn flushall(cx: &mut Cx<'_>) -> Done {
    flush(cx, None)
}

/// FLUSHDB [ASYNC | SYNC]
pub(crate) fn flushdb(cx: &mut Cx<'_>) -> Done {
    let db = cx.keys.db();
    flush(cx, Some(db))
}

fn flush(cx: &mut Cx<'_>, db: Option<u16>) -> Done {
    let later = match cx.args.opt(1) {
        None => cx.settings.lazy_user_flush,
        Some(_) if cx.args.len() > 2 => return Err(SYNTAX.into()),
        Some(word) if word.eq_ignore_ascii_case(b"ASYNC") => true,
        Some(word) if word.eq_ignore_ascii_case(b"SYNC") => false,
        Some(_) => return Err(SYNTAX.into()),
    };
    let world = cx.world.ok_or(Fail::World)?;
    let store = &cx.engine.store;
    let change = cx.keys.flush(world, db, |keys| {
        // Freeing is the long part; it is done under the world only when that was asked for.
        if later || keys.len() > 1000 {
            store.discard_later(Garbage::Keys(keys));
        }
    });
    // Counted before the host hears of it, which has nothing left to save then.
    cx.end_whole(change);
    if db.is_none() {
        cx.engine.host().flushed();
    }
    cx.reply.ok();
    Ok(())
}

/// SWAPDB index1 index2
pub(crate) fn swapdb(cx: &mut Cx<'_>) -> Done {
    if cx.settings.cluster {
        return Err("ERR SWAPDB is not allowed in cluster mode".into());
    }
    let one = number(cx, 1).ok_or("ERR invalid first DB index")?;
    let other = number(cx, 2).ok_or("ERR invalid second DB index")?;
    let (one, other) = (existing(cx, one)?, existing(cx, other)?);
    let world = cx.world.ok_or(Fail::World)?;
    let change = cx.keys.swap_databases(world, (one, other));
    cx.end_whole(change);
    cx.reply.ok();
    Ok(())
}

/// An argument as a number that fits into a C `int`.
fn number(cx: &Cx<'_>, index: usize) -> Option<i64> {
    num::parse_i64(cx.args.get(index)).filter(|number| i32::try_from(*number).is_ok())
}

fn existing(cx: &Cx<'_>, number: i64) -> Result<u16, Fail> {
    let exists = (0..i64::from(cx.engine.store.databases())).contains(&number);
    if exists {
        Ok(number as u16)
    } else {
        Err(fail::DB_OUT_OF_RANGE.into())
    }
}

/// TIME
pub(crate) fn time(cx: &mut Cx<'_>) -> Done {
    let now = crate::wall_us();
    cx.reply.array(2);
    cx.reply.bulk_int(now / 1_000_000);
    cx.reply.bulk_int(now % 1_000_000);
    Ok(())
}
