//! Commands on whole databases: DBSIZE, FLUSHALL, FLUSHDB, SWAPDB.

use crate::Cx;
use crate::fail::{self, Done, Fail, SYNTAX};
use base::num;
use store::Garbage;

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
    let (store, locker) = (&cx.engine.store, cx.keys.locker());
    cx.keys.release();
    let gone = locker.flush(world, db, |keys| {
        // Freeing is the long part; it is done under the world only when that was asked for.
        if later || keys.len() > 1000 {
            store.discard_later(Garbage::Keys(keys));
        }
    });
    cx.keys.count_dirty(gone);
    cx.effect_as_sent();
    cx.reply.ok();
    Ok(())
}

/// SWAPDB index1 index2
pub(crate) fn swapdb(cx: &mut Cx<'_>) -> Done {
    if cx.settings.cluster {
        return Err("ERR SWAPDB is not allowed in cluster mode".into());
    }
    let one = number(cx, 1, "ERR invalid first DB index")?;
    let other = number(cx, 2, "ERR invalid second DB index")?;
    let world = cx.world.ok_or(Fail::World)?;
    if one != other {
        cx.keys.release();
        cx.keys.locker().swap_databases(world, one, other);
    }
    cx.keys.count_dirty(1);
    cx.effect_as_sent();
    cx.reply.ok();
    Ok(())
}

fn number(cx: &Cx<'_>, index: usize, no_number: &'static str) -> Result<u16, Fail> {
    let number = num::parse_i64(cx.args.get(index)).ok_or(no_number)?;
    let exists = (0..i64::from(cx.engine.store.databases())).contains(&number);
    if exists {
        Ok(number as u16)
    } else {
        Err(fail::DB_OUT_OF_RANGE.into())
    }
}
