//! Lists: pushing and popping at both ends, ranges, search.

mod moving;
mod search;

use crate::Cx;
use crate::elements::reply_item;
use crate::event;
use crate::fail::{self, Done, Fail, SYNTAX};
use crate::handlers::Handler;
use base::num;
use commands::family::list::Handlers;
use ds::list::End;
use ds::{Kind, List, ListLimits, Object, ValueMut, ValueRef};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Lindex: lindex,
    Linsert: linsert,
    Llen: llen,
    Lmove: lmove,
    Lmpop: lmpop,
    Lpop: lpop,
    Lpos: lpos,
    Lpush: lpush,
    Lpushx: lpushx,
    Lrange: lrange,
    Lrem: lrem,
    Lset: lset,
    Ltrim: ltrim,
    Rpop: rpop,
    Rpoplpush: rpoplpush,
    Rpush: rpush,
    Rpushx: rpushx,
};

pub(crate) use moving::{lmove, lmpop, rpoplpush};
pub(crate) use search::{linsert, lpos, lrem};

/// The limits that lists change their encoding by.
pub(crate) fn limits(cx: &Cx<'_>) -> ListLimits {
    cx.settings.limits.list
}

/// The list of an object that is known to hold one.
pub(crate) fn list_of(object: &Object) -> &List {
    match object.value() {
        ValueRef::List(list) => list,
        _ => unreachable!("the kind was checked"),
    }
}

/// The same, for changing it.
pub(crate) fn list_of_mut(object: &mut Object) -> &mut List {
    match object.value_mut() {
        ValueMut::List(list) => list,
        _ => unreachable!("the kind was checked"),
    }
}

/// LPUSH key element [element ...]
pub(crate) fn lpush(cx: &mut Cx<'_>) -> Done {
    push(cx, End::Front, false)
}

/// RPUSH key element [element ...]
pub(crate) fn rpush(cx: &mut Cx<'_>) -> Done {
    push(cx, End::Back, false)
}

/// LPUSHX key element [element ...]
pub(crate) fn lpushx(cx: &mut Cx<'_>) -> Done {
    push(cx, End::Front, true)
}

/// RPUSHX key element [element ...]
pub(crate) fn rpushx(cx: &mut Cx<'_>) -> Done {
    push(cx, End::Back, true)
}

fn push(cx: &mut Cx<'_>, end: End, must_exist: bool) -> Done {
    let (key, limits) = (cx.key(0)?, limits(cx));
    let elements = cx.args.from(2);
    let add = |list: &mut List| {
        if elements.len() > 1 {
            let bytes = elements.iter().map(<[u8]>::len).sum();
            list.reserve(bytes, elements.len(), limits);
        }
        elements
            .iter()
            .for_each(|element| list.push(end, element, limits));
        list.len()
    };
    let (length, change) = if let Some(object) = cx.keys.edit_kind(key, Kind::List)? {
        object.change(|object| add(list_of_mut(object)))
    } else if must_exist {
        cx.reply.int(0);
        return Ok(());
    } else {
        let mut list = List::new();
        let length = add(&mut list);
        (length, cx.keys.put(key, Object::new_list(&key, list, None)))
    };
    cx.end_as_sent(change, pushed(end), elements.len() as u64);
    cx.reply.int(length as i64);
    Ok(())
}

/// LPOP key [count]
pub(crate) fn lpop(cx: &mut Cx<'_>) -> Done {
    pop(cx, End::Front)
}

/// RPOP key [count]
pub(crate) fn rpop(cx: &mut Cx<'_>) -> Done {
    pop(cx, End::Back)
}

fn pop(cx: &mut Cx<'_>, end: End) -> Done {
    let key = cx.key(0)?;
    let count = match cx.args.opt(2) {
        None => None,
        Some(_) if cx.args.len() > 3 => return Err(fail::wrong_arity(cx.spec.full_name)),
        Some(text) => Some(positive(text)?),
    };
    let limits = limits(cx);
    let Some(object) = cx.keys.edit_kind(key, Kind::List)? else {
        match count {
            Some(_) => cx.reply.null_array(),
            None => cx.reply.null(),
        }
        return Ok(());
    };
    let wanted = count.unwrap_or(1).min(list_of(&object).len());
    if count.is_some() {
        cx.reply.array(wanted);
    }
    if wanted == 0 {
        return Ok(());
    }
    let reply = &mut cx.reply;
    let (empty, change) = object.change(|object| {
        let list = list_of_mut(object);
        for _ in 0..wanted {
            list.pop(end, limits, |item| reply_item(reply, item));
        }
        list.is_empty()
    });
    let change = cx.keys.delete_if_empty(change, empty);
    cx.end_as_sent(change, popped(end), wanted as u64);
    Ok(())
}

