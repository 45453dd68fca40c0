//! MULTI, DISCARD, WATCH, UNWATCH. EXEC itself stands in `crate::transaction`.

use crate::Cx;
use crate::clients::flags;
use crate::fail::{self, Done};
use crate::handlers::Handler;
use crate::transaction::Transaction;
use commands::family::transactions::Handlers;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Multi: multi,
    Exec: exec,
    Discard: discard,
    Watch: watch,
    Unwatch: unwatch,
};

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
    // Once dirty, EXEC will fail whatever else is watched.
    let keys = if cx.session.watch.is_dirty() {
        0
    } else {
        cx.key_count()
    };
    for nth in 0..keys {
        let key = cx.key(nth)?;
        cx.keys.watch(key, &cx.session.watch);
        // SWAPDB moves watches with the number of their database.
        let number = cx.session.db;
        let known = |(other, name): &(u16, Box<[u8]>)| *other == number && **name == *key;
        if !cx.session.watched.iter().any(known) {
            cx.session.watched.push((number, key.name().into()));
        }
    }
    cx.reply.ok();
    Ok(())
}

/// UNWATCH
pub(crate) fn unwatch(cx: &mut Cx<'_>) -> Done {
    let locker = cx.keys.locker();
    if cx.caller.may_wait() {
        crate::transaction::unwatch(cx.session, locker);
    }
    cx.reply.ok();
    Ok(())
}
