//! Keys of any type: DEL, EXISTS, RENAME, COPY, MOVE, SCAN and kin.

pub(crate) mod scan;

use crate::event;
use crate::fail::{self, Done, Fail, SYNTAX};
use crate::handlers::Handler;
use crate::{Change, Cx, Key, Keyspace};
use base::num;
use commands::family::generic::Handlers;
use smallvec::{SmallVec, smallvec};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Copy: copy,
    Del: del,
    Exists: exists,
    Keys: keys,
    Move: move_,
    Randomkey: randomkey,
    Rename: rename,
    Renamenx: renamenx,
    Scan: scan,
    Touch: touch,
    Type: type_,
    Unlink: unlink,
};

pub(crate) use scan::{keys, randomkey, scan};

/// DEL key [key ...]
pub(crate) fn del(cx: &mut Cx<'_>) -> Done {
    let name: &[u8] = if cx.settings.lazy_user_del {
        b"UNLINK"
    } else {
        b"DEL"
    };
    delete(cx, name)
}

/// UNLINK key [key ...]
pub(crate) fn unlink(cx: &mut Cx<'_>) -> Done {
    delete(cx, b"UNLINK")
}

fn delete(cx: &mut Cx<'_>, name: &[u8]) -> Done {
    let mut effect: SmallVec<[&[u8]; 8]> = smallvec![name];
    let mut deleted = 0;
    for nth in 0..cx.key_count() {
        let key = cx.key(nth)?;
        if let Some(change) = cx.keys.delete(key) {
            cx.announce(change, event::DEL, 1);
            effect.push(key.name());
            deleted += 1;
        }
    }
    if deleted > 0 {
        cx.effect(&effect);
    }
    cx.reply.int(deleted);
    Ok(())
}

/// EXISTS key [key ...]
pub(crate) fn exists(cx: &mut Cx<'_>) -> Done {
    count_present(cx)
}

/// TOUCH key [key ...]
pub(crate) fn touch(cx: &mut Cx<'_>) -> Done {
    count_present(cx)
}

fn count_present(cx: &mut Cx<'_>) -> Done {
    let mut present = 0;
    for nth in 0..cx.key_count() {
        present += i64::from(cx.keys.read(cx.key(nth)?).is_some());
    }
    cx.reply.int(present);
    Ok(())
}

/// TYPE key
pub(crate) fn type_(cx: &mut Cx<'_>) -> Done {
    let name = cx
        .keys
        .peek(cx.key(0)?)
        .map_or("none", |object| object.kind().name());
    cx.reply.status(name);
    Ok(())
}

/// RENAME key newkey
pub(crate) fn rename(cx: &mut Cx<'_>) -> Done {
    if rename_unless(cx, false)? {
        cx.reply.ok();
    }
    Ok(())
}

/// RENAMENX key newkey
pub(crate) fn renamenx(cx: &mut Cx<'_>) -> Done {
    let renamed = rename_unless(cx, true)?;
    cx.reply.int(i64::from(renamed));
    Ok(())
}

fn rename_unless(cx: &mut Cx<'_>, target_exists: bool) -> Result<bool, Fail> {
    let (from, to) = (cx.key(0)?, cx.key(1)?);
    if cx.keys.peek(from).is_none() {
        return Err(fail::NO_SUCH_KEY.into());
    }
    if *from == *to {
        return Ok(!target_exists);
    }
    if target_exists && cx.keys.peek(to).is_some() {
        return Ok(false);
    }
    let Some((object, gone)) = cx.keys.take(from) else {
        return Err(fail::NO_SUCH_KEY.into());
    };
    let come = cx.keys.put(to, object.with_key(&to)).afresh();
    cx.announce_moved((gone, event::RENAME_FROM), (come, event::RENAME_TO));
    cx.effect_as_sent();
    Ok(true)
}

/// The number of a database, as an argument gives it.
///
/// # Errors
/// What Redis says of something else than a number, of one that is none of a C `int`, and of one
/// without a database.
pub(crate) fn database(cx: &Cx<'_>, index: usize) -> Result<u16, Fail> {
    let number = num::parse_i64(cx.args.get(index)).ok_or(fail::NOT_INTEGER)?;
    if i32::try_from(number).is_err() {
        return Err(fail::BAD_DB.into());
    }
    let exists = (0..i64::from(cx.engine.store.databases())).contains(&number);
    if exists {
        Ok(number as u16)
    } else {
        Err(fail::DB_OUT_OF_RANGE.into())
    }
}

/// MOVE key db
pub(crate) fn move_(cx: &mut Cx<'_>) -> Done {
    if cx.settings.cluster {
        return Err("ERR MOVE is not allowed in cluster mode".into());
    }
    let key = cx.key(0)?;
    let target = database(cx, 2)?;
    if target == cx.db() {
        return Err("ERR source and destination objects are the same".into());
    }
    let (here, there) = (cx.keys.db(), cx.engine.store.physical_db(target));
    let moved = move_between(&mut cx.keys, key, here, there);
    cx.reply.int(i64::from(moved.is_some()));
    if let Some((gone, come)) = moved {
        cx.announce_moved((gone, event::MOVE_FROM), (come, event::MOVE_TO));
        cx.effect_as_sent();
    }
    Ok(())
}

/// Moves a key to another database, unless it is there already: what has gone, and what has come.
fn move_between<'k>(
    keys: &mut Keyspace<'_>,
    key: Key<'k>,
    here: u16,
    there: u16,
) -> Option<(Change<'k>, Change<'k>)> {
    keys.peek(key)?;
    keys.set_db(there);
    let taken = keys.peek(key).is_some();
    keys.set_db(here);
    if taken {
        return None;
    }
    let (object, gone) = keys.take(key)?;
    keys.set_db(there);
    let come = keys.put(key, object);
    keys.set_db(here);
    Some((gone, come))
}

/// COPY source destination [DB db] [REPLACE]
pub(crate) fn copy(cx: &mut Cx<'_>) -> Done {
    let (from, to) = (cx.key(0)?, cx.key(1)?);
    let (mut replace, mut target) = (false, cx.db());
    let mut index = 3;
    while index < cx.args.len() {
        match cx.args.get(index).to_ascii_uppercase().as_slice() {
            b"REPLACE" => replace = true,
            b"DB" if index + 1 < cx.args.len() => {
                target = database(cx, index + 1)?;
                index += 1;
            }
            _ => return Err(SYNTAX.into()),
        }
        index += 1;
    }
    if cx.settings.cluster && target != cx.db() {
        return Err("ERR Copying to another database is not allowed in cluster mode".into());
    }
    if target == cx.db() && *from == *to {
        return Err("ERR source and destination objects are the same".into());
    }
    let (here, there) = (cx.keys.db(), cx.engine.store.physical_db(target));
    let Some(copy) = cx.keys.read(from).map(|object| object.duplicate(&to)) else {
        cx.reply.int(0);
        return Ok(());
    };
    cx.keys.set_db(there);
    let exists = cx.keys.peek(to).is_some();
    if exists && !replace {
        cx.keys.set_db(here);
        cx.reply.int(0);
        return Ok(());
    }
    let change = cx.keys.put(to, copy).afresh();
    cx.keys.set_db(here);
    cx.end_as_sent(change, event::COPY_TO, 1);
    cx.reply.int(1);
    Ok(())
}
