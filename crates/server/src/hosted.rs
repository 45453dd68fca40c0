//! The commands that the engine leaves to the server: the lists of their families, put together
//! into one table.

use crate::node::{Node, ok};
use crate::{
    append_only, cluster_command, configure, debug, ending, info, memory, migrate, persistence,
    replication, waiting,
};
use commands::family::{cluster, config as settings, memory as use_of_memory, payload, server};
use commands::family::{persistence as files, replication as links};
use commands::{Cmd, RunBy};
use engine::{Engine, Fail, Session, Taken};
use resp::Args;
use std::sync::Arc;

/// One call of a command.
pub(crate) struct Call<'c> {
    pub(crate) node: &'c Arc<Node>,
    pub(crate) engine: &'c Arc<Engine>,
    /// Its arguments, its name included.
    pub(crate) args: Args<'c>,
    /// The connection, if it can wait.
    pub(crate) session: Option<&'c mut Session>,
}

/// What carries a command out.
pub(crate) type Hosted = fn(Call<'_>) -> Result<Taken, Fail>;

const SERVER: server::Hosted<Hosted> = server::Hosted {
    Info: |call| Ok(info::info(call.node, call.engine, call.args)),
    Shutdown: |call| ending::shutdown(call.node, call.args, call.session),
};

const FILES: files::Hosted<Hosted> = files::Hosted {
    Bgrewriteaof: |call| append_only::bgrewriteaof(call.node, call.engine),
    Bgsave: |call| persistence::bgsave(call.node, call.engine, call.args),
    Lastsave: |call| {
        let at = call.node.persistence.last_save();
        Ok(Taken::Now(Box::new(move |reply| reply.int(at))))
    },
    Save: |call| {
        let ticket = call
            .session
            .map(|session| call.engine.host().ticket(session));
        persistence::save(call.node, call.engine, ticket)
    },
};

const SETTINGS: settings::Hosted<Hosted> = settings::Hosted {
    ConfigGet: |call| Ok(configure::get(call.node, call.args)),
    ConfigResetstat: |call| {
        call.engine.stats.reset();
        call.engine.store.reset_stats();
        call.node.reset_stats();
        Ok(ok())
    },
    ConfigRewrite: |call| configure::rewrite(call.node, config::rewrite, call.session),
    ConfigSet: |call| configure::set(call.node, call.engine, call.args, call.session),
};

const MEMORY: use_of_memory::Hosted<Hosted> = use_of_memory::Hosted {
    MemoryMallocStats: |_| Ok(memory::allocator_stats()),
    MemoryPurge: |_| Ok(memory::purge()),
};

const PAYLOAD: payload::Hosted<Hosted> = payload::Hosted {
    Migrate: |call| migrate::run(call.node, call.engine, call.args, call.session),
};

const LINKS: links::Hosted<Hosted> = links::Hosted {
    Psync: replication::begin_stream,
    Replconf: replication::replconf,
    Replicaof: replication::replicaof,
    Role: |call| Ok(replication::role(call.node)),
    Slaveof: replication::replicaof,
    Sync: replication::begin_stream,
    Wait: |call| waiting::wait(call.node, call.engine, call.args, call.session),
    Waitaof: |call| waiting::waitaof(call.node, call.engine, call.args, call.session),
};

const CLUSTER: cluster::Hosted<Hosted> = cluster_command::HOSTED;

/// What the families hand in, by the numbers of their commands.
const GIVEN: [Option<Hosted>; Cmd::COUNT] = {
    let mut table = [None; Cmd::COUNT];
    // Some of its subcommands, which have no rows.
    table[Cmd::Debug.index()] =
        Some((|call| debug::run(call.node, call.engine, call.args, call.session)) as Hosted);
    table = SERVER.enter(table);
    table = FILES.enter(table);
    table = SETTINGS.enter(table);
    table = MEMORY.enter(table);
    table = PAYLOAD.enter(table);
    table = LINKS.enter(table);
    CLUSTER.enter(table)
};

/// The same, once it is proved that no family's list is left out.
static TABLE: [Option<Hosted>; Cmd::COUNT] = {
    let mut index = 0;
    while let Some(cmd) = Cmd::from_index(index) {
        let hosted = matches!(cmd.spec().run_by, RunBy::Host);
        assert!(
            !hosted || GIVEN[index].is_some(),
            "a family whose hosted commands are not in the table"
        );
        index += 1;
    }
    GIVEN
};

/// Carries a command out.
///
/// # Errors
/// What the client is told.
pub(crate) fn run(cmd: Cmd, call: Call<'_>) -> Result<Taken, Fail> {
    match TABLE[cmd.index()] {
        Some(hosted) => hosted(call),
        None => Err(format!(
            "ERR '{}' is not for the server to run",
            cmd.spec().full_name
        )
        .into()),
    }
}
