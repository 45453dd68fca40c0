//! Strings: SET and GET with all their forms, counters, ranges.

mod expiry;
mod lcs;
mod set;

use crate::event;
use crate::fail::{self, Done, Fail};
use crate::handlers::Handler;
use crate::long_double::LongDouble;
use crate::{Change, Cx, Key};
use base::num;
use commands::family::string::Handlers;
use ds::{Kind, Object, ValueRef};
use resp::Reply;

use expiry::Getex;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Append: append,
    Decr: decr,
    Decrby: decrby,
    Get: get,
    Getdel: getdel,
    Getex: getex,
    Getrange: getrange,
    Getset: getset,
    Incr: incr,
    Incrby: incrby,
    Incrbyfloat: incrbyfloat,
    Lcs: lcs,
    Mget: mget,
    Mset: mset,
    Msetnx: msetnx,
    Psetex: psetex,
    Set: set,
    Setex: setex,
    Setnx: setnx,
    Setrange: setrange,
    Strlen: strlen,
    Substr: getrange,
};
pub(crate) use lcs::lcs;
pub(crate) use set::{getset, psetex, set, setex, setnx};

/// Writes a string value as a bulk.
#[inline]
pub(crate) fn reply_value(reply: &mut Reply<'_>, object: &Object) {
    match object.value() {
        ValueRef::Str(bytes) => reply.bulk(bytes),
        ValueRef::Int(integer) => reply.bulk_int(integer),
        _ => reply.null(),
    }
}

/// The bytes of a string value; integers are printed into `scratch`.
pub(crate) fn string_bytes<'a>(object: &'a Object, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    match object.value() {
        ValueRef::Str(bytes) => bytes,
        ValueRef::Int(integer) => {
            scratch.clear();
            num::write_i64(scratch, integer);
            scratch
        }
        _ => &[],
    }
}

/// GET key
pub(crate) fn get(cx: &mut Cx<'_>) -> Done {
    match cx.keys.read_kind(cx.key(0)?, Kind::Str)? {
        Some(object) => reply_value(&mut cx.reply, object),
        None => cx.reply.null(),
    }
    Ok(())
}

/// GETDEL key
pub(crate) fn getdel(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    match cx.keys.read_kind(key, Kind::Str)? {
        Some(object) => reply_value(&mut cx.reply, object),
        None => {
            cx.reply.null();
            return Ok(());
        }
    }
    cx.delete_as_effect(key);
    Ok(())
}

/// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
pub(crate) fn getex(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    let wanted = expiry::parse_getex(cx)?;
    match cx.keys.read_kind(key, Kind::Str)? {
        Some(object) => reply_value(&mut cx.reply, object),
        None => {
            cx.reply.null();
            return Ok(());
        }
    }
    // A bad time is an error of a key that is there: what was written is taken back then.
    let at = match wanted {
        None => return Ok(()),
        Some(Getex::Expire(given)) => Some(given.at(cx)?),
        Some(Getex::Persist) => None,
    };
    match at {
        // A time that has passed deletes at once, but not where a primary's DEL would.
        Some(at) if at <= cx.now_ms() && cx.expires_keys() => {
            cx.delete_as_effect(key);
        }
        Some(at) => super::expire::set(cx, key, at),
        None => {
            if let Some(change) = cx.keys.unset_expire(key) {
                cx.end(change, (event::PERSIST, 1), &[b"PERSIST", &key]);
            }
        }
    }
    Ok(())
}

/// MGET key [key ...]
pub(crate) fn mget(cx: &mut Cx<'_>) -> Done {
    let keys = cx.key_count();
    cx.reply.array(keys);
    for nth in 0..keys {
        match cx.keys.read(cx.key(nth)?) {
            Some(object) if object.kind() == Kind::Str => reply_value(&mut cx.reply, object),
            _ => cx.reply.null(),
        }
    }
    Ok(())
}

fn pairs(cx: &Cx<'_>) -> Result<usize, Fail> {
    if cx.args.len().is_multiple_of(2) {
        return Err(fail::wrong_arity(cx.spec.full_name));
    }
    Ok((cx.args.len() - 1) / 2)
}

fn set_pairs(cx: &mut Cx<'_>, pairs: usize) -> Done {
    for pair in 0..pairs {
        let (key, value) = (cx.key(pair)?, cx.args.get(2 + 2 * pair));
        let change = cx.keys.put_string(key, value, None);
        cx.announce(change, event::SET, 1);
    }
    // MSETNX is an MSET where it sets.
    let args = cx.args.from(1);
    cx.effect_of(b"MSET", args);
    Ok(())
}

/// MSET key value [key value ...]
pub(crate) fn mset(cx: &mut Cx<'_>) -> Done {
    let pairs = pairs(cx)?;
    set_pairs(cx, pairs)?;
    cx.reply.ok();
    Ok(())
}

/// MSETNX key value [key value ...]
pub(crate) fn msetnx(cx: &mut Cx<'_>) -> Done {
    let pairs = pairs(cx)?;
    for pair in 0..pairs {
        if cx.keys.peek(cx.key(pair)?).is_some() {
            cx.reply.int(0);
            return Ok(());
        }
    }
    set_pairs(cx, pairs)?;
    cx.reply.int(1);
    Ok(())
}

/// INCR key
pub(crate) fn incr(cx: &mut Cx<'_>) -> Done {
    add(cx, 1)
}

/// DECR key
pub(crate) fn decr(cx: &mut Cx<'_>) -> Done {
    add(cx, -1)
}

/// INCRBY key increment
pub(crate) fn incrby(cx: &mut Cx<'_>) -> Done {
    let by = cx.int(2)?;
    add(cx, by)
}

