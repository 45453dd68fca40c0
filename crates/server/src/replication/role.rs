//! The changes of this server's role. The role is shown first when it becomes a replica and last
//! when it becomes a primary: in between it takes no writes and adds nothing to the stream.

use super::applying::{Applying, Marks};
use super::{Following, random_id, terms};
use crate::node::Node;
use base::{NodeId, Offset, ReplId};
use config::LogLevel;
use engine::Foreign;
use replicate::{FollowOptions, Follower};
use replproto::ReplicaConfig;
use std::sync::Arc;

impl Node {
    /// Becomes this primary's replica, without a link so far. Answers how far this server knows the
    /// stream, if it may be continued from there.
    fn leave_for(&self, next: Following, stale: bool) -> Option<(ReplId, Offset)> {
        let (replication, engine) = (self.replication(), self.engine());
        let mut following = replication.following.lock();
        let before = following.replace(next);
        engine.change_settings(|settings| (settings.replica, settings.stale) = (true, stale));
        drop(following);
        // Who waits for replicas waits in vain.
        self.waiting.news();
        let Some(before) = before else {
            // Until no command goes by the role from before: what they write moves the place.
            self.pass_gates(|| false);
            let history = replication.hub.history();
            let window = replication.hub.window();
            return window.map(|_| (history.id, history.offset));
        };
        // The link is ended without the lock: its thread may ask how the link stands.
        let place = before.link.and_then(Follower::end);
        engine.change_settings(|settings| settings.stale = stale);
        place
    }

    /// Follows a primary from now on; in a cluster it has an id.
    ///
    /// # Errors
    /// Why there is no link. This server is a replica all the same, until it is told otherwise.
    pub(crate) fn follow(&self, id: Option<NodeId>, host: String, port: u16) -> Result<(), String> {
        let replication = self.replication();
        // The cluster may say the same again, with another epoch: the stream goes on.
        if replication.is_linked_to(id, &host, port) {
            return Ok(());
        }
        let next = Following {
            id,
            host: host.clone(),
            port,
            link: None,
        };
        let stale = !self.config.read().replica_serve_stale_data;
        let place = self.leave_for(next, stale);
        self.close_withheld();
        if let Some(log) = self.log_handle() {
            log.set_role(crate::log::Role::Replica);
        }
        replication.hub.disconnect_replicas();
        let options = self.follow_options(host, port, place);
        let mut foreign = Foreign::new(self.engine(), engine::Caller::Stream);
        // Where the stream goes on, no SELECT comes first.
        if let Some(db) = self.engine().store.journal.primarys_db() {
            foreign.set_db(db);
        }
        let applying = Applying {
            node: Arc::downgrade(&self.shared()),
            engine: self.engine().clone(),
            foreign,
            marks: Marks::default(),
            client: None,
        };
        let link = Follower::start(options, Box::new(applying)).map_err(|error| {
            let text = format!("Cannot follow a primary: {error}");
            self.log(LogLevel::Warning, &text);
            text
        })?;
        // Only this thread changes whom it follows.
        if let Some(following) = &mut *replication.following.lock() {
            following.link = Some(link);
        }
        Ok(())
    }

    fn follow_options(
        &self,
        host: String,
        port: u16,
        place: Option<(ReplId, Offset)>,
    ) -> FollowOptions {
        let (config, node) = (self.config.read(), Arc::downgrade(&self.shared()));
        let (timeout, first, for_terms) = (config.repl_timeout, terms(&config), node.clone());
        FollowOptions {
            config: ReplicaConfig {
                host,
                port,
                auth: first.auth.clone(),
                announce_port: first.announce_port,
                announce_ip: first.announce_ip.clone(),
                diskless_load: false,
                failover: false,
            },
            timeout_ms: Box::new(move || {
                let node = node.upgrade();
                let seconds = node.map_or(timeout, |node| node.config.read().repl_timeout);
                seconds as u64 * 1000
            }),
            terms: Box::new(move || {
                let node = for_terms.upgrade();
                node.map_or_else(|| first.clone(), |node| terms(&node.config.read()))
            }),
            place,
            directory: crate::boot::as_path(&config.dir),
            traffic: self.replication().hub.traffic().clone(),
        }
    }

    /// The append-only file, where there is to be one, holds what this server has now, as soon as
    /// that is written. Until then the file is as it was.
    pub(super) fn begin_append_only(&self) {
        if let Err(fail) = crate::append_only::begin_anew(&self.shared(), self.engine()) {
            let text = format!("Cannot begin the append-only file: {fail:?}");
            self.log(LogLevel::Warning, &text);
        }
    }

    /// From the start of the process on it is a replica of this primary. The link comes when its
    /// own data are loaded.
    pub(crate) fn begin_as_replica(&self, host: String, port: u16) {
        let stale = !self.config.read().replica_serve_stale_data;
        let mut following = self.replication().following.lock();
        *following = Some(Following {
            id: None,
            host,
            port,
            link: None,
        });
        let engine = self.engine();
        engine.change_settings(|settings| (settings.replica, settings.stale) = (true, stale));
        drop(following);
        if let Some(log) = self.log_handle() {
            log.set_role(crate::log::Role::Replica);
        }
    }

    /// Stops following and is a primary from now on.
    pub(crate) fn become_primary(&self) {
        let replication = self.replication();
        let link = match &mut *replication.following.lock() {
            None => return,
            Some(following) => following.link.take(),
        };
        if let Some(link) = link {
            link.end();
        }
        let engine = self.engine();
        // With the link there is nobody any more who could replace the data, unless DEBUG does:
        // then it is that which says whether they are whole.
        let loader = replication.loader();
        let (partial, settled) = (!replication.is_whole(), loader.is_some());
        if let Some(loader) = loader {
            loader.set_whole(true);
        }
        replication.hub.change_history(|history| match partial {
            false => history.promote(random_id()),
            // What was left of the data goes on under a name that nobody has heard of.
            true => history.forget(random_id()),
        });
        if partial && settled {
            let line = "The data set is what was left after a failed synchronization.";
            self.log(LogLevel::Warning, line);
            self.begin_append_only();
        }
        engine.store.journal.forget_selected();
        engine.store.forget_local_expiries();
        replication.hub.disconnect_replicas();
        // The role comes last, and at once for all who ask.
        let mut following = replication.following.lock();
        engine.change_settings(|settings| {
            settings.replica = false;
            settings.stale = false;
        });
        *following = None;
        drop(following);
        if let Some(log) = self.log_handle() {
            log.set_role(crate::log::Role::Primary);
        }
    }
}
