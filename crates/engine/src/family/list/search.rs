//! Looking for elements: LPOS, LREM, LINSERT.

use super::{limits, list_of, list_of_mut};
use crate::Cx;
use crate::event;
use crate::fail::{Done, Fail, NOT_INTEGER, OUT_OF_LONG, SYNTAX};
use base::num;
use ds::list::End;
use ds::{Item, Kind};

/// LINSERT key BEFORE|AFTER pivot element
pub(crate) fn linsert(cx: &mut Cx<'_>) -> Done {
    let after = match cx.args.get(2).to_ascii_uppercase().as_slice() {
        b"BEFORE" => 0,
        b"AFTER" => 1,
        _ => return Err(SYNTAX.into()),
    };
    let (key, pivot, element) = (cx.key(0)?, cx.args.get(3), cx.args.get(4));
    let limits = limits(cx);
    let Some(list) = cx.keys.read_kind(key, Kind::List)?.map(list_of) else {
        cx.reply.int(0);
        return Ok(());
    };
    let wanted = Item::of(pivot);
    let Some(index) = list.iter().position(|item| item.is(&wanted)) else {
        cx.reply.int(-1);
        return Ok(());
    };
    let Some(object) = cx.keys.edit(key) else {
        return Ok(());
    };
    let (length, change) = object.change(|object| {
        let list = list_of_mut(object);
        list.insert(index + after, element, limits);
        list.len()
    });
    cx.end_as_sent(change, event::LINSERT, 1);
    cx.reply.int(length as i64);
    Ok(())
}

/// LREM key count element
pub(crate) fn lrem(cx: &mut Cx<'_>) -> Done {
    let (key, element, limits) = (cx.key(0)?, cx.args.get(3), limits(cx));
    let count = cx.int(2)?;
    if count == i64::MIN {
        return Err(OUT_OF_LONG.into());
    }
    let end = if count < 0 { End::Back } else { End::Front };
    let most = if count == 0 {
        usize::MAX
    } else {
        count.unsigned_abs() as usize
    };
    let Some(object) = cx.keys.edit_kind(key, Kind::List)? else {
        cx.reply.int(0);
        return Ok(());
    };
    let done = object.try_change(|object| {
        let list = list_of_mut(object);
        let removed = list.remove_value(element, end, most, limits);
        (removed > 0).then(|| (removed, list.is_empty()))
    });
    let Some(((removed, empty), change)) = done else {
        cx.reply.int(0);
        return Ok(());
    };
    let change = cx.keys.delete_if_empty(change, empty);
    cx.end_as_sent(change, event::LREM, removed as u64);
    cx.reply.int(removed as i64);
    Ok(())
}

/// What LPOS is asked for.
struct Wish {
    /// How many matches to skip, and from which end.
    rank: i64,
    /// How many to return; `None`: one, not in an array.
    count: Option<usize>,
    /// How many elements to compare.
    most: usize,
}

fn parse(cx: &Cx<'_>) -> Result<Wish, Fail> {
    let mut wish = Wish {
        rank: 1,
        count: None,
        most: usize::MAX,
    };
    let mut index = 3;
    while index < cx.args.len() {
        let Some(value) = cx.args.opt(index + 1) else {
            return Err(SYNTAX.into());
        };
        match cx.args.get(index).to_ascii_uppercase().as_slice() {
            b"RANK" => {
                wish.rank = num::parse_i64(value).ok_or(NOT_INTEGER)?;
                if wish.rank == 0 {
                    return Err(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 \
                        from the second ... or use negative to start from the end of the list"
                            .into(),
                    );
                }
                if wish.rank == i64::MIN {
                    return Err(OUT_OF_LONG.into());
                }
            }
            b"COUNT" => {
                let count = num::parse_i64(value).and_then(|n| usize::try_from(n).ok());
                wish.count = Some(count.ok_or("ERR COUNT can't be negative")?);
            }
            b"MAXLEN" => {
                let most = num::parse_i64(value).and_then(|n| usize::try_from(n).ok());
                let most = most.ok_or("ERR MAXLEN can't be negative")?;
                wish.most = if most == 0 { usize::MAX } else { most };
            }
            _ => return Err(SYNTAX.into()),
        }
        index += 2;
    }
    Ok(wish)
}

/// LPOS key element [RANK rank] [COUNT count] [MAXLEN len]
pub(crate) fn lpos(cx: &mut Cx<'_>) -> Done {
    let wish = parse(cx)?;
    let wanted = Item::of(cx.args.get(2));
    let found = match cx.keys.read_kind(cx.key(0)?, Kind::List)?.map(list_of) {
        None => Vec::new(),
        Some(list) => {
            let most = match wish.count {
                Some(0) => usize::MAX,
                count => count.unwrap_or(1),
            };
            let skip = wish.rank.unsigned_abs() as usize - 1;
            let matches = |(_, item): &(usize, Item<'_>)| item.is(&wanted);
            if wish.rank > 0 {
                let items = list.iter().enumerate().take(wish.most);
                items
                    .filter(matches)
                    .skip(skip)
                    .take(most)
                    .map(|(index, _)| index)
                    .collect()
            } else {
                let last = list.len();
                let items = list.rev_from(usize::MAX).enumerate().take(wish.most);
                let found = items.filter(matches).skip(skip).take(most);
                found.map(|(index, _)| last - 1 - index).collect::<Vec<_>>()
            }
        }
    };
    match wish.count {
        Some(_) => {
            cx.reply.array(found.len());
            found.iter().for_each(|&index| cx.reply.int(index as i64));
        }
        None => match found.first() {
            Some(&index) => cx.reply.int(index as i64),
            None => cx.reply.null(),
        },
    }
    Ok(())
}
