//! Hashes: fields and values under one key.

use crate::elements::{self, Collection, Element, reply_item};
use crate::event;
use crate::fail::{self, Done};
use crate::handlers::Handler;
use crate::long_double::LongDouble;
use crate::{Change, Cx, Key};
use base::num;
use commands::family::hash::Handlers;
use ds::{Hash, HashLimits, Item, Kind, Object, ValueMut, ValueRef};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Hdel: hdel,
    Hexists: hexists,
    Hget: hget,
    Hgetall: hgetall,
    Hincrby: hincrby,
    Hincrbyfloat: hincrbyfloat,
    Hkeys: hkeys,
    Hlen: hlen,
    Hmget: hmget,
    Hmset: hmset,
    Hrandfield: hrandfield,
    Hscan: hscan,
    Hset: hset,
    Hsetnx: hsetnx,
    Hstrlen: hstrlen,
    Hvals: hvals,
};

/// The limits that hashes change their encoding by.
pub(crate) fn limits(cx: &Cx<'_>) -> HashLimits {
    cx.settings.limits.hash
}

fn hash_of(object: &Object) -> &Hash {
    match object.value() {
        ValueRef::Hash(hash) => hash,
        _ => unreachable!("the kind was checked"),
    }
}

fn hash_of_mut(object: &mut Object) -> &mut Hash {
    match object.value_mut() {
        ValueMut::Hash(hash) => hash,
        _ => unreachable!("the kind was checked"),
    }
}

/// The hash at the key of argument 1, for reading.
fn read<'c>(cx: &'c mut Cx<'_>) -> Result<Option<&'c Hash>, crate::Fail> {
    Ok(cx.keys.read_kind(cx.key(0)?, Kind::Hash)?.map(hash_of))
}

/// Changes the hash at a key, which is made when there is none.
fn change<'k, T>(
    cx: &mut Cx<'_>,
    key: Key<'k>,
    change: impl FnOnce(&mut Hash) -> T,
) -> Result<(T, Change<'k>), crate::Fail> {
    if let Some(object) = cx.keys.edit_kind(key, Kind::Hash)? {
        return Ok(object.change(|object| change(hash_of_mut(object))));
    }
    let mut hash = Hash::new();
    let result = change(&mut hash);
    let object = Object::new_hash(&key, hash, None);
    Ok((result, cx.keys.put(key, object)))
}

/// HSET key field value [field value ...]
pub(crate) fn hset(cx: &mut Cx<'_>) -> Done {
    let added = set_fields(cx)?;
    cx.reply.int(added);
    Ok(())
}

/// HMSET key field value [field value ...]
pub(crate) fn hmset(cx: &mut Cx<'_>) -> Done {
    set_fields(cx)?;
    cx.reply.ok();
    Ok(())
}

fn set_fields(cx: &mut Cx<'_>) -> Result<i64, crate::Fail> {
    if !cx.args.len().is_multiple_of(2) {
        return Err(fail::wrong_arity(cx.spec.full_name));
    }
    let (key, limits, words) = (cx.key(0)?, limits(cx), cx.args.from(2));
    let (added, change) = change(cx, key, |hash| {
        if words.len() > 2 {
            let longest = words.iter().map(<[u8]>::len).max().unwrap_or(0);
            let bytes = words.iter().map(<[u8]>::len).sum();
            hash.reserve(words.len() / 2, longest, bytes, limits);
        }
        let mut added = 0;
        for pair in (0..words.len()).step_by(2) {
            added += i64::from(hash.set(words.get(pair), words.get(pair + 1), limits));
        }
        added
    })?;
    cx.end_as_sent(change, event::HSET, words.len() as u64 / 2);
    Ok(added)
}

/// HSETNX key field value
pub(crate) fn hsetnx(cx: &mut Cx<'_>) -> Done {
    let (key, field, value, limits) = (cx.key(0)?, cx.args.get(2), cx.args.get(3), limits(cx));
    let found = cx.keys.read_kind(key, Kind::Hash)?;
    if found.is_some_and(|object| hash_of(object).contains(field)) {
        cx.reply.int(0);
        return Ok(());
    }
    let (_, change) = change(cx, key, |hash| hash.set(field, value, limits))?;
    cx.end_as_sent(change, event::HSET, 1);
    cx.reply.int(1);
    Ok(())
}

/// HGET key field
pub(crate) fn hget(cx: &mut Cx<'_>) -> Done {
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Hash)?;
    match found.and_then(|object| hash_of(object).get(cx.args.get(2))) {
        Some(item) => reply_item(&mut cx.reply, item),
        None => cx.reply.null(),
    }
    Ok(())
}

