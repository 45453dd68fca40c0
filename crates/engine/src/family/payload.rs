//! DUMP and RESTORE: values as payloads that another server can take in.

use crate::event;
use crate::fail::{self, Done, SYNTAX};
use crate::handlers::Handler;
use crate::{Cx, Fail, Key, access};
use base::{UnixMs, num};
use commands::family::payload::Handlers;
use rdb::dump::DumpError;
use rdb::writer::KeyMeta;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Dump: dump,
    Restore: restore,
    RestoreAsking: restore,
};

/// DUMP key
pub(crate) fn dump(cx: &mut Cx<'_>) -> Done {
    match cx.keys.read(cx.key(0)?) {
        Some(object) => cx.reply.bulk(rdb::object::dump(object)),
        None => cx.reply.null(),
    }
    Ok(())
}

/// What follows the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(cx: &Cx<'_>) -> Result<Options, Fail> {
        let mut options = Options::default();
        let mut index = 4;
        while index < cx.args.len() {
            let more = index + 1 < cx.args.len();
            match cx.args.get(index).to_ascii_uppercase().as_slice() {
                b"REPLACE" => options.replace = true,
                b"ABSTTL" => options.absolute = true,
                b"IDLETIME" if more && options.frequency.is_none() => {
                    let idle = u64::try_from(cx.int(index + 1)?)
                        .map_err(|_| "ERR Invalid IDLETIME value, must be >= 0")?;
                    options.idle = Some(idle);
                    index += 1;
                }
                b"FREQ" if more && options.idle.is_none() => {
                    let frequency = u8::try_from(cx.int(index + 1)?)
                        .map_err(|_| "ERR Invalid FREQ value, must be >= 0 and <= 255")?;
                    options.frequency = Some(frequency);
                    index += 1;
                }
                _ => return Err(SYNTAX.into()),
            }
            index += 1;
        }
        Ok(options)
    }
}

/// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
pub(crate) fn restore(cx: &mut Cx<'_>) -> Done {
    let options = Options::parse(cx)?;
    let (key, payload) = (cx.key(0)?, cx.args.get(3));
    let there = cx.keys.peek(key).is_some();
    if there && !options.replace {
        return Err(fail::BUSYKEY.into());
    }
    let ttl = num::parse_i64(cx.args.get(2)).ok_or(fail::NOT_INTEGER)?;
    if ttl < 0 {
        return Err("ERR Invalid TTL value, must be >= 0".into());
    }
    let now = cx.now_ms();
    let expire = match (ttl, options.absolute) {
        (0, _) => None,
        (at, true) => Some(at),
        (after, false) => Some(now.saturating_add(after)),
    };
    let meta = KeyMeta {
        expire: expire.map(UnixMs),
        ..KeyMeta::default()
    };
    let limits = cx.settings.limits;
    let object = rdb::object::restore(payload, &key, meta, limits, now).map_err(|error| {
        Fail::from(match error {
            DumpError::Footer => fail::BAD_PAYLOAD,
            DumpError::Value(_) => fail::BAD_DATA,
        })
    })?;
    // Redis lets the sum wrap around, answers OK and keeps no key.
    if !options.absolute && now.checked_add(ttl).is_none() {
        return Err(fail::bad_expire(cx.spec.full_name));
    }
    let dead = expire.is_some_and(|at| at <= now);
    if dead && cx.expires_keys() {
        if there {
            cx.delete_as_effect(key);
        }
        cx.reply.ok();
        return Ok(());
    }
    let change = cx.keys.put(key, object).afresh();
    note_use(cx, key, &options);
    let mut digits = itoa::Buffer::new();
    let at = digits.format(expire.unwrap_or(0)).as_bytes();
    let effect: [&[u8]; 6] = [b"RESTORE", &key, at, payload, b"REPLACE", b"ABSTTL"];
    cx.end(change, (event::RESTORE, 1), &effect);
    cx.reply.ok();
    Ok(())
}

/// Idle time counts under an LRU policy and frequency under an LFU policy; the other is ignored.
fn note_use(cx: &mut Cx<'_>, key: Key<'_>, options: &Options) {
    let (now, lfu) = (cx.now_ms(), cx.settings.lfu);
    let Some(object) = cx.keys.peek(key) else {
        return;
    };
    match (lfu, options.idle, options.frequency) {
        (true, _, Some(frequency)) => access::set_frequency(object, frequency, now),
        (false, Some(idle), _) => access::set_idle(object, idle, now),
        _ => {}
    }
}
