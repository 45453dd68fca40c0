//! From a command to its handler. Every command of the table has a line here, but for containers,
//! which do not run without a subcommand.

use crate::family::{
    bitmap, client, cluster, command, connection, debug, expire, forward, hash, key, latency, list,
    memory, object, payload, slow, sort, string, transaction, world,
};
use crate::{Cx, Done};
use commands::Cmd;
use std::sync::LazyLock;

/// A handler: runs one command under the slots of its keys.
pub(crate) type Handler = fn(&mut Cx<'_>) -> Done;

/// The handlers by the number of their command, put together once.
static TABLE: LazyLock<Box<[Handler]>> = LazyLock::new(|| {
    let commands = (0..Cmd::COUNT).filter_map(Cmd::from_index);
    commands.map(|cmd| find(cmd).unwrap_or(container)).collect()
});

/// The command's handler.
#[inline]
pub(crate) fn of(cmd: Cmd) -> Handler {
    TABLE[cmd.index()]
}

fn find(cmd: Cmd) -> Option<Handler> {
    let families = [strings, lists, hashes, keys, others, table, hosts];
    families.iter().find_map(|family| family(cmd))
}

/// A container without a subcommand; the check of arguments refuses it before it comes here.
fn container(cx: &mut Cx<'_>) -> Done {
    Err(crate::fail::wrong_arity(cx.spec.full_name))
}

fn strings(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::Append => string::append,
        Cmd::Bitcount => bitmap::bitcount,
        Cmd::Bitfield => bitmap::bitfield,
        Cmd::BitfieldRo => bitmap::bitfield_ro,
        Cmd::Bitop => bitmap::bitop,
        Cmd::Bitpos => bitmap::bitpos,
        Cmd::Getbit => bitmap::getbit,
        Cmd::Setbit => bitmap::setbit,
        Cmd::Decr => string::decr,
        Cmd::Decrby => string::decrby,
        Cmd::Get => string::get,
        Cmd::Getdel => string::getdel,
        Cmd::Getex => string::getex,
        Cmd::Getrange | Cmd::Substr => string::getrange,
        Cmd::Getset => string::getset,
        Cmd::Incr => string::incr,
        Cmd::Incrby => string::incrby,
        Cmd::Incrbyfloat => string::incrbyfloat,
        Cmd::Lcs => string::lcs,
        Cmd::Mget => string::mget,
        Cmd::Mset => string::mset,
        Cmd::Msetnx => string::msetnx,
        Cmd::Psetex => string::psetex,
        Cmd::Set => string::set,
        Cmd::Setex => string::setex,
        Cmd::Setnx => string::setnx,
        Cmd::Setrange => string::setrange,
        Cmd::Strlen => string::strlen,
        _ => return None,
    })
}

fn lists(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::Lindex => list::lindex,
        Cmd::Linsert => list::linsert,
        Cmd::Llen => list::llen,
        Cmd::Lmove => list::lmove,
        Cmd::Lmpop => list::lmpop,
        Cmd::Lpop => list::lpop,
        Cmd::Lpos => list::lpos,
        Cmd::Lpush => list::lpush,
        Cmd::Lpushx => list::lpushx,
        Cmd::Lrange => list::lrange,
        Cmd::Lrem => list::lrem,
        Cmd::Lset => list::lset,
        Cmd::Ltrim => list::ltrim,
        Cmd::Rpop => list::rpop,
        Cmd::Rpoplpush => list::rpoplpush,
        Cmd::Rpush => list::rpush,
        Cmd::Rpushx => list::rpushx,
        _ => return None,
    })
}

