//! The machine itself: its state, and the frame around the handling of one event.

use crate::claim::Claim;
use crate::conf::NodesConf;
use crate::durable::{Durable, Face};
use crate::election::Election;
use crate::event::{Effect, Event, Level, Now};
use crate::fault::Faults;
use crate::forgotten::Forgotten;
use crate::links::{InLink, Links};
use crate::manual::ManualFailover;
use crate::node::{Dialect, Ix, Node};
use crate::outbox::Outbox;
use crate::rng::Rng;
use crate::roster::Roster;
use crate::serving::Serving;
use crate::settings::Settings;
use crate::silence::Silence;
use crate::tick::Rounds;
use crate::vote::Ballot;
use crate::worth::Worth;
use base::{Epoch, NodeId, ShardId, SlotSet};
use bus::{Flags, IpText};
use std::sync::Arc;

/// What a machine starts from.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The configuration.
    pub settings: Settings,
    /// What nodes.conf held; `None` if there is no such file.
    pub conf: Option<NodesConf>,
    /// Id to take if nodes.conf names none.
    pub fresh_id: NodeId,
    /// Shard id to take if nodes.conf names none.
    pub fresh_shard: ShardId,
    /// Seed of everything random.
    pub seed: [u64; 4],
    /// Whether the data set that this node served before is gone. A primary that came back empty
    /// within the node timeout would have its replicas delete their copies: it keeps silent instead
    /// until one of them has taken its place, or none does.
    pub data_lost: bool,
}

/// Faults for the simulator to prove its checkers with. All off in every real node.
#[doc(hidden)]
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Mutants {
    /// Send votes before they are on disk.
    pub vote_before_persist: bool,
    /// Take slots whatever the epoch of the claim.
    pub ignore_epochs: bool,
    /// Vote any number of times in an epoch.
    pub vote_twice: bool,
    /// Win with one vote.
    pub win_without_quorum: bool,
    /// Serve on when the majority is out of reach.
    pub serve_in_minority: bool,
}

/// The state machine of one cluster node.
///
/// Everything that happens is an [`Event`]; everything it wants done is an [`Effect`]. There is no
/// clock, I/O or outside randomness in it.
pub struct Cluster {
    pub(crate) settings: Settings,
    pub(crate) roster: Roster,
    pub(crate) rng: Rng,
    pub(crate) now: Now,
    /// The wall clock when the monotonic one was 0.
    pub(crate) wall_origin: i64,
    pub(crate) out: Outbox,
    pub(crate) mutants: Mutants,
    pub(crate) faults: Faults,

    pub(crate) current_epoch: Epoch,
    pub(crate) ballot: Ballot,
    pub(crate) serving: Serving,
    pub(crate) worth: Worth,
    pub(crate) silence: Silence,
    pub(crate) election: Election,
    /// The last election that we won, until a majority knows.
    pub(crate) claim: Option<Claim>,
    pub(crate) manual: ManualFailover,
    pub(crate) forgotten: Forgotten,

    pub(crate) links: Links,
    pub(crate) gossip_stamp: u64,
    pub(crate) rounds: Rounds,

    /// Slots that another node has taken from us by the word of a third, and has not claimed itself
    /// yet.
    pub(crate) unclaimed_losses: SlotSet,
    pub(crate) durable: Durable,
}

