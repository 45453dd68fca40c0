//! SORT: the elements of a list in order, or what patterns make of them.

use super::list::{limits, list_of};
use super::string::string_bytes;
use crate::event;
use crate::fail::{Done, Fail, SYNTAX};
use crate::handlers::Handler;
use crate::{Cx, Key, Keyspace};
use base::num;
use commands::Cmd;
use commands::family::sort::Handlers;
use ds::{Item, Kind, List, Object, ValueRef};
use std::cmp::Ordering;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Sort: sort,
    SortRo: sort,
};

const NO_NUMBERS: &str = "ERR One or more scores can't be converted into double";

/// What the arguments ask for.
struct Request<'a> {
    by: Option<&'a [u8]>,
    /// A BY without a star was given: the elements keep their order.
    unsorted: bool,
    get: Vec<&'a [u8]>,
    limit: Option<(i64, i64)>,
    descending: bool,
    alpha: bool,
    /// Whether the result goes to the command's second key.
    stores: bool,
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'a>) -> Result<Request<'a>, Fail> {
        let mut request = Request {
            by: None,
            unsorted: false,
            get: Vec::new(),
            limit: None,
            descending: false,
            alpha: false,
            stores: false,
        };
        let (args, mut index) = (cx.args, 2);
        while index < args.len() {
            let more = args.len() - index - 1;
            match args.get(index).to_ascii_uppercase().as_slice() {
                b"ASC" => request.descending = false,
                b"DESC" => request.descending = true,
                b"ALPHA" => request.alpha = true,
                b"LIMIT" if more >= 2 => {
                    request.limit = Some((cx.int(index + 1)?, cx.int(index + 2)?));
                    index += 2;
                }
                b"STORE" if more >= 1 && cx.spec.id == Cmd::Sort => {
                    request.stores = true;
                    index += 1;
                }
                b"BY" if more >= 1 => {
                    let pattern = args.get(index + 1);
                    if cx.settings.cluster && pattern.contains(&b'*') {
                        return Err("ERR BY option of SORT denied in cluster mode.".into());
                    }
                    request.by = Some(pattern);
                    request.unsorted |= !pattern.contains(&b'*');
                    index += 1;
                }
                b"GET" if more >= 1 => {
                    if cx.settings.cluster {
                        return Err("ERR GET option of SORT denied in cluster mode.".into());
                    }
                    request.get.push(args.get(index + 1));
                    index += 1;
                }
                _ => return Err(SYNTAX.into()),
            }
            index += 1;
        }
        Ok(request)
    }

    /// Whether other keys than the command names will be read.
    fn wanders(&self) -> bool {
        let mut patterns = self.by.iter().chain(&self.get);
        patterns.any(|pattern| pattern.contains(&b'*'))
    }

    /// The part of so many elements that is wanted.
    fn window(&self, length: usize) -> std::ops::Range<usize> {
        let Some((start, count)) = self.limit else {
            return 0..length;
        };
        let start = (start.max(0) as usize).min(length);
        let end = match usize::try_from(count) {
            Ok(count) => start.saturating_add(count).min(length),
            Err(_) => length,
        };
        start..end
    }
}

/// SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]
/// [STORE destination], and SORT_RO without STORE
pub(crate) fn sort(cx: &mut Cx<'_>) -> Done {
    let request = Request::parse(cx)?;
    if request.wanders() && !cx.keys.may_wander() {
        return Err(Fail::Token);
    }
    let found = cx.keys.read_kind(cx.key(0)?, Kind::List)?;
    let elements = found.map_or(Vec::new(), |object| {
        let list = list_of(object);
        list.range(0, list.len()).map(text).collect()
    });
    let elements = arrange(&mut cx.keys, elements, &request)?;
    let wanted = &elements[request.window(elements.len())];
    let mut results: Vec<Option<Vec<u8>>> = Vec::new();
    for element in wanted {
        if request.get.is_empty() {
            results.push(Some(element.clone()));
        }
        for pattern in &request.get {
            results.push(look_up(&mut cx.keys, pattern, element)?);
        }
    }
    if !request.stores {
        cx.reply.array(results.len());
        for result in results {
            match result {
                Some(text) => cx.reply.bulk(text),
                None => cx.reply.null(),
            }
        }
        return Ok(());
    }
    let target = cx.key(1)?;
    let results: Vec<Vec<u8>> = results.into_iter().map(Option::unwrap_or_default).collect();
    store(cx, target, &results);
    cx.reply.int(results.len() as i64);
    Ok(())
}