fn hashes(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::Hdel => hash::hdel,
        Cmd::Hexists => hash::hexists,
        Cmd::Hget => hash::hget,
        Cmd::Hgetall => hash::hgetall,
        Cmd::Hincrby => hash::hincrby,
        Cmd::Hincrbyfloat => hash::hincrbyfloat,
        Cmd::Hkeys => hash::hkeys,
        Cmd::Hlen => hash::hlen,
        Cmd::Hmget => hash::hmget,
        Cmd::Hmset => hash::hmset,
        Cmd::Hrandfield => hash::hrandfield,
        Cmd::Hscan => hash::hscan,
        Cmd::Hset => hash::hset,
        Cmd::Hsetnx => hash::hsetnx,
        Cmd::Hstrlen => hash::hstrlen,
        Cmd::Hvals => hash::hvals,
        _ => return None,
    })
}

fn keys(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::Copy => key::copy,
        Cmd::Del => key::del,
        Cmd::Dump => payload::dump,
        Cmd::Restore | Cmd::RestoreAsking => payload::restore,
        Cmd::ObjectEncoding => object::encoding,
        Cmd::ObjectFreq => object::freq,
        Cmd::ObjectIdletime => object::idletime,
        Cmd::ObjectRefcount => object::refcount,
        Cmd::Sort | Cmd::SortRo => sort::sort,
        Cmd::Exists => key::exists,
        Cmd::Keys => key::keys,
        Cmd::Move => key::move_,
        Cmd::Randomkey => key::randomkey,
        Cmd::Rename => key::rename,
        Cmd::Renamenx => key::renamenx,
        Cmd::Scan => key::scan,
        Cmd::Touch => key::touch,
        Cmd::Type => key::type_,
        Cmd::Unlink => key::unlink,
        Cmd::Dbsize => world::dbsize,
        Cmd::Flushall => world::flushall,
        Cmd::Flushdb => world::flushdb,
        Cmd::Swapdb => world::swapdb,
        Cmd::Expire => expire::expire,
        Cmd::Expireat => expire::expireat,
        Cmd::Expiretime => expire::expiretime,
        Cmd::Persist => expire::persist,
        Cmd::Pexpire => expire::pexpire,
        Cmd::Pexpireat => expire::pexpireat,
        Cmd::Pexpiretime => expire::pexpiretime,
        Cmd::Pttl => expire::pttl,
        Cmd::Ttl => expire::ttl,
        _ => return None,
    })
}

fn others(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::Auth => connection::auth,
        Cmd::Echo => connection::echo,
        Cmd::Time => object::time,
        Cmd::Hello => connection::hello,
        Cmd::Ping => connection::ping,
        Cmd::Quit => connection::quit,
        Cmd::Reset => connection::reset,
        Cmd::Select => connection::select,
        Cmd::Readonly => connection::readonly,
        Cmd::Readwrite => connection::readwrite,
        Cmd::Asking => connection::asking,
        Cmd::ClientGetname => client::getname,
        Cmd::ClientId => client::id,
        Cmd::ClientInfo => client::info,
        Cmd::ClientKill => client::kill,
        Cmd::ClientList => client::list,
        Cmd::ClientNoEvict => client::no_evict,
        Cmd::ClientNoTouch => client::no_touch,
        Cmd::ClientPause => client::pause,
        Cmd::ClientReply => client::reply,
        Cmd::ClientSetinfo => client::setinfo,
        Cmd::ClientSetname => client::setname,
        Cmd::ClientUnblock => client::unblock,
        Cmd::ClientUnpause => client::unpause,
        Cmd::Debug => debug::debug,
        Cmd::LatencyDoctor => latency::doctor,
        Cmd::LatencyGraph => latency::graph,
        Cmd::LatencyHistogram => latency::histogram,
        Cmd::LatencyHistory => latency::history,
        Cmd::LatencyLatest => latency::latest,
        Cmd::LatencyReset => latency::reset,
        Cmd::MemoryDoctor => memory::doctor,
        Cmd::MemoryStats => memory::stats,
        Cmd::MemoryUsage => memory::usage,
        Cmd::Monitor => slow::monitor,
        Cmd::SlowlogGet => slow::slowlog_get,
        Cmd::SlowlogLen => slow::slowlog_len,
        Cmd::SlowlogReset => slow::slowlog_reset,
        Cmd::Multi => transaction::multi,
        Cmd::Exec => transaction::exec,
        Cmd::Discard => transaction::discard,
        Cmd::Watch => transaction::watch,
        Cmd::Unwatch => transaction::unwatch,
        _ => return None,
    })
}

