//! SET and its relatives.

use super::expiry::{Given, expire_at};
use super::reply_value;
use crate::event;
use crate::fail::{Done, Fail, SYNTAX, WRONGTYPE};
use crate::{Cx, Key};
use ds::Kind;

/// Under which condition SET sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    Absent,
    Present,
}

struct Options {
    condition: Condition,
    get: bool,
    keep_ttl: bool,
    expire: Option<i64>,
}

/// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
pub(crate) fn set(cx: &mut Cx<'_>) -> Done {
    if cx.args.len() == 3 {
        let (key, value) = (cx.key(0)?, cx.args.get(2));
        store(cx, key, value, (None, event::SET));
        cx.reply.ok();
        return Ok(());
    }
    let options = parse(cx)?;
    set_with(cx, &options)
}

fn parse(cx: &Cx<'_>) -> Result<Options, Fail> {
    let mut options = Options {
        condition: Condition::Always,
        get: false,
        keep_ttl: false,
        expire: None,
    };
    let mut expiry: Option<Given> = None;
    let mut index = 3;
    while index < cx.args.len() {
        let option = cx.args.get(index);
        index += 1;
        match option.to_ascii_uppercase().as_slice() {
            b"NX" if options.condition != Condition::Present => {
                options.condition = Condition::Absent;
            }
            b"XX" if options.condition != Condition::Absent => {
                options.condition = Condition::Present;
            }
            b"GET" => options.get = true,
            b"KEEPTTL" if expiry.is_none() => options.keep_ttl = true,
            _ if !options.keep_ttl => {
                expiry = Some(Given::take(cx, expiry, option, index)?);
                index += 1;
            }
            _ => return Err(SYNTAX.into()),
        }
    }
    options.expire = expiry.map(|given| given.at(cx)).transpose()?;
    Ok(options)
}

fn set_with(cx: &mut Cx<'_>, options: &Options) -> Done {
    let (key, value) = (cx.key(0)?, cx.args.get(2));
    let found = if options.get {
        cx.keys.read(key)
    } else {
        cx.keys.peek(key)
    };
    let there = found.is_some();
    let mut expire = options.expire;
    if let Some(object) = found {
        if options.get {
            if object.kind() != Kind::Str {
                return Err(WRONGTYPE.into());
            }
            reply_value(&mut cx.reply, object);
        }
        if options.keep_ttl {
            expire = object.expire();
        }
    } else if options.get {
        cx.reply.null();
    }
    let refused = match options.condition {
        Condition::Always => false,
        Condition::Absent => there,
        Condition::Present => !there,
    };
    if refused {
        if !options.get {
            cx.reply.null();
        }
        return Ok(());
    }
    let events = match options.expire {
        Some(_) => event::SET_EXPIRE,
        None => event::SET,
    };
    store(cx, key, value, (expire, events));
    if !options.get {
        cx.reply.ok();
    }
    Ok(())
}

/// Stores a string and notes the effect: SET with the expiry as a point in time.
fn store(
    cx: &mut Cx<'_>,
    key: Key<'_>,
    value: &[u8],
    (expire, events): (Option<i64>, event::Kind),
) {
    let change = cx.keys.put_string(key, value, expire);
    cx.announce(change, events, 1);
    if !cx.wants_effect() {
        return;
    }
    match expire {
        None => cx.effect(&[b"SET", &key, value]),
        Some(at) => {
            let mut digits = itoa::Buffer::new();
            let at = digits.format(at).as_bytes();
            cx.effect(&[b"SET", &key, value, b"PXAT", at]);
        }
    }
}

/// SETNX key value
pub(crate) fn setnx(cx: &mut Cx<'_>) -> Done {
    let (key, value) = (cx.key(0)?, cx.args.get(2));
    if cx.keys.peek(key).is_some() {
        cx.reply.int(0);
        return Ok(());
    }
    store(cx, key, value, (None, event::SET));
    cx.reply.int(1);
    Ok(())
}

/// SETEX key seconds value
pub(crate) fn setex(cx: &mut Cx<'_>) -> Done {
    set_for(cx, 1000)
}

/// PSETEX key milliseconds value
pub(crate) fn psetex(cx: &mut Cx<'_>) -> Done {
    set_for(cx, 1)
}

fn set_for(cx: &mut Cx<'_>, scale: i64) -> Done {
    let at = expire_at(cx, 2, scale, true)?;
    let (key, value) = (cx.key(0)?, cx.args.get(3));
    store(cx, key, value, (Some(at), event::SET_EXPIRE));
    cx.reply.ok();
    Ok(())
}

/// GETSET key value
pub(crate) fn getset(cx: &mut Cx<'_>) -> Done {
    let (key, value) = (cx.key(0)?, cx.args.get(2));
    match cx.keys.read_kind(key, Kind::Str)? {
        Some(object) => reply_value(&mut cx.reply, object),
        None => cx.reply.null(),
    }
    store(cx, key, value, (None, event::SET));
    Ok(())
}
