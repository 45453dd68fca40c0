//! Between lists: LMOVE, RPOPLPUSH, LMPOP.

use super::{end, limits, list_of_mut, popped, pushed};
use crate::elements::reply_item;
use crate::fail::{Done, Fail, SYNTAX};
use crate::{Change, Cx, Key};
use base::num;
use ds::list::End;
use ds::{Kind, List, Object};

/// LMOVE source destination LEFT|RIGHT LEFT|RIGHT
pub(crate) fn lmove(cx: &mut Cx<'_>) -> Done {
    let (from, to) = (end(cx.args.get(3))?, end(cx.args.get(4))?);
    move_element(cx, from, to)
}

/// RPOPLPUSH source destination
pub(crate) fn rpoplpush(cx: &mut Cx<'_>) -> Done {
    move_element(cx, End::Back, End::Front)
}

fn move_element(cx: &mut Cx<'_>, from: End, to: End) -> Done {
    let (source, destination, limits) = (cx.key(0)?, cx.key(1)?, limits(cx));
    if cx.keys.read_kind(source, Kind::List)?.is_none() {
        cx.reply.null();
        return Ok(());
    }
    // The destination's type is looked at before anything is taken out.
    cx.keys.read_kind(destination, Kind::List)?;
    let Some(object) = cx.keys.edit(source) else {
        return Ok(());
    };
    let ((element, empty), taken) = object.change(|object| {
        let list = list_of_mut(object);
        let element = list.pop(from, limits, |item| item.to_vec());
        (element.unwrap_or_default(), list.is_empty())
    });
    let added = push_element(cx, destination, to, &element);
    let same = *source == *destination;
    let taken = cx.keys.delete_if_empty(taken, empty && !same);
    // The push is told of first.
    cx.announce(added, pushed(to), 1);
    cx.announce(taken, popped(from), u64::from(!same));
    cx.effect_as_sent();
    cx.reply.bulk(&element);
    Ok(())
}

/// Pushes an element to a list, which is made when there is none.
fn push_element<'k>(cx: &mut Cx<'_>, key: Key<'k>, end: End, element: &[u8]) -> Change<'k> {
    let limits = limits(cx);
    if let Some(object) = cx.keys.edit(key) {
        let push = |object: &mut Object| list_of_mut(object).push(end, element, limits);
        return object.change(push).1;
    }
    let mut list = List::new();
    list.push(end, element, limits);
    cx.keys.put(key, Object::new_list(&key, list, None))
}

/// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]
pub(crate) fn lmpop(cx: &mut Cx<'_>) -> Done {
    let (keys, from, count) = parse_mpop(cx)?;
    let limits = limits(cx);
    for nth in 0..keys {
        let key = cx.key(nth)?;
        if cx.keys.read_kind(key, Kind::List)?.is_none() {
            continue;
        }
        let Some(object) = cx.keys.edit(key) else {
            continue;
        };
        let reply = &mut cx.reply;
        let ((wanted, empty), change) = object.change(|object| {
            let list = list_of_mut(object);
            let wanted = count.min(list.len());
            reply.array(2);
            reply.bulk(&*key);
            reply.array(wanted);
            for _ in 0..wanted {
                list.pop(from, limits, |item| reply_item(reply, item));
            }
            (wanted, list.is_empty())
        });
        let change = cx.keys.delete_if_empty(change, empty);
        let name: &[u8] = if from == End::Front { b"LPOP" } else { b"RPOP" };
        let mut digits = itoa::Buffer::new();
        let effect: [&[u8]; 3] = [name, &key, digits.format(wanted).as_bytes()];
        cx.end(change, (popped(from), wanted as u64), &effect);
        return Ok(());
    }
    cx.reply.null_array();
    Ok(())
}

fn parse_mpop(cx: &Cx<'_>) -> Result<(usize, End, usize), Fail> {
    let keys = num::parse_i64(cx.args.get(1)).filter(|&keys| keys > 0);
    let keys = keys.ok_or("ERR numkeys should be greater than 0")? as usize;
    let at = keys.saturating_add(2);
    let from = end(cx.args.opt(at).ok_or(SYNTAX)?)?;
    let mut count = None;
    let mut index = at + 1;
    while let Some(word) = cx.args.opt(index) {
        let value = cx.args.opt(index + 1);
        match value {
            Some(value) if count.is_none() && word.eq_ignore_ascii_case(b"COUNT") => {
                let number = num::parse_i64(value).filter(|&number| number > 0);
                count = Some(number.ok_or("ERR count should be greater than 0")? as usize);
            }
            _ => return Err(SYNTAX.into()),
        }
        index += 2;
    }
    Ok((keys, from, count.unwrap_or(1)))
}
