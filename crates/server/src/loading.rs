//! A data set that is being loaded: how far it is, and what the last one held.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

use engine::Engine;

/// What INFO tells of loading.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    /// How many loads go on: a node that starts may be told to copy its primary meanwhile.
    depth: AtomicUsize,
    /// Seconds since 1970.
    since: AtomicI64,
    /// Bytes of all files.
    total: AtomicU64,
    /// Bytes read of them.
    read: AtomicU64,
    /// Bytes that were allocated where the RDB file was written, as it says.
    used_there: AtomicI64,
    keys_loaded: AtomicU64,
    keys_expired: AtomicU64,
}

impl Loading {
    /// Clients are told to wait, until [`Loading::end`].
    pub(crate) fn begin(&self, engine: &Engine) {
        self.depth.fetch_add(1, Relaxed);
        self.tell(engine);
    }

    /// Clients are served again.
    pub(crate) fn end(&self, engine: &Engine) {
        self.depth.fetch_sub(1, Relaxed);
        self.tell(engine);
    }

    /// Looks at the depth under the lock of the settings, so that the last to come is right.
    fn tell(&self, engine: &Engine) {
        engine.change_settings(|settings| settings.loading = self.depth.load(Relaxed) > 0);
    }

    /// So many bytes are to be read.
    pub(crate) fn measure(&self, total: u64) {
        self.since.store(engine::wall_us() / 1_000_000, Relaxed);
        self.read.store(0, Relaxed);
        self.used_there.store(0, Relaxed);
        self.total.store(total, Relaxed);
    }

    /// So many bytes more were read.
    pub(crate) fn advance(&self, bytes: u64) {
        self.read.fetch_add(bytes, Relaxed);
    }

    /// What an RDB file says of itself.
    pub(crate) fn attribute(&self, name: &[u8], value: &[u8]) {
        if name == b"used-mem"
            && let Some(bytes) = base::num::parse_i64(value)
        {
            self.used_there.store(bytes, Relaxed);
        }
    }

    /// What an RDB file held.
    pub(crate) fn held(&self, keys: u64, expired: u64) {
        self.keys_loaded.store(keys, Relaxed);
        self.keys_expired.store(expired, Relaxed);
    }

    /// Keys of the last RDB file that were stored, and that had expired.
    pub(crate) fn last(&self) -> (u64, u64) {
        (
            self.keys_loaded.load(Relaxed),
            self.keys_expired.load(Relaxed),
        )
    }

    /// The fields that are there only while something is loaded. They say how long it will take
    /// if it goes on as fast as until now.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let (total, read) = (self.total.load(Relaxed), self.read.load(Relaxed));
        let since = self.since.load(Relaxed);
        let elapsed = (engine::wall_us() / 1_000_000 - since).max(0);
        let share = if total == 0 {
            0.0
        } else {
            read as f64 / total as f64 * 100.0
        };
        let left = if read == 0 {
            1
        } else {
            let rest = total.saturating_sub(read) as f64 / read as f64;
            (elapsed as f64 * rest) as i64
        };
        vec![
            ("loading_start_time", since.to_string()),
            ("loading_total_bytes", total.to_string()),
            (
                "loading_rdb_used_mem",
                self.used_there.load(Relaxed).to_string(),
            ),
            ("loading_loaded_bytes", read.to_string()),
            ("loading_loaded_perc", format!("{share:.2}")),
            ("loading_eta_seconds", left.to_string()),
        ]
    }
}

/// The size of a file; 0 if there is none.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}
