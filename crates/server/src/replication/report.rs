//! What ROLE and INFO replication say.

use crate::node::Node;
use engine::Taken;
use replicate::steady_ms;

/// The fields of INFO replication.
pub(crate) fn info(node: &Node) -> String {
    use std::fmt::Write;
    let (replication, config) = (node.replication(), node.config.read());
    let (history, window) = (replication.hub.history(), replication.hub.window());
    let mut text = String::new();
    let mut put = |name: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "{name}:{value}\r\n");
    };
    match replication.primary() {
        None => put("role", &"master"),
        Some((host, port, status)) => {
            let ago = |at: u64| steady_ms().saturating_sub(at) / 1000;
            put("role", &"slave");
            put("master_host", &host);
            put("master_port", &port);
            put(
                "master_link_status",
                &if status.online { "up" } else { "down" },
            );
            let heard = if status.online {
                ago(status.last_input) as i64
            } else {
                -1
            };
            put("master_last_io_seconds_ago", &heard);
            put("master_sync_in_progress", &u8::from(status.state == "sync"));
            let unread = status.unapplied as i64;
            put("slave_read_repl_offset", &(history.offset.0 + unread));
            put("slave_repl_offset", &history.offset);
            if !status.online {
                let since = status.down_since.map_or(-1, |at| ago(at) as i64);
                put("master_link_down_since_seconds", &since);
            }
            put("slave_priority", &config.replica_priority);
            put("slave_read_only", &u8::from(config.replica_read_only));
            put("replica_announced", &u8::from(config.replica_announced));
        }
    }
    let replicas = replication.hub.replicas();
    put("connected_slaves", &replicas.len());
    if config.min_replicas_to_write > 0 && config.min_replicas_max_lag > 0 {
        let good = replication
            .hub
            .good_replicas(config.min_replicas_max_lag as u64);
        put("min_slaves_good_slaves", &good);
    }
    for (index, replica) in replicas.iter().enumerate() {
        let line = format!(
            "ip={},port={},state={},offset={},lag={}",
            replica.ip, replica.port, replica.state, replica.offset, replica.lag
        );
        put(&format!("slave{index}"), &line);
    }
    put("master_failover_state", &"no-failover");
    put("master_replid", &history.id);
    put("master_replid2", &history.id2);
    put("master_repl_offset", &history.offset);
    put("second_repl_offset", &history.second_offset);
    put("repl_backlog_active", &u8::from(window.is_some()));
    put("repl_backlog_size", &config.repl_backlog_size);
    put(
        "repl_backlog_first_byte_offset",
        &window.map_or(0, |window| window.first.0),
    );
    put(
        "repl_backlog_histlen",
        &window.map_or(0, |window| window.len),
    );
    text
}

/// ROLE
pub(super) fn role(node: &Node) -> Taken {
    let replication = node.replication();
    let offset = node.engine().store.journal.offset();
    if let Some((host, port, status)) = replication.primary() {
        return Taken::Now(Box::new(move |reply| {
            reply.array(5);
            reply.bulk("slave");
            reply.bulk(&host);
            reply.int(port.into());
            reply.bulk(status.state);
            reply.int(if status.ever_up { offset } else { -1 });
        }));
    }
    let replicas = replication.hub.replicas();
    Taken::Now(Box::new(move |reply| {
        reply.array(3);
        reply.bulk("master");
        reply.int(offset);
        let online: Vec<_> = replicas.iter().filter(|r| r.state == "online").collect();
        reply.array(online.len());
        for replica in online {
            reply.array(3);
            reply.bulk(&replica.ip);
            reply.bulk(replica.port.to_string());
            reply.bulk(replica.offset.to_string());
        }
    }))
}
