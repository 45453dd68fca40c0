//! MULTI, DISCARD, WATCH, UNWATCH. EXEC itself stands in `crate::transaction`.

use crate::Cx;
use crate::clients::flags;
use crate::fail::{self, Done};
use crate::transaction::Transaction;
use base::Slot;

/// MULTI
pub(crate) fn multi(cx: &mut Cx<'_>) -> Done {
    if cx.session.in_multi() {
        return Err(fail::NESTED_MULTI.into());
    }
    cx.session.transaction = Some(Transaction::default());
    cx.session.card.set_flag(flags::MULTI, true);
    cx.reply.ok();
    Ok(())
}

/// EXEC, where it is not run as one: nothing to execute.
pub(crate) fn exec(_: &mut Cx<'_>) -> Done {
    Err(fail::EXEC_WITHOUT_MULTI.into())
}

/// DISCARD
pub(crate) fn discard(cx: &mut Cx<'_>) -> Done {
    if !cx.session.in_multi() {
        return Err(fail::DISCARD_WITHOUT_MULTI.into());
    }
    let locker = cx.keys.locker();
    crate::transaction::discard(cx.session, locker);
    cx.session.card.set_flag(flags::MULTI, false);
    cx.reply.ok();
    Ok(())
}

/// WATCH key [key ...]
pub(crate) fn watch(cx: &mut Cx<'_>) -> Done {
    if cx.session.in_multi() {
        return Err(fail::WATCH_IN_MULTI.into());
    }
    let (db, now) = (cx.keys.db(), cx.now_ms());
    // Once dirty, EXEC will fail whatever else is watched.
    let keys = if cx.session.watch.is_dirty() {
        cx.args.from(usize::MAX)
    } else {
        cx.args.from(1)
    };
    for key in keys.iter() {
        let guard = cx.keys.guard(Slot::of_key(key));
        guard.watch(db, key, &cx.session.watch);
        let table = guard.keys(db).map(store::Keys::table);
        let object = table.and_then(|table| table.find(ds::hash::of(key), key));
        let expired = object
            .and_then(ds::Object::expire)
            .is_some_and(|expire| expire <= now);
        let known = |entry: &&(u16, Box<[u8]>, bool)| entry.0 == db && &*entry.1 == key;
        if !cx.session.watched.iter().any(|entry| known(&entry)) {
            cx.session.watched.push((db, key.into(), expired));
        }
    }
    cx.reply.ok();
    Ok(())
}

/// UNWATCH
pub(crate) fn unwatch(cx: &mut Cx<'_>) -> Done {
    let locker = cx.keys.locker();
    if !cx.in_exec {
        crate::transaction::unwatch(cx.session, locker);
    }
    cx.reply.ok();
    Ok(())
}
