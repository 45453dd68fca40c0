//! What INFO says of the append-only file.

use super::{AppendOnly, Phase, Writing};
use std::sync::atomic::{AtomicU64, Ordering};

impl Writing {
    /// Bytes that are not written yet.
    fn waiting(&self) -> u64 {
        self.status.buffered.load(Ordering::Relaxed) + self.waits.bytes()
    }
}

impl AppendOnly {
    /// Bytes of memory for what is not written yet.
    pub(crate) fn buffer_bytes(&self) -> u64 {
        let state = self.state.lock();
        state.writer.as_ref().map_or(0, |writer| {
            writer.status.buffer_room.load(Ordering::Relaxed) + writer.waits.bytes()
        })
    }

    /// The fields of INFO persistence about it.
    pub(crate) fn info(&self) -> Vec<(&'static str, String)> {
        let state = self.state.lock();
        let on = state.phase != Phase::Off;
        let word = |ok| if ok { "ok" } else { "err" }.to_owned();
        let running = state.rewrite.as_ref();
        let failure = state.writer.as_ref().and_then(|w| w.status.failure());
        let mut fields = vec![
            ("aof_enabled", u8::from(on).to_string()),
            (
                "aof_rewrite_in_progress",
                u8::from(running.is_some()).to_string(),
            ),
            ("aof_rewrite_scheduled", "0".into()),
            ("aof_last_rewrite_time_sec", state.last_took.to_string()),
            (
                "aof_current_rewrite_time_sec",
                running
                    .map_or(-1, |r| r.since.elapsed().as_secs() as i64)
                    .to_string(),
            ),
            ("aof_last_bgrewrite_status", word(state.last_ok)),
            ("aof_rewrites", state.rewrites.to_string()),
            (
                "aof_rewrites_consecutive_failures",
                state.failures.to_string(),
            ),
            ("aof_last_write_status", word(failure.is_none())),
            ("aof_last_cow_size", "0".into()),
            ("module_fork_in_progress", "0".into()),
            ("module_fork_last_cow_size", "0".into()),
        ];
        if let Some(writer) = &state.writer {
            let get = |count: &AtomicU64| count.load(Ordering::Relaxed).to_string();
            fields.extend([
                ("aof_current_size", get(&writer.status.size)),
                ("aof_base_size", get(&writer.status.base_size)),
                ("aof_pending_rewrite", "0".into()),
                ("aof_buffer_length", writer.waiting().to_string()),
                (
                    "aof_pending_bio_fsync",
                    u8::from(writer.status.syncing.load(Ordering::Relaxed)).to_string(),
                ),
                ("aof_delayed_fsync", get(&writer.status.delayed_syncs)),
                ("aof_slow_writes", get(&writer.status.slow_writes)),
            ]);
        }
        fields
    }
}
