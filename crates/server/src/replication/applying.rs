//! What a replica does with what its primary sends.

use super::primary_client::PrimaryClient;
use super::{Loader, log, random_id};
use crate::node::Node;
use base::{Offset, ReplId};
use engine::{Engine, Foreign};
use persist::load::LoadOptions;
use replicate::{Apply, Connection};
use replproto::Level;
use std::collections::VecDeque;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Weak};
use store::{Garbage, Locker};

/// What a replica does with what its primary sends.
pub(super) struct Applying {
    pub(super) node: Weak<Node>,
    pub(super) engine: Arc<Engine>,
    pub(super) foreign: Foreign,
    pub(super) marks: Marks,
    /// The primary's connection among the clients, while the stream flows.
    pub(super) client: Option<PrimaryClient>,
}

/// Where the stream stood at which record of the journal, for what is not on the disk yet.
#[derive(Default)]
pub(super) struct Marks {
    waiting: VecDeque<(u64, Offset)>,
    reached: Option<Offset>,
}

impl Marks {
    /// The present place comes in, and what is on the disk; out comes how far that is.
    fn note(&mut self, sequence: u64, offset: Offset, synced: u64) -> Option<Offset> {
        let last = self.waiting.back().map(|(_, offset)| *offset);
        if last.or(self.reached) != Some(offset) && self.waiting.len() < MOST_MARKS {
            self.waiting.push_back((sequence, offset));
        }
        while let Some((sequence, offset)) = self.waiting.front().copied()
            && sequence <= synced
        {
            self.reached = Some(offset);
            self.waiting.pop_front();
        }
        self.reached
    }
}

/// How many places are kept: with more, what is told lags.
const MOST_MARKS: usize = 64;

impl Apply for Applying {
    fn load(&mut self, path: &Path, place: Option<(ReplId, Offset)>) -> Result<(), String> {
        let node = self.node.upgrade().ok_or("the server ends")?;
        // What cannot be opened replaces nothing.
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        // Nor does what would be mixed with what somebody else loads.
        let loader = node.replication().try_loader()?;
        node.loading.begin(&self.engine);
        node.loading.measure(crate::loading::size(path));
        self.give_up_data(&node, &loader);
        let result = self.load_data(&node, file, place, &loader);
        match &result {
            Ok(()) => node.begin_append_only(),
            Err(_) => {
                let line = "The data set is not whole: no file is written from it until a \
                            synchronization succeeds or this server becomes a primary.";
                node.log(config::LogLevel::Warning, line);
            }
        }
        node.loading.end(&self.engine);
        result
    }

    fn unit(&mut self, bytes: &[u8]) -> Result<bool, String> {
        if self.engine.settings().disk_failed {
            self.stop_or_go_on();
        }
        let node = self.node.upgrade().ok_or("the server ends")?;
        let _held = node.replication().hold_stream();
        self.foreign.unit(bytes)
    }

    fn continued(&mut self, id: ReplId) {
        if let Some(node) = self.node.upgrade() {
            let hub = &node.replication().hub;
            if hub.history().id != id {
                hub.change_history(|history| history.follow(id));
                hub.disconnect_replicas();
            }
        }
    }

    fn link(&mut self, up: Option<Connection>) {
        let connected = up.is_some();
        self.client = up.map(|connection| PrimaryClient::enter(&self.engine, connection));
        let Some(node) = self.node.upgrade() else {
            return;
        };
        let serve_stale = node.config.read().replica_serve_stale_data;
        self.engine
            .change_settings(|settings| settings.stale = !connected && !serve_stale);
        tell_cluster(&node);
    }

    fn fsynced(&mut self) -> Option<Offset> {
        let Some((_, status)) = self.node.upgrade()?.append_only.writer() else {
            self.marks = Marks::default();
            return None;
        };
        let journal = &self.engine.store.journal;
        let (sequence, offset) = (journal.sequence(), Offset(journal.offset()));
        self.marks.note(sequence, offset, status.synced())
    }