/// What the command table answers by itself.
fn table(cmd: Cmd) -> Option<Handler> {
    Some(match cmd {
        Cmd::ClusterCountkeysinslot => cluster::count_keys_in_slot,
        Cmd::ClusterGetkeysinslot => cluster::get_keys_in_slot,
        Cmd::Command => command::all,
        Cmd::CommandCount => command::count,
        Cmd::CommandDocs => command::docs,
        Cmd::CommandGetkeys | Cmd::CommandGetkeysandflags => command::getkeys,
        Cmd::CommandInfo => command::info,
        Cmd::CommandList => command::list,
        Cmd::ClientHelp
        | Cmd::ClusterHelp
        | Cmd::CommandHelp
        | Cmd::ConfigHelp
        | Cmd::LatencyHelp
        | Cmd::MemoryHelp
        | Cmd::ObjectHelp
        | Cmd::SlowlogHelp => command::help,
        _ => return None,
    })
}

/// Commands that the program around the engine carries out.
fn hosts(cmd: Cmd) -> Option<Handler> {
    is_hosted(cmd).then_some(forward::to_host as Handler)
}

/// Whether the program around the engine carries the command out, with nothing locked.
pub(crate) fn is_hosted(cmd: Cmd) -> bool {
    use Cmd::*;
    let forwarded = matches!(
        cmd,
        Info | ConfigGet
            | ConfigSet
            | ConfigRewrite
            | ConfigResetstat
            | Save
            | Bgsave
            | Bgrewriteaof
            | Lastsave
            | Shutdown
            | Replicaof
            | Slaveof
            | Role
            | Replconf
            | Psync
            | Sync
            | Wait
            | Waitaof
            | Migrate
            | MemoryPurge
            | MemoryMallocStats
    );
    let looks_at_keys = matches!(cmd, ClusterCountkeysinslot | ClusterGetkeysinslot);
    forwarded || (cmd.spec().parent == Some(Cluster) && cmd != ClusterHelp && !looks_at_keys)
}

/// As [`is_hosted`], with those subcommands of DEBUG that the table does not tell apart.
pub(crate) fn is_hosted_call(cmd: Cmd, args: resp::Args<'_>) -> bool {
    is_hosted(cmd) || (cmd == Cmd::Debug && debug::is_hosted(args))
}

/// Whether a container may also be called without a subcommand.
pub(crate) fn runs_alone(cmd: Cmd) -> bool {
    cmd == Cmd::Command
}

/// Whether the command must see and change the whole key space at one instant.
pub(crate) fn needs_world(cmd: Cmd) -> bool {
    matches!(cmd, Cmd::Flushall | Cmd::Flushdb | Cmd::Swapdb | Cmd::Debug)
}

/// Whether a transaction that holds this command must: KEYS shows all of an instant.
pub(crate) fn needs_world_in_exec(cmd: Cmd) -> bool {
    needs_world(cmd) || cmd == Cmd::Keys
}

/// Whether the command finds out only while it runs which slots it touches: a transaction that holds
/// it takes the token before it begins.
pub(crate) fn wanders(cmd: Cmd) -> bool {
    matches!(
        cmd,
        Cmd::Scan
            | Cmd::Randomkey
            | Cmd::Sort
            | Cmd::SortRo
            | Cmd::ClusterCountkeysinslot
            | Cmd::ClusterGetkeysinslot
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_handler() {
        for cmd in (0..Cmd::COUNT).filter_map(Cmd::from_index) {
            let container = cmd.spec().is_container() && !runs_alone(cmd);
            assert_ne!(find(cmd).is_some(), container, "{}", cmd.spec().full_name);
        }
    }
}
