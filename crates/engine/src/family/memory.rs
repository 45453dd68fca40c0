//! MEMORY: what keys and the server use.

use crate::Cx;
use crate::fail::{Done, NOT_INTEGER, SYNTAX};
use crate::family::command;
use crate::handlers::Handler;
use base::num;
use commands::family::memory::Handlers;
use store::Keys;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    MemoryDoctor: doctor,
    MemoryHelp: command::help,
    MemoryStats: stats,
    MemoryUsage: usage,
};

/// How much memory what uses, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryReport {
    /// Allocated.
    pub used: u64,
    /// The most that was ever seen to be allocated.
    pub peak: u64,
    /// Allocated before there was data.
    pub startup: u64,
    /// In pages that hold something.
    pub active: u64,
    /// In pages that the allocator holds.
    pub resident: u64,
    /// Of the process in main memory.
    pub rss: u64,
    /// Of the machine.
    pub total: u64,
    /// What is kept of the stream for replicas.
    pub backlog: u64,
    /// Of connections that are no replicas.
    pub clients: u64,
    /// Of replicas' connections.
    pub replicas: u64,
    /// Of the links of the cluster bus.
    pub cluster_links: u64,
    /// What waits to be written to the append-only file, and the room for it.
    pub aof_buffer: u64,
}

impl MemoryReport {
    /// What is there without any key.
    pub fn overhead(&self) -> u64 {
        let connections = self.clients + self.replicas + self.cluster_links;
        self.startup + self.backlog + connections + self.aof_buffer
    }

    /// What keys use.
    pub fn data(&self) -> u64 {
        self.used.saturating_sub(self.overhead())
    }

    /// What keys use of all that came after the start, in percent.
    pub fn data_percent(&self) -> f64 {
        let since = self.used.saturating_sub(self.startup);
        100.0 * self.data() as f64 / since.max(1) as f64
    }

    /// One part by another; 0 where there is none.
    pub fn ratio(part: u64, whole: u64) -> f64 {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    }
}

/// MEMORY USAGE key [SAMPLES count]
pub(crate) fn usage(cx: &mut Cx<'_>) -> Done {
    let mut index = 3;
    while let Some(option) = cx.args.opt(index) {
        let count = cx.args.opt(index + 1);
        let count = count.filter(|_| option.eq_ignore_ascii_case(b"samples"));
        // The size is known without sampling: whatever the count, it is exact.
        let count = num::parse_i64(count.ok_or(SYNTAX)?).ok_or(NOT_INTEGER)?;
        if count < 0 {
            return Err(SYNTAX.into());
        }
        index += 2;
    }
    let key = cx.key(0)?;
    match cx.keys.peek(key).map(ds::Object::memory) {
        Some(bytes) => cx.reply.int(bytes as i64),
        None => cx.reply.null(),
    }
    Ok(())
}

/// Bytes of a bucket of the tables that keys are in.
const BUCKET: usize = 64;

/// The bytes of a database's tables, with those of slots that are locked left out.
fn table_bytes(cx: &mut Cx<'_>, db: u16) -> u64 {
    let (mut bytes, mut from) = (0, 0);
    while let Some(slot) = cx.engine.store.next_slot_with_keys(from) {
        let buckets = |keys: &Keys| {
            let (one, other) = keys.table().buckets();
            one + other
        };
        let here = cx
            .keys
            .visit(slot, |guard| guard.keys(db).map_or(0, buckets));
        bytes += here.unwrap_or(0) * BUCKET;
        from = slot.index() + 1;
    }
    bytes as u64
}