/// HMGET key field [field ...]
pub(crate) fn hmget(cx: &mut Cx<'_>) -> Done {
    let fields = cx.args.from(2);
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Hash)?.map(hash_of);
    cx.reply.array(fields.len());
    for field in fields.iter() {
        match found.and_then(|hash| hash.get(field)) {
            Some(item) => reply_item(&mut cx.reply, item),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// HDEL key field [field ...]
pub(crate) fn hdel(cx: &mut Cx<'_>) -> Done {
    let (key, fields) = (cx.key(0)?, cx.args.from(2));
    let Some(object) = cx.keys.edit_kind(key, Kind::Hash)? else {
        cx.reply.int(0);
        return Ok(());
    };
    let done = object.try_change(|object| {
        let hash = hash_of_mut(object);
        let removed = fields.iter().filter(|field| hash.remove(field)).count();
        (removed > 0).then(|| (removed, hash.is_empty()))
    });
    let Some(((removed, empty), change)) = done else {
        cx.reply.int(0);
        return Ok(());
    };
    let change = cx.keys.delete_if_empty(change, empty);
    cx.end_as_sent(change, event::HDEL, removed as u64);
    cx.reply.int(removed as i64);
    Ok(())
}

/// HEXISTS key field
pub(crate) fn hexists(cx: &mut Cx<'_>) -> Done {
    let field = cx.args.get(2);
    let there = read(cx)?.is_some_and(|hash| hash.contains(field));
    cx.reply.int(i64::from(there));
    Ok(())
}

/// HLEN key
pub(crate) fn hlen(cx: &mut Cx<'_>) -> Done {
    let length = read(cx)?.map_or(0, Hash::len);
    cx.reply.int(length as i64);
    Ok(())
}

/// HSTRLEN key field
pub(crate) fn hstrlen(cx: &mut Cx<'_>) -> Done {
    let field = cx.args.get(2);
    let length = read(cx)?
        .and_then(|hash| hash.get(field))
        .map_or(0, |item| item.text_len());
    cx.reply.int(length as i64);
    Ok(())
}

/// HGETALL key
pub(crate) fn hgetall(cx: &mut Cx<'_>) -> Done {
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Hash)?.map(hash_of);
    cx.reply.map(found.map_or(0, Hash::len));
    for (field, value) in found.into_iter().flat_map(Hash::iter) {
        reply_item(&mut cx.reply, field);
        reply_item(&mut cx.reply, value);
    }
    Ok(())
}

/// HKEYS key
pub(crate) fn hkeys(cx: &mut Cx<'_>) -> Done {
    reply_each(cx, |(field, _)| field)
}

/// HVALS key
pub(crate) fn hvals(cx: &mut Cx<'_>) -> Done {
    reply_each(cx, |(_, value)| value)
}

fn reply_each(cx: &mut Cx<'_>, part: for<'i> fn((Item<'i>, Item<'i>)) -> Item<'i>) -> Done {
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Hash)?.map(hash_of);
    cx.reply.array(found.map_or(0, Hash::len));
    for pair in found.into_iter().flat_map(Hash::iter) {
        reply_item(&mut cx.reply, part(pair));
    }
    Ok(())
}

/// HINCRBY key field increment
pub(crate) fn hincrby(cx: &mut Cx<'_>) -> Done {
    let (key, field, limits) = (cx.key(0)?, cx.args.get(2), limits(cx));
    let by = cx.int(3)?;
    let old = match read(cx)?.and_then(|hash| hash.get(field)) {
        None => 0,
        Some(Item::Int(integer)) => integer,
        Some(Item::Str(text)) => num::parse_i64(text).ok_or("ERR hash value is not an integer")?,
    };
    let value = old.checked_add(by).ok_or(fail::OVERFLOW)?;
    let mut digits = itoa::Buffer::new();
    let text = digits.format(value).as_bytes();
    let (_, change) = change(cx, key, |hash| hash.set(field, text, limits))?;
    cx.end_as_sent(change, event::HINCRBY, 1);
    cx.reply.int(value);
    Ok(())
}

/// HINCRBYFLOAT key field increment. The effect is the sum, as an HSET.
pub(crate) fn hincrbyfloat(cx: &mut Cx<'_>) -> Done {
    let (key, field, limits) = (cx.key(0)?, cx.args.get(2), limits(cx));
    let by = LongDouble::parse(cx.args.get(3)).ok_or(fail::NOT_FLOAT)?;
    if by.is_infinite() {
        return Err("ERR value is NaN or Infinity".into());
    }
    let old = match read(cx)?.and_then(|hash| hash.get(field)) {
        None => LongDouble::parse(b"0"),
        Some(item) => LongDouble::parse(&item.to_vec()),
    };
    let sum = old
        .ok_or("ERR hash value is not a float")?
        .add(by)
        .ok_or(fail::NAN_OR_INFINITY)?;
    let text = sum.text();
    let (_, change) = change(cx, key, |hash| hash.set(field, text.as_bytes(), limits))?;
    let effect: [&[u8]; 4] = [b"HSET", &key, field, text.as_bytes()];
    cx.end(change, (event::HINCRBYFLOAT, 1), &effect);
    cx.reply.bulk(&text);
    Ok(())
}

/// HSCAN key cursor [MATCH pattern] [COUNT count]
pub(crate) fn hscan(cx: &mut Cx<'_>) -> Done {
    elements::scan::<Hash>(cx)
}

/// HRANDFIELD key [count [WITHVALUES]]
pub(crate) fn hrandfield(cx: &mut Cx<'_>) -> Done {
    elements::random::<Hash>(cx, b"WITHVALUES")
}

impl Collection for Hash {
    const KIND: Kind = Kind::Hash;
    const WIDTH: usize = 2;

    fn of(object: &Object) -> &Hash {
        hash_of(object)
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        self.iter().map(element)
    }

    fn scan(&self, cursor: u64, f: &mut dyn FnMut(Element<'_>)) -> u64 {
        self.scan(cursor, &mut |field, value| f(element((field, value))))
    }

    fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<Element<'_>> {
        self.random(random).map(element)
    }
}

fn element<'a>((field, value): (Item<'a>, Item<'a>)) -> Element<'a> {
    (field, Some(value))
}
