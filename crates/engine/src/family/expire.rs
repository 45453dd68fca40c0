//! Expiry of keys: EXPIRE and TTL in all their forms.

use crate::event;
use crate::fail::{Done, Fail, bad_expire};
use crate::handlers::Handler;
use crate::{Cx, Key};
use commands::family::expire::Handlers;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Expire: expire,
    Expireat: expireat,
    Expiretime: expiretime,
    Persist: persist,
    Pexpire: pexpire,
    Pexpireat: pexpireat,
    Pexpiretime: pexpiretime,
    Pttl: pttl,
    Ttl: ttl,
};

/// EXPIRE key seconds [NX | XX | GT | LT]
pub(crate) fn expire(cx: &mut Cx<'_>) -> Done {
    expire_in(cx, 1000, true)
}

/// PEXPIRE key milliseconds [NX | XX | GT | LT]
pub(crate) fn pexpire(cx: &mut Cx<'_>) -> Done {
    expire_in(cx, 1, true)
}

/// EXPIREAT key seconds [NX | XX | GT | LT]
pub(crate) fn expireat(cx: &mut Cx<'_>) -> Done {
    expire_in(cx, 1000, false)
}

/// PEXPIREAT key milliseconds [NX | XX | GT | LT]
pub(crate) fn pexpireat(cx: &mut Cx<'_>) -> Done {
    expire_in(cx, 1, false)
}

#[derive(Default)]
struct Flags {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

fn parse_flags(cx: &Cx<'_>) -> Result<Flags, Fail> {
    let mut flags = Flags::default();
    for option in cx.args.from(3).iter() {
        match option.to_ascii_uppercase().as_slice() {
            b"NX" => flags.nx = true,
            b"XX" => flags.xx = true,
            b"GT" => flags.gt = true,
            b"LT" => flags.lt = true,
            _ => {
                let option = String::from_utf8_lossy(option);
                return Err(format!("ERR Unsupported option {option}").into());
            }
        }
    }
    if flags.nx && (flags.xx || flags.gt || flags.lt) {
        return Err("ERR NX and XX, GT or LT options at the same time are not compatible".into());
    }
    if flags.gt && flags.lt {
        return Err("ERR GT and LT options at the same time are not compatible".into());
    }
    Ok(flags)
}

fn expire_in(cx: &mut Cx<'_>, scale: i64, relative: bool) -> Done {
    let key = cx.key(0)?;
    let flags = parse_flags(cx)?;
    let bad = || bad_expire(cx.spec.full_name);
    let at = cx.int(2)?.checked_mul(scale).ok_or_else(bad)?;
    let at = if relative {
        at.checked_add(cx.now_ms()).ok_or_else(bad)?
    } else {
        at
    };
    let Some(current) = cx.keys.peek(key).map(ds::Object::expire) else {
        cx.reply.int(0);
        return Ok(());
    };
    let refused = (flags.nx && current.is_some())
        || (flags.xx && current.is_none())
        || (flags.gt && current.is_none_or(|current| at <= current))
        || (flags.lt && current.is_some_and(|current| at >= current));
    if refused {
        cx.reply.int(0);
        return Ok(());
    }
    // A time that has passed deletes at once, but not where a primary's DEL will come.
    if at <= cx.now_ms() && cx.expires_keys() {
        cx.delete_as_effect(key);
    } else {
        set(cx, key, at);
    }
    cx.reply.int(1);
    Ok(())
}

/// Sets when a key that is there expires. The effect names the point in time.
pub(crate) fn set(cx: &mut Cx<'_>, key: Key<'_>, at: i64) {
    if let Some(change) = cx.keys.set_expire(key, Some(at)) {
        let mut digits = itoa::Buffer::new();
        let at = digits.format(at).as_bytes();
        cx.end(change, (event::EXPIRE, 1), &[b"PEXPIREAT", &key, at]);
    }
}

/// PERSIST key
pub(crate) fn persist(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    let change = cx.keys.unset_expire(key);
    cx.reply.int(i64::from(change.is_some()));
    if let Some(change) = change {
        cx.end_as_sent(change, event::PERSIST, 1);
    }
    Ok(())
}

/// TTL key
pub(crate) fn ttl(cx: &mut Cx<'_>) -> Done {
    reply_time(cx, |at, now| seconds(at.saturating_sub(now).max(0)))
}

/// PTTL key
pub(crate) fn pttl(cx: &mut Cx<'_>) -> Done {
    reply_time(cx, |at, now| at.saturating_sub(now).max(0))
}

/// EXPIRETIME key
pub(crate) fn expiretime(cx: &mut Cx<'_>) -> Done {
    reply_time(cx, |at, _| seconds(at))
}

/// PEXPIRETIME key
pub(crate) fn pexpiretime(cx: &mut Cx<'_>) -> Done {
    reply_time(cx, |at, _| at)
}

/// Milliseconds as whole seconds, rounded; the greatest number of them too.
fn seconds(ms: i64) -> i64 {
    ms / 1000 + i64::from(ms % 1000 >= 500)
}

fn reply_time(cx: &mut Cx<'_>, value: impl Fn(i64, i64) -> i64) -> Done {
    let now = cx.now_ms();
    let answer = match cx.keys.peek(cx.key(0)?).map(ds::Object::expire) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => value(at, now),
    };
    cx.reply.int(answer);
    Ok(())
}