/// MEMORY STATS
pub(crate) fn stats(cx: &mut Cx<'_>) -> Done {
    let report = cx.engine.host().memory();
    let (mut databases, mut keys) = (Vec::new(), 0);
    for number in 0..cx.engine.store.databases() {
        let db = cx.engine.store.physical_db(number);
        let here = cx.engine.store.database_size(db).0;
        if here > 0 {
            keys += here;
            databases.push((number, table_bytes(cx, db)));
        }
    }
    let tables: u64 = databases.iter().map(|(_, bytes)| bytes).sum();
    let reply = &mut cx.reply;
    reply.map(27 + databases.len());
    let mut int = |name: &str, value: u64| {
        reply.bulk(name);
        reply.int(value as i64);
    };
    int("peak.allocated", report.peak);
    int("total.allocated", report.used);
    int("startup.allocated", report.startup);
    int("replication.backlog", report.backlog);
    int("clients.slaves", report.replicas);
    int("clients.normal", report.clients);
    int("cluster.links", report.cluster_links);
    int("aof.buffer", report.aof_buffer);
    int("lua.caches", 0);
    int("functions.caches", 0);
    for (number, bytes) in databases {
        reply.bulk(format!("db.{number}"));
        reply.map(3);
        reply.bulk("overhead.hashtable.main");
        reply.int(bytes as i64);
        // Expiry times stand in the keys themselves, and slots in the tables.
        reply.bulk("overhead.hashtable.expires");
        reply.int(0);
        reply.bulk("overhead.hashtable.slot-to-keys");
        reply.int(0);
    }
    let mut put = |name: &str, value: Result<u64, f64>| {
        reply.bulk(name);
        match value {
            Ok(number) => reply.int(number as i64),
            Err(number) => reply.double(number),
        }
    };
    let less = |a: u64, b: u64| Ok(a.saturating_sub(b));
    put("overhead.total", Ok(report.overhead() + tables));
    put("keys.count", Ok(keys));
    let since = report.used.saturating_sub(report.startup);
    put(
        "keys.bytes-per-key",
        Ok(since.checked_div(keys).unwrap_or(0)),
    );
    put("dataset.bytes", less(report.data(), tables));
    put("dataset.percentage", Err(report.data_percent()));
    let peak = 100.0 * MemoryReport::ratio(report.used, report.peak);
    put("peak.percentage", Err(peak));
    put("allocator.allocated", Ok(report.used));
    put("allocator.active", Ok(report.active));
    put("allocator.resident", Ok(report.resident));
    let ratio = MemoryReport::ratio;
    let (used, active, resident) = (report.used, report.active, report.resident);
    put("allocator-fragmentation.ratio", Err(ratio(active, used)));
    put("allocator-fragmentation.bytes", less(active, used));
    put("allocator-rss.ratio", Err(ratio(resident, active)));
    put("allocator-rss.bytes", less(resident, active));
    put("rss-overhead.ratio", Err(ratio(report.rss, resident)));
    put("rss-overhead.bytes", less(report.rss, resident));
    put("fragmentation", Err(ratio(report.rss, used)));
    put("fragmentation.bytes", less(report.rss, used));
    Ok(())
}

/// With less than this there is nothing to say of memory.
const LITTLE: u64 = 5 << 20;

/// MEMORY DOCTOR
pub(crate) fn doctor(cx: &mut Cx<'_>) -> Done {
    let report = cx.engine.host().memory();
    let ratio = MemoryReport::ratio;
    let mut lines: Vec<&str> = Vec::new();
    if report.used < LITTLE {
        lines.push("This server uses too little memory to say anything about it.");
    } else {
        if ratio(report.peak, report.used) > 1.5 {
            lines.push(
                "Peak: at its peak the server used much more than now. What the allocator keeps \
                 of that makes the fragmentation look high; MEMORY PURGE gives it back.",
            );
        }
        if ratio(report.rss, report.used) > 1.4 && report.rss - report.used > 10 << 20 {
            lines.push(
                "Fragmentation: the process holds much more memory than its data needs. It falls \
                 with new writes; a restart ends it.",
            );
        }
        let clients = cx.engine.clients.len() as u64;
        if report.clients / clients.max(1) > 200 << 10 {
            lines.push(
                "Clients: connections use more than 200 kB each on average. CLIENT LIST shows \
                 whose replies wait (omem) and whose requests are large (qbuf).",
            );
        }
        if report.replicas > 10 << 20 {
            lines.push("Replicas: what waits for replicas is large; are they slow or far away?");
        }
        if lines.is_empty() {
            lines.push("Nothing about this server's memory is unusual.");
        }
    }
    cx.reply.verbatim(*b"txt", lines.join("\n"));
    Ok(())
}
