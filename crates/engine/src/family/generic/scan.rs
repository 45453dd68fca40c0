//! Going over keys: SCAN, KEYS, RANDOMKEY.

use crate::Cx;
use crate::elements::scan::{ScanOptions, parse_cursor, parse_options};
use crate::fail::{Done, Fail};
use base::{Slot, glob};
use ds::Object;
use store::ScanCursor;

/// How many buckets a SCAN visits at most for each key that it was asked for.
const BUCKETS_PER_KEY: usize = 10;

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
                    let _ = guard.find(db, ds::siphash::of(&key), &key, when);
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
    // Only a command that is executed again goes on where it was: one of a transaction is not.
    let kept = cx
        .session
        .keys_so_far
        .take()
        .filter(|_| cx.caller.may_wait());
    let mut so_far = kept.unwrap_or_default();
    let store = cx.keys.locker().store().clone();
    let db = cx.keys.db();
    while let Some(slot) = store.next_slot_of(db, so_far.from) {
        so_far.from = slot.index() + 1;
        if visit_slot(cx, slot, &mut so_far).is_err() {
            so_far.locked.push(slot);
        }
    }
    while let Some(slot) = so_far.locked.pop() {
        if let Err(fail) = visit_slot(cx, slot, &mut so_far) {
            so_far.locked.push(slot);
            cx.session.keys_so_far = Some(so_far).filter(|_| cx.caller.may_wait());
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

/// How many expired keys RANDOMKEY meets where it may not delete them before it takes one, if there
/// are no others; Redis does so.
const TRIES: usize = 100;

/// How many it meets at most, where a few others live among very many.
const MOST_TRIES: usize = 100 * TRIES;

/// RANDOMKEY
pub(crate) fn randomkey(cx: &mut Cx<'_>) -> Done {
    let (db, when) = (cx.keys.db(), cx.keys.when);
    let store = cx.engine.store.clone();
    let mut tries = 0;
    while let Some(slot) = store.random_slot(db, cx.dice.next_u64()) {
        let dice = &mut *cx.dice;
        let picked = cx.keys.visit(slot, |guard| {
            let picked = guard.random(db, &mut || dice.next_u64());
            let key = picked.map(|object| object.key().to_vec())?;
            let hash = ds::siphash::of(&key);
            let lives = guard.find(db, hash, &key, when).is_some();
            // One that is on its way to another server is hidden and stays, as on a replica.
            let keys = guard.keys(db);
            let stays = keys.is_some_and(|keys| keys.table().find(hash, &key).is_some());
            Some((key, lives, stays))
        })?;
        // Its last key may go between the look at the slots and the lock.
        let Some((key, lives, stays)) = picked else {
            continue;
        };
        // Where an expired key is deleted there is one less with each try.
        tries += usize::from(stays);
        let none_lives = || {
            let (keys, expiring) = store.database_size(db);
            keys <= expiring
        };
        let enough =
            tries >= MOST_TRIES || (tries > 0 && tries.is_multiple_of(TRIES) && none_lives());
        if lives || enough {
            cx.reply.bulk(&key);
            return Ok(());
        }
    }
    cx.reply.null();
    Ok(())
}
