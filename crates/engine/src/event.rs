//! The events that commands cause, as notifications of the key space name them.

use store::{Class, Event};

/// What a command does to a key: one event, or several in their order.
pub(crate) type Kind = &'static [Event];

const fn generic(name: &'static str) -> Event {
    Event::new(Class::Generic, name)
}

const fn string(name: &'static str) -> Event {
    Event::new(Class::String, name)
}

const fn list(name: &'static str) -> Event {
    Event::new(Class::List, name)
}

const fn hash(name: &'static str) -> Event {
    Event::new(Class::Hash, name)
}

/// A key that was not there: it stands before what the command says.
pub(crate) const NEW_KEY: Event = Event::new(Class::New, "new");
/// A key that is gone: it stands behind what the command says, where its last element went.
pub(crate) const DELETED: Event = generic("del");

pub(crate) const DEL: Kind = &[DELETED];
pub(crate) const EXPIRE: Kind = &[generic("expire")];
pub(crate) const PERSIST: Kind = &[generic("persist")];
pub(crate) const RENAME_FROM: Kind = &[generic("rename_from")];
pub(crate) const RENAME_TO: Kind = &[generic("rename_to")];
pub(crate) const MOVE_FROM: Kind = &[generic("move_from")];
pub(crate) const MOVE_TO: Kind = &[generic("move_to")];
pub(crate) const COPY_TO: Kind = &[generic("copy_to")];
pub(crate) const RESTORE: Kind = &[generic("restore")];

pub(crate) const SET: Kind = &[string("set")];
pub(crate) const SET_EXPIRE: Kind = &[string("set"), generic("expire")];
pub(crate) const APPEND: Kind = &[string("append")];
pub(crate) const INCRBY: Kind = &[string("incrby")];
pub(crate) const INCRBYFLOAT: Kind = &[string("incrbyfloat")];
pub(crate) const SETRANGE: Kind = &[string("setrange")];
pub(crate) const SETBIT: Kind = &[string("setbit")];

pub(crate) const LPUSH: Kind = &[list("lpush")];
pub(crate) const RPUSH: Kind = &[list("rpush")];
pub(crate) const LPOP: Kind = &[list("lpop")];
pub(crate) const RPOP: Kind = &[list("rpop")];
pub(crate) const LINSERT: Kind = &[list("linsert")];
pub(crate) const LREM: Kind = &[list("lrem")];
pub(crate) const LSET: Kind = &[list("lset")];
pub(crate) const LTRIM: Kind = &[list("ltrim")];
pub(crate) const SORTSTORE: Kind = &[list("sortstore")];

pub(crate) const HSET: Kind = &[hash("hset")];
pub(crate) const HDEL: Kind = &[hash("hdel")];
pub(crate) const HINCRBY: Kind = &[hash("hincrby")];
pub(crate) const HINCRBYFLOAT: Kind = &[hash("hincrbyfloat")];
