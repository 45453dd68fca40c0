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

/// What a SCAN makes of the keys that it meets.
struct Sieve<'a> {
    options: &'a ScanOptions<'a>,
    /// Milliseconds since 1970.
    now: i64,
    seen: usize,
    found: Vec<Box<[u8]>>,
    /// Keys whose time is up.
    due: Vec<Box<[u8]>>,
}

impl<'a> Sieve<'a> {
    fn new(options: &'a ScanOptions<'a>, now: i64) -> Sieve<'a> {
        Sieve {
            options,
            now,
            seen: 0,
            found: Vec::new(),
            due: Vec::new(),
        }
    }

    fn see(&mut self, object: &Object) {
        self.seen += 1;
        let key = object.key();
        if object.expire().is_some_and(|expire| expire <= self.now) {
            self.due.push(key.into());
            return;
        }
        let (pattern, kind) = (self.options.pattern, self.options.kind);
        let wanted = pattern.is_none_or(|pattern| glob::matches(pattern, key, false))
            && kind.is_none_or(|kind| kind.eq_ignore_ascii_case(object.kind().name().as_bytes()));
        if wanted {
            self.found.push(key.into());
        }
    }

    /// Whether as many keys were met as were asked for.
    fn is_full(&self) -> bool {
        self.seen >= self.options.count
    }
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
pub(crate) fn scan(cx: &mut Cx<'_>) -> Done {
    let cursor = parse_cursor(cx.args.get(1))?;
    let options = parse_options(cx, 2, true)?;
    let (now, when) = (cx.now_ms(), cx.keys.when);
    let mut cursor = ScanCursor::from_number(cursor);
    let db = cx.keys.db();
    let mut sieve = Sieve::new(&options, now);
    let mut steps = options.count.saturating_mul(BUCKETS_PER_KEY);
    let next = loop {
        // All steps within a slot are taken with its lock held once.
        let next = cx.keys.visit(cursor.slot(), |guard| {
            let slot = cursor.slot();
            let mut at = cursor;
            loop {
                let next = guard.scan(db, at, &mut |object| sieve.see(object));
                for key in sieve.due.drain(..) {
                    // Whoever meets an expired key deletes it, if this server may.
                    let _ = guard.find(db, ds::hash::of(&key), &key, when);
                }
                steps -= 1;
                match next {
                    Some(next) if next.slot() == slot && !sieve.is_full() && steps > 0 => at = next,
                    next => return next,
                }
            }
        });
        let next = match next {
            Ok(next) => next,
            // What was found so far is an answer: the slot comes with the next call.
            Err(Fail::Busy(_)) if sieve.seen > 0 => break cursor.number(),
            Err(fail) => return Err(fail),
        };
        match next {
            None => break 0,
            Some(next) if sieve.is_full() || steps == 0 => break next.number(),
            Some(next) => cursor = next,
        }
    };
    let found = sieve.found;
    cx.reply.array(2);
    cx.reply.bulk(next.to_string());
    cx.reply.array(found.len());
    found.iter().for_each(|key| cx.reply.bulk(key));
    Ok(())
}

/// A KEYS that waits for a slot: what it has found, and the slots that it could not have.
#[derive(Default)]
pub(crate) struct KeysSoFar {
    found: Vec<u8>,
    count: usize,
    /// Slots before this one are done, but for those that were locked.
    from: usize,
    locked: Vec<Slot>,
}

/// KEYS pattern. It goes slot by slot; slots that are locked come last, and are waited for by the
/// connection.
pub(crate) fn keys(cx: &mut Cx<'_>) -> Done {
    let mut so_far = cx.session.keys_so_far.take().unwrap_or_default();
    let store = cx.keys.locker().store().clone();
    while let Some(slot) = store.next_slot_with_keys(so_far.from) {
        so_far.from = slot.index() + 1;
        if visit_slot(cx, slot, &mut so_far).is_err() {
            so_far.locked.push(slot);
        }
    }
    while let Some(slot) = so_far.locked.pop() {
        if let Err(fail) = visit_slot(cx, slot, &mut so_far) {
            so_far.locked.push(slot);
            cx.session.keys_so_far = Some(so_far);
            return Err(fail);
        }
    }
    cx.reply.array(so_far.count);
    cx.reply.raw(&so_far.found);
    Ok(())
}

/// Adds the wanted keys of a slot.
fn visit_slot(cx: &mut Cx<'_>, slot: Slot, so_far: &mut KeysSoFar) -> Done {
    let (pattern, resp3) = (cx.args.get(1), cx.session.resp3);
    let (db, now) = (cx.keys.db(), cx.now_ms());
    cx.keys.visit(slot, |guard| {
        let mut found = resp::Reply::new(&mut so_far.found, resp3);
        let keys = guard.keys(db).into_iter();
        for object in keys.flat_map(|keys| keys.table().iter()) {
            let expired = object.expire().is_some_and(|expire| expire <= now);
            if !expired && (pattern == b"*" || glob::matches(pattern, object.key(), false)) {
                found.bulk(object.key());
                so_far.count += 1;
            }
        }
    })
}

/// How often RANDOMKEY tries to meet a key that has not expired.
const TRIES: usize = 100;

/// RANDOMKEY
pub(crate) fn randomkey(cx: &mut Cx<'_>) -> Done {
    let (db, when) = (cx.keys.db(), cx.keys.when);
    for _ in 0..TRIES {
        let Some(slot) = random_slot(cx) else { break };
        let dice = &mut *cx.dice;
        let picked = cx.keys.visit(slot, |guard| {
            let picked = guard.random(db, &mut || dice.next_u64());
            let key = picked.map(|object| object.key().to_vec())?;
            let there = guard.find(db, ds::hash::of(&key), &key, when).is_some();
            there.then_some(key)
        })?;
        if let Some(key) = picked {
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