    fn log(&mut self, level: Level, line: &str) {
        log(&self.node, level, line);
    }
}

/// The database that the stream behind a snapshot is in, by the attributes of the snapshot.
fn stream_db(aux: &[(Vec<u8>, Vec<u8>)]) -> u16 {
    let of_stream = |(name, _): &&(Vec<u8>, Vec<u8>)| name == b"repl-stream-db";
    let number = aux.iter().find(of_stream);
    let number = number.and_then(|(_, value)| base::num::parse_i64(value));
    // None, or -1: a SELECT comes first.
    number.map_or(0, |number| u16::try_from(number).unwrap_or(0))
}

/// Tells the cluster machine at once how replication stands.
fn tell_cluster(node: &Node) {
    if let Some(bus) = node.bus()
        && let Some(replication) = node.replication_now(bus.clock())
    {
        bus.replication(replication);
    }
}

impl Applying {
    /// A write comes that cannot be kept on the disk: the process ends, as that of Redis does,
    /// unless `replica-ignore-disk-write-errors` says otherwise.
    fn stop_or_go_on(&self) {
        let Some(node) = self.node.upgrade() else {
            return;
        };
        if !node.config.read().replica_ignore_disk_write_errors {
            let line = "Replica was unable to write command to disk.";
            node.log(config::LogLevel::Warning, line);
            if let Some(log) = node.log_handle() {
                log.flush();
            }
            std::process::exit(1);
        }
    }

    /// The data set goes, and in the same step all that tells of it: nobody continues from its
    /// history, and the append-only file keeps what it has, as dump and file may be loaded again if
    /// no whole data set comes.
    fn give_up_data(&mut self, node: &Node, loader: &Loader<'_>) {
        let (replication, store) = (node.replication(), &self.engine.store);
        // Until all of it is loaded this node is no candidate for its primary's place, and no file
        // is written from what it has. Who begins to write one looks at this under the world.
        loader.set_whole(false);
        tell_cluster(node);
        crate::append_only::disable(node, &self.engine);
        let locker = Locker::new(store);
        {
            let world = locker.world();
            store.forget_local_expiries();
            locker.flush(&world, None, |keys| {
                store.discard_later(Garbage::Keys(keys))
            });
            replication.hub.end_history(random_id());
        }
        self.marks = Marks::default();
        // Only now: who comes later learns of the new history.
        replication.hub.disconnect_replicas();
    }

    fn load_data(
        &mut self,
        node: &Node,
        file: std::fs::File,
        place: Option<(ReplId, Offset)>,
        loader: &Loader<'_>,
    ) -> Result<(), String> {
        let locker = Locker::new(&self.engine.store);
        let hub = &node.replication().hub;
        let config = node.config.read();
        let mut options = LoadOptions {
            now_ms: engine::wall_us() / 1000,
            keep_expired: true,
            limits: self.engine.settings().limits,
            wanted: &|_| true,
            progress: &mut |bytes| node.loading.advance(bytes),
            attribute: &mut |name, value| node.loading.attribute(name, value),
            key_delay: persist::save::Delay(config.key_load_delay),
        };
        let loaded = persist::load::load(&mut BufReader::new(file), &locker, &mut options);
        let loaded = loaded.map_err(|error| error.to_string())?;
        node.loading.held(loaded.keys, loaded.expired);
        let _world = locker.world();
        let (id, offset) = place.unwrap_or((random_id(), Offset(0)));
        self.engine.store.journal.set_offset(offset.0);
        hub.change_history(|history| history.restart(id, offset));
        hub.begin_backlog(config.repl_backlog_size);
        // What a replica passes on to us is amid its primary's stream.
        let db = stream_db(&loaded.aux);
        self.foreign.set_db(db);
        self.engine.store.journal.pass_on(db);
        loader.set_whole(true);
        Ok(())
    }
}
