//! What options change in the running server: a row for each effect, in the order in which they
//! come into force. The start carries all of them out, and CONFIG SET those of the options that it
//! changes, by the same functions: an option means the same in a file and in CONFIG SET.
//!
//! Not here is what is read anew at each use, or once while the server starts: the rows of the
//! options say which.

#[cfg(test)]
mod tests;

use crate::node::Node;
use crate::places::Hosts;
use config::{Change, Config, Effect};
use engine::Engine;

/// What effects work on.
pub(crate) struct Scene<'a> {
    pub(crate) node: &'a Node,
    pub(crate) engine: &'a Engine,
    /// The configuration that comes into force.
    pub(crate) config: &'a Config,
    /// What names of hosts in it stand for.
    pub(crate) hosts: &'a Hosts,
}

/// Why a configuration cannot come into force.
pub(crate) enum Obstacle {
    /// There are descriptors for so many clients only.
    Room(u64),
    /// It cannot listen there: the reason.
    Listening(String),
}

impl Obstacle {
    /// What a client is told that sets the option of this name.
    pub(crate) fn answer(&self, name: &str) -> String {
        match self {
            Obstacle::Room(room) => format!(
                "The operating system is not able to handle the specified number of clients, try \
                 with {room}"
            ),
            Obstacle::Listening(_) if name == "bind" => {
                "Failed to bind to specified addresses.".into()
            }
            Obstacle::Listening(_) => "Unable to listen on this port. Check server logs.".into(),
        }
    }

    /// Why the server cannot start.
    fn at_start(self) -> String {
        match self {
            Obstacle::Room(_) => self.answer("maxclients"),
            Obstacle::Listening(error) => error,
        }
    }
}

/// From when on there is what an effect changes, while the server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is an engine, which nobody sees yet.
    Engine,
    /// There is a network layer, which lets nobody in yet.
    Network,
    /// The data set is loaded, and there is a cluster bus or a link to the primary.
    Data,
}

struct Row {
    effect: Effect,
    stage: Stage,
    /// What can fail: it is done before anything is in force.
    prepare: fn(&Scene<'_>) -> Result<(), Obstacle>,
    /// Puts it in force.
    put: fn(&Scene<'_>),
}

const fn row(effect: Effect, stage: Stage, put: fn(&Scene<'_>)) -> Row {
    Row {
        effect,
        stage,
        prepare: |_| Ok(()),
        put,
    }
}

/// Each effect, in order.
static ROWS: [Row; Effect::ALL.len()] = [
    row(Effect::Commands, Stage::Engine, |scene| {
        let follow = |settings: &mut engine::Settings| settings.follow(scene.config);
        scene.engine.change_settings(follow);
    }),
    row(Effect::Expiry, Stage::Engine, |scene| {
        let lazy = scene.config.lazyfree_lazy_expire;
        scene.engine.store.set_lazy_expire(lazy);
    }),
    row(Effect::Allocator, Stage::Engine, |scene| {
        crate::memory::set_background_thread(scene.config.jemalloc_bg_thread);
    }),
    row(Effect::Log, Stage::Engine, |scene| {
        if let Some(log) = scene.node.log_handle() {
            log.set_level(scene.config.loglevel);
        }
    }),
    row(Effect::Backlog, Stage::Engine, |scene| {
        let hub = &scene.node.replication().hub;
        hub.resize_backlog(scene.config.repl_backlog_size);
    }),
    Row {
        effect: Effect::Clients,
        stage: Stage::Network,
        prepare: |scene| {
            let room = scene.node.make_room_for_clients(scene.config);
            room.map_err(Obstacle::Room)
        },
        put: |scene| {
            let most = scene.config.maxclients as usize;
            scene
                .node
                .with_server(|server| server.set_max_clients(most));
        },
    },
    Row {
        effect: Effect::Listening,
        stage: Stage::Network,
        prepare: |scene| {
            let places = crate::places::places(scene.config, scene.hosts);
            let listening = places.and_then(|places| scene.node.listen(places));
            listening.map_err(Obstacle::Listening)
        },
        // That it listens there, and no more where it did, is one step.
        put: |_| {},
    },
    row(Effect::Keepalive, Stage::Network, |scene| {
        let seconds = scene.config.tcp_keepalive as u64;
        scene
            .node
            .with_server(|server| server.set_keepalive(seconds));
    }),
    row(Effect::StaleData, Stage::Data, |scene| {
        let replication = scene.node.replication();
        replication.set_stale(scene.config, scene.engine);
    }),
    row(Effect::Bus, Stage::Data, |scene| {
        if let Some(bus) = scene.node.bus() {
            let limit = scene.config.cluster_link_sendbuf_limit as usize;
            let settings = crate::clustering::settings(scene.config);
            bus.settings(settings, limit, crate::boot::source(scene.config));
        }
    }),
    row(Effect::MemoryLimit, Stage::Data, |scene| {
        crate::memory::limit_changed(scene.node, scene.config);
    }),
    row(Effect::WriteRefusal, Stage::Data, |scene| {
        crate::configure::refresh_refusal(scene.node, scene.engine);
    }),
    row(Effect::AppendOnlyWriter, Stage::Data, |scene| {
        crate::append_only::set_writer(scene.node, scene.config);
    }),
    // At the start the data set comes from it, and CONFIG SET has the client wait for it: see
    // `append_only::load_at_start` and `append_only::switch`.
    row(Effect::AppendOnlySwitch, Stage::Data, |_| {}),
];

/// While the server starts: carries out all effects of a stage.
///
/// # Errors
/// Why the server cannot start: the text for the log.
pub(crate) fn at_start(node: &Node, engine: &Engine, stage: Stage) -> Result<(), String> {
    let _turn = node.config_turns.begin();
    let config = &*node.config.read();
    let hosts = &match stage {
        Stage::Network => Hosts::of(config),
        _ => Hosts::default(),
    };
    let scene = Scene {
        node,
        engine,
        config,
        hosts,
    };
    for row in ROWS.iter().filter(|row| row.stage == stage) {
        (row.prepare)(&scene).map_err(Obstacle::at_start)?;
        (row.put)(&scene);
    }
    Ok(())
}

/// For CONFIG SET: prepares the effects of a change.
///
/// # Errors
/// The option in the way, and why: nothing has changed.
pub(crate) fn prepare(scene: &Scene<'_>, change: &Change) -> Result<(), (&'static str, Obstacle)> {
    for row in &ROWS {
        if let Some(option) = change.tells(row.effect) {
            (row.prepare)(scene).map_err(|obstacle| (option.name, obstacle))?;
        }
    }
    Ok(())
}

/// For CONFIG SET: puts the effects of a change in force, which was prepared.
pub(crate) fn put(scene: &Scene<'_>, change: &Change) {
    for row in &ROWS {
        if change.tells(row.effect).is_some() {
            (row.put)(scene);
        }
    }
}