/// Stores a list in place of what is there. The effect is the list itself: the order of a sort may
/// depend on keys that a reader of the journal sees at another time.
fn store(cx: &mut Cx<'_>, target: Key<'_>, results: &[Vec<u8>]) {
    let was_there = cx.keys.peek(target).is_some();
    if results.is_empty() {
        cx.delete_as_effect(target);
        return;
    }
    let (limits, mut list) = (limits(cx), List::new());
    results.iter().for_each(|text| list.push_back(text, limits));
    let change = cx.keys.put(target, Object::new_list(&target, list, None));
    if was_there {
        cx.effect(&[b"DEL", &target]);
    }
    let mut effect: Vec<&[u8]> = vec![b"RPUSH", target.name()];
    effect.extend(results.iter().map(Vec::as_slice));
    cx.end(change, (event::SORTSTORE, 1), &effect);
}

fn text(item: Item<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    item.append_to(&mut text);
    text
}

/// Puts elements in the order that the request wants.
fn arrange(
    keys: &mut Keyspace<'_>,
    elements: Vec<Vec<u8>>,
    request: &Request<'_>,
) -> Result<Vec<Vec<u8>>, Fail> {
    if request.unsorted {
        let mut elements = elements;
        if request.descending {
            elements.reverse();
        }
        return Ok(elements);
    }
    let pattern = request.by;
    let turn = |order: Ordering| {
        if request.descending {
            order.reverse()
        } else {
            order
        }
    };
    let weigh = |element: Vec<u8>| {
        let weight = match pattern {
            Some(pattern) => look_up(keys, pattern, &element)?,
            None => Some(element.clone()),
        };
        Ok((weight, element))
    };
    let weights: Result<Vec<_>, Fail> = elements.into_iter().map(weigh).collect();
    let mut weighed = weights?;
    if request.alpha {
        weighed.sort_by(|one, other| turn(one.0.cmp(&other.0)));
        return Ok(weighed.into_iter().map(|(_, element)| element).collect());
    }
    let number = |(weight, element): (Option<Vec<u8>>, Vec<u8>)| {
        let weight = weight.as_deref().map_or(Some(0.0), score);
        weight.map(|weight| (weight, element))
    };
    let weighed: Option<Vec<(f64, Vec<u8>)>> = weighed.into_iter().map(number).collect();
    let mut weighed = weighed.ok_or(NO_NUMBERS)?;
    weighed.sort_by(|one, other| {
        let order = one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal);
        turn(order.then_with(|| one.1.cmp(&other.1)))
    });
    Ok(weighed.into_iter().map(|(_, element)| element).collect())
}

/// The number that a text is; C's rules, by which nothing is 0.
fn score(text: &[u8]) -> Option<f64> {
    // C's text ends at a NUL, and it skips any blank.
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let blanks = text.iter().take_while(|byte| is_c_blank(**byte)).count();
    match &text[blanks..] {
        _ if text.is_empty() => Some(0.0),
        number => num::parse_f64_in_range(number),
    }
}

fn is_c_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// What a pattern gives for an element: the element itself (`#`), a string, or a field of a hash
/// (`key_*->field`).
///
/// # Errors
/// [`Fail::More`] where the key's slot is not locked and may not be waited for.
fn look_up(
    keys: &mut Keyspace<'_>,
    pattern: &[u8],
    element: &[u8],
) -> Result<Option<Vec<u8>>, Fail> {
    if pattern == b"#" {
        return Ok(Some(element.to_vec()));
    }
    let Some(star) = pattern.iter().position(|&byte| byte == b'*') else {
        return Ok(None);
    };
    let (before, behind) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = behind.windows(2).position(|pair| pair == b"->");
    let arrow = arrow.filter(|&at| at + 2 < behind.len());
    let (behind, field) = match arrow {
        Some(at) => (&behind[..at], Some(&behind[at + 2..])),
        None => (behind, None),
    };
    let name = [before, element, behind].concat();
    let key = keys.derived(&name)?;
    let Some(object) = keys.read(key) else {
        return Ok(None);
    };
    Ok(match (object.value(), field) {
        (ValueRef::Hash(hash), Some(field)) => hash.get(field).map(text),
        (ValueRef::Str(_) | ValueRef::Int(_), None) => {
            Some(string_bytes(object, &mut Vec::new()).to_vec())
        }
        _ => None,
    })
}