impl Cluster {
    /// Starts a machine. The effects of starting (the first write of nodes.conf, the role) come
    /// with the first event, which should be [`Event::Tick`].
    pub fn new(boot: Boot, now: Now) -> Cluster {
        let Boot {
            settings,
            conf,
            fresh_id,
            fresh_shard,
            seed,
            data_lost,
        } = boot;
        let fresh = conf.is_none();
        let myself = Flags::MYSELF.with(Flags::MASTER);
        let (roster, current, voted) = match conf {
            Some(conf) => conf.into_roster(fresh_shard, now),
            None => {
                let node = Node::new(fresh_id, fresh_shard, myself, now.mono);
                (Roster::new(node), Epoch(0), Epoch(0))
            }
        };
        let before = Face {
            current_epoch: current,
            config_epoch: Epoch(0),
            slots: Arc::default(),
            flags: myself,
            replica_of: None,
        };
        let mut cluster = Cluster {
            settings: settings.in_effect(),
            roster,
            rng: Rng::new(seed),
            now,
            wall_origin: now.wall.0 - now.mono as i64,
            out: Outbox::default(),
            mutants: Mutants::default(),
            faults: Faults::default(),
            current_epoch: current,
            ballot: Ballot::new(voted),
            serving: Serving::new(now.mono),
            worth: Worth::new(now.mono),
            silence: Silence::default(),
            election: Election::default(),
            claim: None,
            manual: ManualFailover::default(),
            forgotten: Forgotten::default(),
            links: Links::default(),
            gossip_stamp: 0,
            rounds: Rounds::new(now.mono),
            unclaimed_losses: SlotSet::new(),
            durable: Durable::new(before),
        };
        cluster.out.view_changed();
        cluster.greet(fresh);
        if data_lost {
            cluster.hush();
        }
        cluster
    }

    /// Keeps silent for long enough that replicas notice and one of them is elected, at the second
    /// attempt if need be.
    fn hush(&mut self) {
        let me = self.roster.me();
        if !me.votes() || self.roster.ok_replicas(self.roster.myself) == 0 {
            return;
        }
        let until = self.now.mono + 8 * self.settings.node_timeout;
        self.silence.data_lost(until);
        let text = "The data set is lost: waiting for a replica to take over instead of serving.";
        self.log(Level::Warning, text.to_owned());
    }

    /// What a machine does first: it says who it is, and takes up its role.
    fn greet(&mut self, fresh: bool) {
        self.apply_own_settings();
        self.durable.begin(self.true_face());
        let id = self.roster.me().id;
        if fresh {
            self.log(
                Level::Notice,
                format!("No cluster configuration found, I'm {id}"),
            );
            return;
        }
        self.log(
            Level::Notice,
            format!("Node configuration loaded, I'm {id}"),
        );
        if let Some(primary) = self.roster.me().primary {
            self.tell_primary(primary);
        }
    }

    /// Switches faults on, for the simulator.
    #[doc(hidden)]
    pub fn set_mutants(&mut self, mutants: Mutants) {
        self.mutants = mutants;
    }

    /// Takes in one event and appends what is to be done.
    ///
    /// `now` must not be earlier than that of the event before.
    pub fn handle(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        debug_assert!(now.mono >= self.now.mono, "time runs backwards");
        self.now = now;
        let origin = now.wall.0 - now.mono as i64;
        // The clocks' milliseconds do not begin at the same moment: a difference of one is none.
        if origin.abs_diff(self.wall_origin) > 1 {
            self.wall_origin = origin;
        }
        self.durable.begin(self.true_face());
        self.notice_sleep();
        let tick = matches!(event, Event::Tick);
        match event {
            Event::Tick => self.tick(),
            Event::Due => self.watch_nodes(),
            Event::Accepted { link, peer, local } => {
                let link_state = InLink {
                    node: None,
                    peer,
                    local,
                    since: now.mono,
                };
                self.links.accepted(link, link_state);
            }
            Event::LinkUp { link } => self.link_up(link),
            Event::LinkDown { link, overflow } => {
                if overflow {
                    self.links.overflowed();
                }
                self.link_down(link);
            }
            Event::Received { link, packet } => self.receive(link, &packet),
            Event::Request { token, request } => self.request(token, request),
            Event::Persisted(id) => self.persisted(id),
            Event::PersistFailed { id, reason } => self.persist_failed(id, &reason),
            Event::Replication(replication) => self.note_replication(replication),
            Event::Paused { offset } => {
                self.manual.paused_at(offset);
                self.ping_manual_replica();
            }
            Event::DataLoaded(slots) => self.data_loaded(&slots),
            Event::WorkersStuck(since) => self.silence.workers(since),
            Event::Publish {
                channel,
                message,
                sharded,
            } => {
                self.publish(channel, message, sharded);
            }
            Event::Settings(settings) => {
                let announced = !self.settings.announce_ip.is_empty();
                self.settings = settings.in_effect();
                if announced && self.settings.announce_ip.is_empty() {
                    // The real address is learned from the next packet, as in Redis.
                    self.roster.me_mut().ip = IpText::EMPTY;
                }
                self.apply_own_settings();
                self.serving.check();
            }
        }
        self.finish(tick);
        self.out.drain_into(out);
    }

