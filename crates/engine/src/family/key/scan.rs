//! Going over keys: SCAN, KEYS, RANDOMKEY.

use crate::Cx;
use crate::fail::{Done, Fail, NOT_INTEGER, SYNTAX};
use base::{Slot, glob, num};
use ds::Object;
use store::ScanCursor;

/// How many buckets a SCAN visits at most for each key that it was asked for.
const BUCKETS_PER_KEY: usize = 10;

/// The options of SCAN and HSCAN.
pub(crate) struct ScanOptions<'a> {
    /// About how many elements to return.
    pub(crate) count: usize,
    /// MATCH, unless it matches everything.
    pub(crate) pattern: Option<&'a [u8]>,
    /// TYPE.
    pub(crate) kind: Option<&'a [u8]>,
}

/// Reads the options from argument `index` on.
///
/// # Errors
/// A syntax error, or a COUNT that is no positive integer.
pub(crate) fn parse_options<'a>(
    cx: &Cx<'a>,
    mut index: usize,
    types: bool,
) -> Result<ScanOptions<'a>, Fail> {
    let mut options = ScanOptions {
        count: 10,
        pattern: None,
        kind: None,
    };
    while index < cx.args.len() {
        if index + 1 >= cx.args.len() {
            return Err(SYNTAX.into());
        }
        let (option, value) = (cx.args.get(index), cx.args.get(index + 1));
        match option.to_ascii_uppercase().as_slice() {
            b"COUNT" => {
                let count = num::parse_i64(value).ok_or(NOT_INTEGER)?;
                if count < 1 {
                    return Err(SYNTAX.into());
                }
                options.count = count as usize;
            }
            b"MATCH" => options.pattern = (value != b"*").then_some(value),
            b"TYPE" if types => options.kind = Some(value),
            _ => return Err(SYNTAX.into()),
        }
        index += 2;
    }
    Ok(options)
}

/// Reads a cursor.
///
/// # Errors
/// `ERR invalid cursor`.
pub(crate) fn parse_cursor(text: &[u8]) -> Result<u64, Fail> {
    // Redis reads it with strtoul: leading zeros are fine, a sign or a blank is not.
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    number
        .filter(|_| digits)
        .ok_or_else(|| "ERR invalid cursor".into())
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
pub(crate) fn scan(cx: &mut Cx<'_>) -> Done {
    let cursor = parse_cursor(cx.args.get(1))?;
    let options = parse_options(cx, 2, true)?;
    let now = cx.now_ms();
    let mut cursor = ScanCursor::from_number(cursor);
    let db = cx.keys.db();
    let mut found: Vec<Box<[u8]>> = Vec::new();
    let mut seen = 0;
    let mut steps = options.count.saturating_mul(BUCKETS_PER_KEY);
    let next = loop {
        let guard = cx.keys.try_guard(cursor.slot());
        let guard = match guard {
            Ok(guard) => guard,
            // What was found so far is an answer: the slot comes with the next call.
            Err(Fail::Busy(_)) if seen > 0 => break cursor.number(),
            Err(fail) => return Err(fail),
        };
        let next = guard.scan(db, cursor, &mut |object: &Object| {
            seen += 1;
            let expired = object.expire().is_some_and(|expire| expire <= now);
            let key = object.key();
            let kind = object.kind().name().as_bytes();
            let wanted = options
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, key, false))
                && options
                    .kind
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind));
            if wanted && !expired {
                found.push(key.into());
            }
        });
        if !cx.keys.has_world() && next.is_none_or(|next| next.slot() != cursor.slot()) {
            cx.keys.release();
        }
        steps -= 1;
        match next {
            None => break 0,
            Some(next) if seen >= options.count || steps == 0 => break next.number(),
            Some(next) => cursor = next,
        }
    };
    cx.reply.array(2);
    cx.reply.bulk(next.to_string());
    cx.reply.array(found.len());
    found.iter().for_each(|key| cx.reply.bulk(key));
    Ok(())
}

/// KEYS pattern
pub(crate) fn keys(cx: &mut Cx<'_>) -> Done {
    let pattern = cx.args.get(1);
    let (db, now) = (cx.keys.db(), cx.now_ms());
    let place = cx.reply.deferred_array();
    let mut count = 0;
    // A transaction holds its slots, and the world with them: no other thread can have one.
    cx.keys.release();
    let reply = &mut cx.reply;
    cx.keys.locker().for_each_key(db, |object| {
        let expired = object.expire().is_some_and(|expire| expire <= now);
        if !expired && (pattern == b"*" || glob::matches(pattern, object.key(), false)) {
            reply.bulk(object.key());
            count += 1;
        }
    });
    cx.reply.set_array(place, count);
    Ok(())
}

/// How often RANDOMKEY tries to meet a key that has not expired.
const TRIES: usize = 100;

/// RANDOMKEY
pub(crate) fn randomkey(cx: &mut Cx<'_>) -> Done {
    let (db, when) = (cx.keys.db(), cx.keys.when);
    for _ in 0..TRIES {
        let Some(slot) = random_slot(cx) else { break };
        let dice = &mut *cx.dice;
        let guard = cx.keys.try_guard(slot)?;
        let picked = guard.random(db, &mut || dice.next_u64());
        let Some(key) = picked.map(|object| object.key().to_vec()) else {
            continue;
        };
        if guard.find(db, ds::hash::of(&key), &key, when).is_some() {
            cx.reply.bulk(&key);
            return Ok(());
        }
    }
    cx.reply.null();
    Ok(())
}

/// A slot that has keys, of this database if it is easily found.
fn random_slot(cx: &mut Cx<'_>) -> Option<Slot> {
    cx.engine.store.random_slot(cx.dice.next_u64())
}
