//! CONFIG GET and SET, and what a change of configuration means for the running server.

use crate::node::{Node, ok};
use config::{Caller, Config, ProtectedAction};
use engine::{Engine, Fail, Session, Settings, Taken};
use resp::Args;
use std::sync::Arc;

/// The settings that handlers go by, as a configuration says.
pub(crate) fn settings(config: &Config) -> Settings {
    let mut settings = Settings::default();
    apply(config, &mut settings);
    settings
}

/// Takes over what a configuration says; what is state and not configuration stays.
fn apply(config: &Config, settings: &mut Settings) {
    settings.max_bulk = config.proto_max_bulk_len as usize;
    settings.list_max_listpack_size = config.list_max_listpack_size as i32;
    settings.hash_max_listpack_entries = config.hash_max_listpack_entries as usize;
    settings.hash_max_listpack_value = config.hash_max_listpack_value as usize;
    settings.lfu = config.maxmemory_policy.word().contains("lfu");
    settings.lfu_decay_minutes = config.lfu_decay_time as u32;
    settings.password = config.requirepass.clone();
    settings.cluster = config.cluster_enabled;
    settings.slowlog_slower_than = config.slowlog_log_slower_than;
    settings.latency_threshold = config.latency_monitor_threshold as u64;
    settings.query_buffer_limit = config.client_query_buffer_limit as usize;
    let limits = config.client_output_buffer_limit.classes();
    settings.output_limits = limits.map(|(_, limit)| {
        let (hard, soft) = (limit.hard as usize, limit.soft as usize);
        (hard, soft, limit.seconds as u64)
    });
    settings.idle_timeout = config.timeout as u64;
    settings.replica_read_only = config.replica_read_only;
    settings.lazy_user_del = config.lazyfree_lazy_user_del;
    settings.lazy_user_flush = config.lazyfree_lazy_user_flush;
    settings.debug = match config.enable_debug_command {
        ProtectedAction::No => 0,
        ProtectedAction::Local => 1,
        ProtectedAction::Yes => 2,
    };
}

/// CONFIG GET pattern [pattern ...]
pub(crate) fn get(node: &Node, args: Args<'_>) -> Taken {
    let patterns: Vec<&[u8]> = args.from(2).iter().collect();
    let pairs = config::get_all(&node.config.read(), &patterns);
    Taken::Now(Box::new(move |reply| {
        reply.map(pairs.len());
        for (name, value) in pairs {
            reply.bulk(name);
            reply.bulk(value);
        }
    }))
}

/// CONFIG SET name value [name value ...]
pub(crate) fn set(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    if !args.len().is_multiple_of(2) {
        return Err(Fail::from(
            "ERR wrong number of arguments for 'config|set' command",
        ));
    }
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let mut config = node.config.write();
    let change = config::set(&config, &pairs, Caller::default());
    let change = change.map_err(|error| Fail::from(error.to_string()))?;
    let before = std::mem::replace(&mut *config, change.config);
    engine.change_settings(|settings| apply(&config, settings));
    engine.store.set_lazy_expire(config.lazyfree_lazy_expire);
    drop(config);
    let ticket = || session.map(|session| node.ticket_for(session));
    let taken = crate::append_only::configured(node, engine, &before, ticket)?;
    Ok(taken.unwrap_or_else(ok))
}
