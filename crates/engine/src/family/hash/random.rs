//! HRANDFIELD.

use super::{hash_of, reply_item};
use crate::Cx;
use crate::fail::{Done, OUT_OF_LONG, OUT_OF_RANGE, SYNTAX};
use base::num;
use ds::{Item, Kind};
use resp::Reply;
use std::collections::HashSet;

/// HRANDFIELD key [count [WITHVALUES]]
pub(crate) fn hrandfield(cx: &mut Cx<'_>) -> Done {
    let Some(count) = cx.args.opt(1 + 1) else {
        return one(cx);
    };
    let count = num::parse_i64(count).ok_or(crate::fail::NOT_INTEGER)?;
    if count == i64::MIN {
        return Err(OUT_OF_LONG.into());
    }
    let with_values = match cx.args.opt(3) {
        None => false,
        Some(word) if cx.args.len() == 4 && word.eq_ignore_ascii_case(b"WITHVALUES") => true,
        Some(_) => return Err(SYNTAX.into()),
    };
    let limit = i64::MAX / 2;
    if with_values && !(-limit..=limit).contains(&count) {
        return Err(OUT_OF_RANGE.into());
    }
    let (key, dice) = (cx.key(0)?, &mut *cx.dice);
    let Some(hash) = cx.keys.read_kind(key, Kind::Hash)?.map(hash_of) else {
        cx.reply.array(0);
        return Ok(());
    };
    let nested = with_values && cx.reply.is_resp3();
    let wanted = count.unsigned_abs() as usize;
    let pairs = if count < 0 {
        wanted
    } else {
        wanted.min(hash.len())
    };
    cx.reply.array(if with_values && !nested {
        pairs * 2
    } else {
        pairs
    });
    let limit = cx.settings.output_limits[0].0;
    let start = cx.reply.position();
    let reply = &mut cx.reply;
    let write = |reply: &mut Reply<'_>, (field, value): (Item<'_>, Item<'_>)| {
        if nested {
            reply.array(2);
        }
        reply_item(reply, field);
        if with_values {
            reply_item(reply, value);
        }
    };
    if count < 0 {
        for _ in 0..wanted {
            if let Some(pair) = hash.random(&mut || dice.next_u64()) {
                write(reply, pair);
            }
            // The connection will be closed for what it has to take already.
            if limit > 0 && reply.position() - start > limit {
                break;
            }
        }
    } else if pairs == hash.len() {
        hash.iter().for_each(|pair| write(reply, pair));
    } else {
        let mut indexes = different(hash.len(), pairs, &mut || dice.next_u64());
        indexes.sort_unstable();
        let mut next = indexes.into_iter().peekable();
        for (index, pair) in hash.iter().enumerate() {
            if next.next_if_eq(&index).is_some() {
                write(reply, pair);
            }
        }
    }
    Ok(())
}

fn one(cx: &mut Cx<'_>) -> Done {
    let (key, dice) = (cx.key(0)?, &mut *cx.dice);
    let found = cx.keys.read_kind(key, Kind::Hash)?.map(hash_of);
    match found.and_then(|hash| hash.random(&mut || dice.next_u64())) {
        Some((field, _)) => reply_item(&mut cx.reply, field),
        None => cx.reply.null(),
    }
    Ok(())
}

/// `count` different indexes below `length`, picked at random.
fn different(length: usize, count: usize, random: &mut dyn FnMut() -> u64) -> Vec<usize> {
    let mut picked = HashSet::with_capacity(count);
    let mut order = Vec::with_capacity(count);
    let length = length as u64;
    // Floyd's method: each step adds one index that was not there.
    for bound in length - count as u64..length {
        let index = (random() % (bound + 1)) as usize;
        let index = if picked.insert(index) {
            index
        } else {
            bound as usize
        };
        picked.insert(index);
        order.push(index);
    }
    order
}
