//! From a command to its handler: the lists of the families, put together into one table.

use crate::family::{
    bitmap, client, cluster, command, config, connection, debug, expire, forward, generic, hash,
    latency, list, memory, monitor, object, payload, server, slowlog, sort, string, transactions,
};
use crate::{Cx, Done};
use commands::{Cmd, RunBy};

/// A handler: runs one command under the slots of its keys.
pub(crate) type Handler = fn(&mut Cx<'_>) -> Done;

/// What the families hand in, by the numbers of their commands.
const GIVEN: [Option<Handler>; Cmd::COUNT] = {
    let mut table = [None; Cmd::COUNT];
    table = string::HANDLERS.enter(table);
    table = bitmap::HANDLERS.enter(table);
    table = hash::HANDLERS.enter(table);
    table = list::HANDLERS.enter(table);
    table = generic::HANDLERS.enter(table);
    table = expire::HANDLERS.enter(table);
    table = object::HANDLERS.enter(table);
    table = payload::HANDLERS.enter(table);
    table = sort::HANDLERS.enter(table);
    table = transactions::HANDLERS.enter(table);
    table = connection::HANDLERS.enter(table);
    table = client::HANDLERS.enter(table);
    table = server::HANDLERS.enter(table);
    table = debug::HANDLERS.enter(table);
    table = command::HANDLERS.enter(table);
    table = config::HANDLERS.enter(table);
    table = latency::HANDLERS.enter(table);
    table = memory::HANDLERS.enter(table);
    table = slowlog::HANDLERS.enter(table);
    table = monitor::HANDLERS.enter(table);
    cluster::HANDLERS.enter(table)
};

/// The handlers by the numbers of their commands. Building it proves that no family's list is left
/// out.
static TABLE: [Handler; Cmd::COUNT] = {
    let mut table = [container as Handler; Cmd::COUNT];
    let mut index = 0;
    while let Some(cmd) = Cmd::from_index(index) {
        table[index] = match (GIVEN[index], cmd.spec().run_by) {
            (Some(handler), _) => handler,
            (None, RunBy::Host) => forward::to_host,
            (None, RunBy::Nobody) => container,
            (None, RunBy::Engine) => panic!("a family whose handlers are not in the table"),
        };
        index += 1;
    }
    table
};

/// The command's handler.
#[inline]
pub(crate) fn of(cmd: Cmd) -> Handler {
    TABLE[cmd.index()]
}

/// A container without a subcommand; the check of arguments refuses it before it comes here.
fn container(cx: &mut Cx<'_>) -> Done {
    Err(crate::fail::wrong_arity(cx.spec.full_name))
}
