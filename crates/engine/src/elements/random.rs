//! Picks at random from collections (HRANDFIELD).

#[cfg(test)]
mod tests;

use super::{Collection, Element, reply_item};
use crate::fail::{Done, Fail, NOT_INTEGER, OUT_OF_LONG, OUT_OF_RANGE, SYNTAX};
use crate::{Cx, Dice};
use base::num;
use resp::Reply;
use std::collections::HashSet;

/// What is asked for.
struct Wanted {
    /// How many: below zero, the same element may come again.
    count: i64,
    /// Whether what belongs to the elements comes too.
    seconds: bool,
}

/// Picks from a collection: key [count [`with`]]. `with` is the word for what belongs to elements.
pub(crate) fn random<C: Collection>(cx: &mut Cx<'_>, with: &[u8]) -> Done {
    let Some(wanted) = parse(cx, with)? else {
        return one::<C>(cx);
    };
    let (key, dice) = (cx.key(0)?, &mut *cx.dice);
    let Some(collection) = cx.keys.read_kind(key, C::KIND)?.map(C::of) else {
        cx.reply.array(0);
        return Ok(());
    };
    let limit = cx.settings.output_limits[0].0;
    pick(&mut cx.reply, collection, &wanted, dice, limit);
    Ok(())
}

fn parse(cx: &Cx<'_>, with: &[u8]) -> Result<Option<Wanted>, Fail> {
    let Some(count) = cx.args.opt(2) else {
        return Ok(None);
    };
    let count = num::parse_i64(count).ok_or(NOT_INTEGER)?;
    if count == i64::MIN {
        return Err(OUT_OF_LONG.into());
    }
    let seconds = match cx.args.opt(3) {
        None => false,
        Some(word) if cx.args.len() == 4 && word.eq_ignore_ascii_case(with) => true,
        Some(_) => return Err(SYNTAX.into()),
    };
    let limit = i64::MAX / 2;
    if seconds && !(-limit..=limit).contains(&count) {
        return Err(OUT_OF_RANGE.into());
    }
    Ok(Some(Wanted { count, seconds }))
}

fn one<C: Collection>(cx: &mut Cx<'_>) -> Done {
    let (key, dice) = (cx.key(0)?, &mut *cx.dice);
    let found = cx.keys.read_kind(key, C::KIND)?.map(C::of);
    match found.and_then(|collection| collection.random(&mut || dice.next_u64())) {
        Some((item, _)) => reply_item(&mut cx.reply, item),
        None => cx.reply.null(),
    }
    Ok(())
}

/// Replies as many elements as are wanted, or as there are. In RESP3 an element with its second is
/// an array of its own. More than `limit` bytes, unless that is zero, are not replied.
fn pick<C: Collection>(
    reply: &mut Reply<'_>,
    collection: &C,
    wanted: &Wanted,
    dice: &mut Dice,
    limit: usize,
) {
    let nested = wanted.seconds && reply.is_resp3();
    let mut count = wanted.count.unsigned_abs() as usize;
    if wanted.count > 0 {
        count = count.min(collection.len());
    }
    let width = if wanted.seconds && !nested {
        C::WIDTH
    } else {
        1
    };
    reply.array(count * width);
    let start = reply.position();
    let write = |reply: &mut Reply<'_>, (item, second): Element<'_>| {
        if nested {
            reply.array(C::WIDTH);
        }
        reply_item(reply, item);
        if let Some(second) = second.filter(|_| wanted.seconds) {
            reply_item(reply, second);
        }
    };
    if wanted.count < 0 {
        for _ in 0..count {
            if let Some(element) = collection.random(&mut || dice.next_u64()) {
                write(reply, element);
            }
            // The connection will be closed for what it has to take already.
            if limit > 0 && reply.position() - start > limit {
                break;
            }
        }
    } else if count == collection.len() {
        collection.iter().for_each(|element| write(reply, element));
    } else {
        let mut indexes = different(collection.len(), count, &mut || dice.next_u64());
        indexes.sort_unstable();
        let mut next = indexes.into_iter().peekable();
        for (index, element) in collection.iter().enumerate() {
            if next.next_if_eq(&index).is_some() {
                write(reply, element);
            }
        }
    }
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