    /// What every event ends with: elections that became possible, the state of the cluster, the
    /// file, the view.
    fn finish(&mut self, tick: bool) {
        self.step_manual();
        self.step_election();
        if self.serving.take_check() {
            self.update_state();
        }
        self.save_if_due(tick);
        // Before the view, by which nodes that have no right to serve say that they do.
        self.update_right_to_serve(tick);
        self.out.show_view();
    }

    /// A process that slept does not know what the others decided meanwhile: what is still in its
    /// sockets was sent before. It asks anew, on new links, before it trusts anything.
    fn notice_sleep(&mut self) {
        let slept = self.rounds.since_last(self.now.mono);
        let timeout = self.settings.node_timeout;
        if slept <= timeout / 2 || self.serving.trust_after() == self.now.mono {
            return;
        }
        self.rounds.begin_anew(self.now.mono);
        self.serving.distrust_before(self.now.mono);
        for at in self.roster.order().to_vec() {
            // Its silence was ours.
            if self.roster[at].ping_sent.is_some() {
                self.roster[at].ping_sent = Some(self.now.mono);
            }
            self.close_out(at);
        }
        if slept > timeout && self.roster.me().is_primary() && self.roster.size() > 1 {
            self.suspend();
        }
    }

    /// Tells replication whom to follow.
    pub(crate) fn tell_primary(&mut self, primary: Ix) {
        let node = &self.roster[primary];
        let effect = Effect::SetReplicaOf {
            id: node.id,
            ip: node.ip,
            port: node.tcp_port,
            tls_port: node.tls_port,
        };
        self.out.push(effect);
    }

    /// Copies what the configuration says about ourselves into our own entry.
    fn apply_own_settings(&mut self) {
        let s = self.settings.clone();
        let me = self.roster.me_mut();
        if !s.announce_ip.is_empty() {
            me.ip = s.announce_ip;
        }
        me.tcp_port = s.public_port();
        me.tls_port = s.public_tls_port();
        me.bus_port = s.public_bus_port();
        me.hostname = s.announce_hostname;
        me.human_name = s.announce_human_name;
        me.dialect = Dialect::Shards;
        me.flags.clear(Flags::NOFAILOVER);
        if s.replica_no_failover {
            me.flags.set(Flags::NOFAILOVER);
        }
        self.changed();
    }

    /// Something in the view and in nodes.conf changed.
    pub(crate) fn changed(&mut self) {
        self.out.view_changed();
        self.durable.save_soon();
    }

    /// As [`Cluster::changed`], and worth writing at once.
    pub(crate) fn changed_now(&mut self) {
        self.out.view_changed();
        self.durable.save_now();
    }

    /// As [`Cluster::changed_now`], and nobody may learn of it before it is on disk: until then
    /// packets show what we were before this event.
    pub(crate) fn changed_critically(&mut self) {
        self.changed_now();
        self.durable.hide();
    }

    pub(crate) fn log(&mut self, level: Level, text: String) {
        self.out.log(level, text);
    }

    /// Removes a node, its links and every mention.
    pub(crate) fn delete_node(&mut self, at: Ix) {
        self.close_out(at);
        if let Some(link) = self.roster[at].inbound.take() {
            self.links.forget_inbound(link);
            self.out.push(Effect::Disconnect(link));
        }
        self.links.forget_node(at);
        self.manual.forget(at);
        self.election.forget(&self.roster[at].id);
        self.roster.remove(at);
        self.changed();
        self.serving.check();
    }
}