/// DECRBY key decrement
pub(crate) fn decrby(cx: &mut Cx<'_>) -> Done {
    let by = cx.int(2)?;
    let by = by.checked_neg().ok_or("ERR decrement would overflow")?;
    add(cx, by)
}

/// Adds to the integer at a key. The effect is the command with the increment spelt out.
fn add(cx: &mut Cx<'_>, by: i64) -> Done {
    let key = cx.key(0)?;
    let (value, change) = if let Some(object) = cx.keys.edit_kind(key, Kind::Str)? {
        let old = match object.value() {
            ValueRef::Int(integer) => Some(integer),
            ValueRef::Str(bytes) => num::parse_i64(bytes),
            _ => None,
        };
        let value = old
            .ok_or(fail::NOT_INTEGER)?
            .checked_add(by)
            .ok_or(fail::OVERFLOW)?;
        let ((), change) = object.change(|object| object.set_int(value));
        (value, change)
    } else {
        (by, cx.keys.put(key, Object::new_int(&key, by, None)))
    };
    cx.end_as_sent(change, event::INCRBY, 1);
    cx.reply.int(value);
    Ok(())
}

/// INCRBYFLOAT key increment. The effect is the sum, as a SET that keeps the expiry.
pub(crate) fn incrbyfloat(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    let mut scratch = Vec::new();
    let old = match cx.keys.read_kind(key, Kind::Str)? {
        Some(object) => LongDouble::parse(string_bytes(object, &mut scratch)),
        None => LongDouble::parse(b"0"),
    };
    let old = old.ok_or(fail::NOT_FLOAT)?;
    let by = LongDouble::parse(cx.args.get(2)).ok_or(fail::NOT_FLOAT)?;
    let text = old.add(by).ok_or(fail::NAN_OR_INFINITY)?.text();
    let change = if let Some(object) = cx.keys.edit(key) {
        object.change(|object| object.set_str(text.as_bytes())).1
    } else {
        let object = Object::new_str(&key, text.as_bytes(), None);
        cx.keys.put(key, object)
    };
    let effect: [&[u8]; 4] = [b"SET", &key, text.as_bytes(), b"KEEPTTL"];
    cx.end(change, (event::INCRBYFLOAT, 1), &effect);
    cx.reply.bulk(&text);
    Ok(())
}

/// APPEND key value
pub(crate) fn append(cx: &mut Cx<'_>) -> Done {
    let (key, value) = (cx.key(0)?, cx.args.get(2));
    let max = cx.settings.max_bulk;
    let (length, change) = if let Some(object) = cx.keys.edit_kind(key, Kind::Str)? {
        if object.str_len() + value.len() > max && !cx.caller.replays() {
            return Err(fail::TOO_LONG.into());
        }
        object.change(|object| object.append(value))
    } else {
        let object = Object::new_text(&key, value, None);
        (value.len(), cx.keys.put(key, object))
    };
    cx.end_as_sent(change, event::APPEND, 1);
    cx.reply.int(length as i64);
    Ok(())
}

/// SETRANGE key offset value
pub(crate) fn setrange(cx: &mut Cx<'_>) -> Done {
    let (key, value) = (cx.key(0)?, cx.args.get(3));
    let offset = cx.int(2)?;
    let offset = usize::try_from(offset).map_err(|_| "ERR offset is out of range")?;
    let too_long = !cx.caller.replays()
        && offset
            .checked_add(value.len())
            .is_none_or(|end| end > cx.settings.max_bulk);
    let old = cx.keys.read_kind(key, Kind::Str)?.map(Object::str_len);
    if value.is_empty() {
        cx.reply.int(old.unwrap_or(0) as i64);
        return Ok(());
    }
    if too_long {
        return Err(fail::TOO_LONG.into());
    }
    let (length, change) = write_range(cx, key, offset, value);
    cx.end_as_sent(change, event::SETRANGE, 1);
    cx.reply.int(length as i64);
    Ok(())
}

/// Writes bytes into the string at a key, which is made or grows as needed; how long it is then.
pub(crate) fn write_range<'k>(
    cx: &mut Cx<'_>,
    key: Key<'k>,
    at: usize,
    bytes: &[u8],
) -> (usize, Change<'k>) {
    if let Some(object) = cx.keys.edit(key) {
        return object.change(|object| object.set_range(at, bytes));
    }
    let mut object = Object::new_str(&key, b"", None);
    let length = object.set_range(at, bytes);
    (length, cx.keys.put(key, object))
}

/// GETRANGE key start end
pub(crate) fn getrange(cx: &mut Cx<'_>) -> Done {
    let (start, end) = (cx.int(2)?, cx.int(3)?);
    let Some(object) = cx.keys.read_kind(cx.key(0)?, Kind::Str)? else {
        cx.reply.bulk(b"");
        return Ok(());
    };
    let mut scratch = Vec::new();
    let bytes = string_bytes(object, &mut scratch);
    cx.reply.bulk(&bytes[range(start, end, bytes.len())]);
    Ok(())
}

/// The range of bytes that two indexes mean, which may count from the end; empty when they cross.
pub(crate) fn range(start: i64, end: i64, length: usize) -> std::ops::Range<usize> {
    let length = length as i64;
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from = if start < 0 {
        (length + start).max(0)
    } else {
        start
    };
    let to = if end < 0 { (length + end).max(0) } else { end }.min(length - 1);
    if from > to || length == 0 {
        0..0
    } else {
        from as usize..to as usize + 1
    }
}

/// STRLEN key
pub(crate) fn strlen(cx: &mut Cx<'_>) -> Done {
    let length = cx
        .keys
        .read_kind(cx.key(0)?, Kind::Str)?
        .map_or(0, Object::str_len);
    cx.reply.int(length as i64);
    Ok(())
}
