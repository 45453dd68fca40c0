//! The memory section of INFO.

use super::section::put;
use crate::node::Node;
use engine::Engine;

/// A number of bytes as people read it.
fn human(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1024.0 => format!("{bytes}B"),
        _ if bytes < 1024.0 * 1024.0 => format!("{:.2}K", bytes / 1024.0),
        _ if bytes < 1024.0 * 1024.0 * 1024.0 => format!("{:.2}M", bytes / 1048576.0),
        _ => format!("{:.2}G", bytes / 1073741824.0),
    }
}

/// Appends the section.
pub(super) fn section(node: &Node, engine: &Engine, text: &mut String) {
    let memory = crate::memory::report(node);
    let config = node.config.read();
    let two = |value: f64| format!("{value:.2}");
    let ratio = |part, whole| two(engine::MemoryReport::ratio(part, whole));
    let more = |a: u64, b: u64| i128::from(a) - i128::from(b);
    let (used, active, resident, rss) = (memory.used, memory.active, memory.resident, memory.rss);
    let peak_percent = 100.0 * engine::MemoryReport::ratio(used, memory.peak);
    put(
        text,
        "# Memory",
        &[
            ("used_memory", &used),
            ("used_memory_human", &human(used)),
            ("used_memory_rss", &rss),
            ("used_memory_rss_human", &human(rss)),
            ("used_memory_peak", &memory.peak),
            ("used_memory_peak_human", &human(memory.peak)),
            ("used_memory_peak_perc", &format!("{peak_percent:.2}%")),
            ("used_memory_overhead", &memory.overhead()),
            ("used_memory_startup", &memory.startup),
            ("used_memory_dataset", &memory.data()),
            (
                "used_memory_dataset_perc",
                &format!("{:.2}%", memory.data_percent()),
            ),
            ("allocator_allocated", &used),
            ("allocator_active", &active),
            ("allocator_resident", &resident),
            ("total_system_memory", &memory.total),
            ("total_system_memory_human", &human(memory.total)),
            ("used_memory_lua", &0),
            ("used_memory_vm_eval", &0),
            ("used_memory_lua_human", &"0B"),
            ("used_memory_scripts_eval", &0),
            ("number_of_cached_scripts", &0),
            ("number_of_functions", &0),
            ("number_of_libraries", &0),
            ("used_memory_vm_functions", &0),
            ("used_memory_vm_total", &0),
            ("used_memory_vm_total_human", &"0B"),
            ("used_memory_functions", &0),
            ("used_memory_scripts", &0),
            ("used_memory_scripts_human", &"0B"),
            ("maxmemory", &config.maxmemory),
            ("maxmemory_human", &human(config.maxmemory)),
            ("maxmemory_policy", &config.maxmemory_policy.word()),
            ("allocator_frag_ratio", &ratio(active, used)),
            ("allocator_frag_bytes", &more(active, used)),
            ("allocator_rss_ratio", &ratio(resident, active)),
            ("allocator_rss_bytes", &more(resident, active)),
            ("rss_overhead_ratio", &ratio(rss, resident)),
            ("rss_overhead_bytes", &more(rss, resident)),
            ("mem_fragmentation_ratio", &ratio(rss, used)),
            ("mem_fragmentation_bytes", &more(rss, used)),
            (
                "mem_not_counted_for_evict",
                &crate::memory::uncounted(node, engine),
            ),
            ("mem_replication_backlog", &memory.backlog),
            ("mem_total_replication_buffers", &memory.backlog),
            ("mem_snapshot_images", &engine.store.tap_bytes()),
            ("mem_clients_slaves", &memory.replicas),
            ("mem_clients_normal", &memory.clients),
            ("mem_cluster_links", &memory.cluster_links),
            ("mem_aof_buffer", &memory.aof_buffer),
            ("mem_allocator", &"jemalloc-5.3.1"),
            ("active_defrag_running", &0),
            ("lazyfree_pending_objects", &engine.store.pending_garbage()),
            ("lazyfreed_objects", &engine.store.freed_garbage()),
        ],
    );
}
