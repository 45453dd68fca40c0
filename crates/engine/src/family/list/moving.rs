//! Between lists: LMOVE, RPOPLPUSH, LMPOP.

use super::{after_pop, end, limits, list_of_mut, reply_item};
use crate::Cx;
use crate::fail::{Done, Fail, SYNTAX};
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
    let (element, empty) = {
        let Some(mut object) = cx.keys.edit(source) else {
            return Ok(());
        };
        let list = list_of_mut(&mut object);
        let element = list
            .pop(from, limits, |item| item.to_vec())
            .unwrap_or_default();
        if *source == *destination {
            list.push(to, &element, limits);
        }
        (element, list.is_empty())
    };
    if *source != *destination {
        if let Some(mut object) = cx.keys.edit(destination) {
            list_of_mut(&mut object).push(to, &element, limits);
        } else {
            let mut list = List::new();
            list.push(to, &element, limits);
            cx.keys
                .put(destination, Object::new_list(&destination, list, None));
        }
        cx.keys.delete_if_empty(source, empty);
        cx.keys.changed(source);
    }
    cx.keys.changed(destination);
    cx.effect_as_sent();
    cx.reply.bulk(&element);
    Ok(())
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
        let (popped, empty) = {
            let Some(mut object) = cx.keys.edit(key) else {
                continue;
            };
            let list = list_of_mut(&mut object);
            let wanted = count.min(list.len());
            cx.reply.array(2);
            cx.reply.bulk(&*key);
            cx.reply.array(wanted);
            for _ in 0..wanted {
                list.pop(from, limits, |item| reply_item(&mut cx.reply, item));
            }
            (wanted, list.is_empty())
        };
        after_pop(cx, key, popped, empty);
        let name: &[u8] = if from == End::Front { b"LPOP" } else { b"RPOP" };
        cx.effect(&[name, &key, popped.to_string().as_bytes()]);
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
