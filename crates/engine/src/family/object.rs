//! OBJECT: what the server knows of a value besides its contents.

use crate::fail::Done;
use crate::family::command;
use crate::handlers::Handler;
use crate::{Cx, access};
use commands::family::object::Handlers;
use ds::{Object, ValueRef};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    ObjectEncoding: encoding,
    ObjectFreq: freq,
    ObjectHelp: command::help,
    ObjectIdletime: idletime,
    ObjectRefcount: refcount,
};

/// How often a shared integer is said to be referred to.
const SHARED: i64 = i32::MAX as i64;
/// Integers below this one are shared in Redis.
const SHARED_INTEGERS: i64 = 10_000;
const NO_LFU: &str = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
    Please note that when switching between policies at runtime LRU and LFU data will take some \
    time to adjust.";
const NO_LRU: &str = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note \
    that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

/// OBJECT ENCODING key
pub(crate) fn encoding(cx: &mut Cx<'_>) -> Done {
    match cx.keys.peek(cx.key(0)?).map(Object::encoding) {
        Some(name) => cx.reply.bulk(name),
        None => cx.reply.null(),
    }
    Ok(())
}

/// OBJECT REFCOUNT key
pub(crate) fn refcount(cx: &mut Cx<'_>) -> Done {
    let count = cx.keys.peek(cx.key(0)?).map(|object| match object.value() {
        ValueRef::Int(0..SHARED_INTEGERS) => SHARED,
        _ => 1,
    });
    match count {
        Some(count) => cx.reply.int(count),
        None => cx.reply.null(),
    }
    Ok(())
}

/// OBJECT IDLETIME key
pub(crate) fn idletime(cx: &mut Cx<'_>) -> Done {
    let now = cx.now_ms();
    let Some(object) = cx.keys.peek(cx.key(0)?) else {
        cx.reply.null();
        return Ok(());
    };
    if cx.settings.lfu {
        return Err(NO_LRU.into());
    }
    let seconds = access::idle_seconds(object, now);
    cx.reply.int(seconds as i64);
    Ok(())
}

/// OBJECT FREQ key
pub(crate) fn freq(cx: &mut Cx<'_>) -> Done {
    let now = cx.now_ms();
    let Some(object) = cx.keys.peek(cx.key(0)?) else {
        cx.reply.null();
        return Ok(());
    };
    if !cx.settings.lfu {
        return Err(NO_LFU.into());
    }
    let frequency = access::frequency(object, now, cx.settings.lfu_decay_minutes);
    cx.reply.int(i64::from(frequency));
    Ok(())
}