/// The event of a push at an end.
fn pushed(end: End) -> event::Kind {
    match end {
        End::Front => event::LPUSH,
        End::Back => event::RPUSH,
    }
}

/// The event of a pop at an end.
fn popped(end: End) -> event::Kind {
    match end {
        End::Front => event::LPOP,
        End::Back => event::RPOP,
    }
}

fn positive(text: &[u8]) -> Result<usize, Fail> {
    let count = num::parse_i64(text).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| fail::MUST_BE_POSITIVE.into())
}

/// LLEN key
pub(crate) fn llen(cx: &mut Cx<'_>) -> Done {
    let found = cx.keys.read_kind(cx.key(0)?, Kind::List)?;
    let length = found.map_or(0, |object| list_of(object).len());
    cx.reply.int(length as i64);
    Ok(())
}

/// The index that a number means, which may count from the end; `None` before the beginning.
fn index_of(number: i64, length: usize) -> Option<usize> {
    let index = if number < 0 {
        number.checked_add(length as i64)?
    } else {
        number
    };
    usize::try_from(index).ok()
}

/// LINDEX key index
pub(crate) fn lindex(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    let found = cx.keys.read_kind(key, Kind::List)?;
    let Some(list) = found.map(list_of) else {
        cx.reply.null();
        return Ok(());
    };
    let number = num::parse_i64(cx.args.get(2)).ok_or(fail::NOT_INTEGER)?;
    match index_of(number, list.len()).and_then(|index| list.get(index)) {
        Some(item) => reply_item(&mut cx.reply, item),
        None => cx.reply.null(),
    }
    Ok(())
}

/// LSET key index element
pub(crate) fn lset(cx: &mut Cx<'_>) -> Done {
    let (key, limits) = (cx.key(0)?, limits(cx));
    if cx.keys.read_kind(key, Kind::List)?.is_none() {
        return Err(fail::NO_SUCH_KEY.into());
    }
    let number = cx.int(2)?;
    let Some(object) = cx.keys.edit(key) else {
        return Err(fail::NO_SUCH_KEY.into());
    };
    let length = list_of(&object).len();
    let index = index_of(number, length).filter(|&index| index < length);
    let (index, element) = (index.ok_or(fail::INDEX_OUT_OF_RANGE)?, cx.args.get(3));
    let (_, change) = object.change(|object| list_of_mut(object).set(index, element, limits));
    cx.end_as_sent(change, event::LSET, 1);
    cx.reply.ok();
    Ok(())
}

/// The range of elements that two indexes mean; empty when they cross.
fn range(start: i64, stop: i64, length: usize) -> std::ops::Range<usize> {
    let length = length as i64;
    let from = if start < 0 {
        (start + length).max(0)
    } else {
        start
    };
    let to = if stop < 0 { stop + length } else { stop }.min(length - 1);
    if from > to || from >= length {
        0..0
    } else {
        from as usize..to as usize + 1
    }
}

/// LRANGE key start stop
pub(crate) fn lrange(cx: &mut Cx<'_>) -> Done {
    let (start, stop) = (cx.int(2)?, cx.int(3)?);
    let Some(list) = cx.keys.read_kind(cx.key(0)?, Kind::List)?.map(list_of) else {
        cx.reply.array(0);
        return Ok(());
    };
    let range = range(start, stop, list.len());
    cx.reply.array(range.len());
    if !range.is_empty() {
        list.range(range.start, range.end)
            .for_each(|item| reply_item(&mut cx.reply, item));
    }
    Ok(())
}

/// LTRIM key start stop
pub(crate) fn ltrim(cx: &mut Cx<'_>) -> Done {
    let (key, limits) = (cx.key(0)?, limits(cx));
    let (start, stop) = (cx.int(2)?, cx.int(3)?);
    let Some(object) = cx.keys.edit_kind(key, Kind::List)? else {
        cx.reply.ok();
        return Ok(());
    };
    let ((removed, empty), change) = object.change(|object| {
        let list = list_of_mut(object);
        let before = list.len();
        let range = range(start, stop, before);
        list.trim(range.start, range.end, limits);
        (before - list.len(), list.is_empty())
    });
    let change = cx.keys.delete_if_empty(change, empty);
    cx.end_as_sent(change, event::LTRIM, removed.max(1) as u64);
    cx.reply.ok();
    Ok(())
}

/// Reads `LEFT` or `RIGHT`.
fn end(word: &[u8]) -> Result<End, Fail> {
    match word.to_ascii_uppercase().as_slice() {
        b"LEFT" => Ok(End::Front),
        b"RIGHT" => Ok(End::Back),
        _ => Err(SYNTAX.into()),
    }
}
