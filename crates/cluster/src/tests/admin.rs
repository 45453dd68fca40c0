//! CLUSTER commands. The texts are those of redis-server 7.4.1, asked one by one.

use super::rig::{Peer, Rig, conf_line, id, range, shard, slot};
use crate::*;
use base::Slot;

/// A primary (0) of slots 0-100 that knows a primary (1) of 200-300 and a replica (2) of that.
fn rig() -> Rig {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 1, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
    ];
    Rig::new(&lines, "currentEpoch 2 lastVoteEpoch 0")
}

fn meet(ip: &str, port: i64, bus_port: Option<i64>) -> Request {
    Request::Meet {
        ip: ip.to_owned(),
        port,
        bus_port,
    }
}

fn text(n: u8) -> Vec<u8> {
    id(n).as_bytes().to_vec()
}

fn unknown() -> Vec<u8> {
    b"bbbb".to_vec()
}

fn setnode(n: u16, node: Vec<u8>, has_keys: bool) -> Request {
    Request::SetSlotNode {
        slot: slot(n),
        node,
        has_keys,
    }
}

#[test]
fn errors_are_worded_as_by_a_real_server() {
    let none = |node: &str| format!("ERR Unknown node {node}");
    let cases: Vec<(Request, &str)> = vec![
        (
            meet("127.0.0.1", 99999, None),
            "ERR Invalid node address specified: 127.0.0.1:99999",
        ),
        (
            meet("127.0.0.1", 70, Some(99999)),
            "ERR Invalid node address specified: 127.0.0.1:70",
        ),
        (
            meet("127.0.0.1", 71, Some(0)),
            "ERR Invalid node address specified: 127.0.0.1:71",
        ),
        (
            meet("bad.host", 7000, None),
            "ERR Invalid node address specified: bad.host:7000",
        ),
        (
            meet("127.0.0.1", 0, None),
            "ERR Invalid node address specified: 127.0.0.1:0",
        ),
        (
            meet("127.0.0.1", 60000, None),
            "ERR Invalid node address specified: 127.0.0.1:60000",
        ),
        (
            Request::AddSlots(vec![slot(50)]),
            "ERR Slot 50 is already busy",
        ),
        (
            Request::AddSlots(vec![slot(250)]),
            "ERR Slot 250 is already busy",
        ),
        (
            Request::AddSlots(vec![slot(400), slot(400)]),
            "ERR Slot 400 specified multiple times",
        ),
        (
            Request::DelSlots(vec![slot(500)]),
            "ERR Slot 500 is already unassigned",
        ),
        (
            Request::DelSlots(vec![slot(5), slot(5)]),
            "ERR Slot 5 specified multiple times",
        ),
        (
            Request::FlushSlots { has_keys: true },
            "ERR DB must be empty to perform CLUSTER FLUSHSLOTS.",
        ),
        (
            Request::SetSlotMigrating(slot(1), unknown()),
            "ERR I don't know about node bbbb",
        ),
        (
            Request::SetSlotMigrating(slot(1), text(2)),
            "ERR Target node is not a master",
        ),
        (
            Request::SetSlotMigrating(slot(1000), text(1)),
            "ERR I'm not the owner of hash slot 1000",
        ),
        (
            Request::SetSlotImporting(slot(1), text(1)),
            "ERR I'm already the owner of hash slot 1",
        ),
        (
            Request::SetSlotImporting(slot(200), unknown()),
            "ERR I don't know about node bbbb",
        ),
        (setnode(1, unknown(), false), "ERR Unknown node bbbb"),
        (
            setnode(1, text(2), false),
            "ERR Target node is not a master",
        ),
        (
            setnode(1, text(1), true),
            "ERR Can't assign hashslot 1 to a different node while I still hold keys for this \
             hash slot.",
        ),
        (Request::Forget(unknown()), "ERR Unknown node bbbb"),
        (
            Request::Forget(text(0)),
            "ERR I tried hard but I can't forget myself...",
        ),
        (
            Request::Replicate {
                node: unknown(),
                has_keys: false,
            },
            "ERR Unknown node bbbb",
        ),
        (
            Request::Replicate {
                node: text(0),
                has_keys: false,
            },
            "ERR Can't replicate myself",
        ),
        (
            Request::Replicate {
                node: text(2),
                has_keys: false,
            },
            "ERR I can only replicate a master, not a replica.",
        ),
        (
            Request::Replicate {
                node: text(1),
                has_keys: false,
            },
            "ERR To set a master the node must be empty and without assigned slots.",
        ),
        (
            Request::Replicas {
                node: unknown(),
                tls: false,
            },
            "ERR Unknown node bbbb",
        ),
        (
            Request::Replicas {
                node: text(2),
                tls: false,
            },
            "ERR The specified node is not a master",
        ),
        (
            Request::CountFailureReports(unknown()),
            "ERR Unknown node bbbb",
        ),
        (
            Request::Failover(FailoverKind::Default),
            "ERR You should send CLUSTER FAILOVER to a replica",
        ),
        (
            Request::SetConfigEpoch(-1),
            "ERR Invalid config epoch specified: -1",
        ),
        (
            Request::SetConfigEpoch(5),
            "ERR The user can assign a config epoch only when the node does not know any other \
             node.",
        ),
        (
            Request::Reset {
                hard: false,
                has_keys: true,
            },
            "ERR CLUSTER RESET can't be called with master nodes containing keys",
        ),
    ];
    let mut rig = rig();
    for (request, expected) in cases {
        let error = rig.error(request.clone());
        assert_eq!(error, expected, "{request:?}");
    }
    assert_eq!(rig.error(Request::Forget(text(9))), none(id(9).as_str()));
}

#[test]
fn a_replica_refuses_what_is_for_primaries() {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master,fail", "-", 2, "200-300"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 2 lastVoteEpoch 0");
    let only = "ERR Please use SETSLOT only with masters.";
    assert_eq!(rig.error(Request::SetSlotStable(slot(1))), only);
    assert_eq!(rig.error(setnode(1, text(1), false)), only);
    assert_eq!(
        rig.error(Request::Forget(text(1))),
        "ERR Can't forget my master!"
    );
    assert_eq!(
        rig.error(Request::Failover(FailoverKind::Default)),
        "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE"
    );
}

#[test]
fn answers_wait_for_the_disk() {
    let mut rig = rig();
    rig.disk = false;
    assert_eq!(rig.ask(Request::AddSlots(vec![slot(400)])), None);
    rig.write();
    assert_eq!(rig.reply(1), Some(Reply::Ok));
    // A refusal and a question wait for nothing.
    rig.error(Request::AddSlots(vec![slot(400)]));
    assert_eq!(rig.ask(Request::MyId), Some(Reply::Text(id(0).to_string())));
    assert_eq!(rig.ask(Request::DelSlots(vec![slot(400)])), None);
    rig.fail_write();
    let expected = "ERR error saving the cluster node config: No space left on device";
    assert_eq!(rig.reply(4), Some(Reply::Error(expected.to_owned())));
}

#[test]
fn bumpepoch_says_whether_it_did() {
    let mut rig = rig();
    assert_eq!(
        rig.ask(Request::BumpEpoch),
        Some(Reply::Status("BUMPED 3".to_owned()))
    );
    assert_eq!(
        rig.ask(Request::BumpEpoch),
        Some(Reply::Status("STILL 3".to_owned()))
    );
}

#[test]
fn nodes_and_info_have_the_lines_of_a_real_server() {
    let mut rig = rig();
    let other = id(1);
    rig.ask(Request::SetSlotMigrating(slot(7), text(1)));
    let nodes = rig.nodes();
    let mine = format!(
        "{} 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-100 [7->-{other}]\n",
        id(0)
    );
    assert!(nodes.contains(&mine), "{nodes}");
    let replica = format!("{} 127.0.0.1:7002@17002 slave {other} ", id(2));
    assert!(nodes.contains(&replica), "{nodes}");
    let Some(Reply::Text(info)) = rig.ask(Request::Info) else {
        panic!("no text")
    };
    let start = "cluster_state:fail\r\ncluster_slots_assigned:202\r\ncluster_slots_ok:202\r\n\
                 cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:3\r\n\
                 cluster_size:2\r\ncluster_current_epoch:2\r\ncluster_my_epoch:1\r\n\
                 cluster_stats_messages_ping_sent:2\r\ncluster_stats_messages_sent:2\r\n\
                 cluster_stats_messages_received:0\r\n\
                 total_cluster_links_buffer_limit_exceeded:0\r\n";
    assert_eq!(info, start);
}

#[test]
fn slots_and_shards_tell_who_serves_what() {
    let mut rig = rig();
    let Some(Reply::Slots(ranges)) = rig.ask(Request::Slots) else {
        panic!("no rows")
    };
    assert_eq!(ranges.len(), 2);
    assert_eq!((ranges[1].start, ranges[1].end), (200, 300));
    // A replica without data is not offered to clients.
    assert_eq!(ranges[1].nodes.len(), 1);
    let mut replica = Peer::replica(2, &Peer::primary(1, 2, 200, 300));
    replica.offset = 5;
    rig.ping(&replica);
    let Some(Reply::Slots(ranges)) = rig.ask(Request::Slots) else {
        panic!("no rows")
    };
    assert_eq!(ranges[1].nodes[1].id, id(2));
    let Some(Reply::Shards(shards)) = rig.ask(Request::Shards) else {
        panic!("no shards")
    };
    let second = shards
        .iter()
        .find(|s| s.slots == [(200, 300)])
        .expect("the shard");
    assert_eq!(second.nodes.len(), 2);
    assert!(second.nodes[0].primary && !second.nodes[1].primary);
    assert_eq!(second.nodes[1].health.word(), "online");
}

#[test]
fn a_forgotten_node_stays_away_for_a_minute() {
    let mut rig = rig();
    rig.clear();
    assert_eq!(rig.ask(Request::Forget(text(2))), Some(Reply::Ok));
    // The others are told, and asking again is no error.
    let told = rig.sent().iter().any(|(_, packet)| {
        matches!(&packet.body, bus::Body::Ping(g)
            if g.extensions.contains(&bus::Extension::Forgotten { id: id(2), ttl: 60 }))
    });
    assert!(told);
    assert_eq!(rig.ask(Request::Forget(text(2))), Some(Reply::Ok));
    let mut gossiper = Peer::primary(1, 2, 200, 300);
    gossiper.says = vec![(2, bus::Flags::SLAVE)];
    rig.ping(&gossiper);
    assert!(rig.machine.view().node(&id(2)).is_none());
    rig.pass_with(61_000, &[Peer::primary(1, 2, 200, 300)]);
    rig.ping(&gossiper);
    assert!(rig.machine.view().node(&id(2)).is_some());
}

#[test]
fn a_node_forgotten_elsewhere_is_forgotten_here() {
    let mut rig = rig();
    let peer = Peer::primary(1, 2, 200, 300);
    let mut gossip = peer.gossip();
    for n in [2, 0, 1] {
        gossip.extensions.push(bus::Extension::Forgotten {
            id: id(n),
            ttl: u64::MAX,
        });
    }
    rig.hear(&peer, bus::Body::Ping(gossip));
    let view = rig.machine.view();
    // Neither we nor the one who says so.
    assert!(view.node(&id(2)).is_none() && view.node(&id(1)).is_some());
}

#[test]
fn reset_leaves_a_node_by_itself() {
    for hard in [false, true] {
        let mut rig = rig();
        assert_eq!(
            rig.ask(Request::Reset {
                hard,
                has_keys: false
            }),
            Some(Reply::Ok)
        );
        let view = rig.machine.view();
        assert_eq!(view.nodes().len(), 1);
        assert_eq!(Slot::all().filter(|s| view.owner(*s).is_some()).count(), 0);
        assert_eq!(view.my_id() == id(0), !hard);
        assert_eq!(view.myself().config_epoch.0, if hard { 0 } else { 1 });
    }
}

#[test]
fn an_import_ends_with_the_highest_epoch() {
    let mut rig = rig();
    assert_eq!(
        rig.ask(Request::SetSlotImporting(slot(250), text(1))),
        Some(Reply::Ok)
    );
    assert_eq!(
        rig.machine.view().importing_from(slot(250)).map(|n| n.id),
        Some(id(1))
    );
    rig.clear();
    assert_eq!(rig.ask(setnode(250, text(0), true)), Some(Reply::Ok));
    let view = rig.machine.view();
    assert_eq!(
        (view.is_mine(slot(250)), view.myself().config_epoch.0),
        (true, 3)
    );
    assert!(view.importing_from(slot(250)).is_none());
    // All learn of it at once.
    assert!(rig.sent().iter().any(|(n, p)| *n == 1
        && matches!(p.body, bus::Body::Pong(_))
        && p.header.slots.contains(slot(250))));
}

#[test]
fn a_primary_that_gives_its_last_slot_away_follows_the_new_owner() {
    let mut rig = rig();
    let most: Vec<Slot> = range(1, 100).iter().collect();
    assert_eq!(rig.ask(Request::DelSlots(most)), Some(Reply::Ok));
    rig.clear();
    assert_eq!(rig.ask(setnode(0, text(1), false)), Some(Reply::Ok));
    assert_eq!(rig.machine.view().role(), Role::Replica);
    assert_eq!(rig.count(|e| matches!(e, Effect::SetReplicaOf { .. })), 1);
}

#[test]
fn the_owner_s_packet_does_not_come_between_delslots_and_addslots() {
    let mut rig = rig();
    let owner = Peer::primary(1, 2, 200, 300);
    let taken = |rig: &Rig| rig.owner(250) == Some(id(0));
    assert_eq!(rig.ask(Request::DelSlots(vec![slot(250)])), Some(Reply::Ok));
    rig.ping(&owner);
    assert_eq!(rig.owner(250), None);
    assert_eq!(rig.ask(Request::AddSlots(vec![slot(250)])), Some(Reply::Ok));
    rig.ping(&owner);
    assert!(taken(&rig), "the new epoch may still be on its way");
    // Without one the owner has it back.
    rig.pass_with(600, std::slice::from_ref(&owner));
    assert!(!taken(&rig));
}

#[test]
fn a_very_short_node_timeout_does_not_make_late_ticks_look_like_sleep() {
    let mut rig = rig();
    let settings = Settings {
        node_timeout: 1,
        port: 7000,
        bus_port: 17_000,
        ..Settings::default()
    };
    rig.give(Event::Settings(Box::new(settings)));
    rig.clear();
    let primary = Peer::primary(1, 2, 200, 300);
    let replica = Peer::replica(2, &primary);
    rig.pass_with(1_000, &[primary, replica]);
    assert_eq!(rig.count(|e| matches!(e, Effect::Disconnect(_))), 0);
}

#[test]
fn times_are_told_alike_whenever_they_are_asked_for() {
    let mut rig = rig();
    rig.pass_with(200, &[Peer::primary(1, 2, 200, 300)]);
    let first = rig.nodes();
    // The wall clock's milliseconds begin in the middle of the monotonic clock's.
    rig.now.wall.0 += 1;
    assert_eq!(rig.nodes(), first);
    // A clock that is set shows.
    rig.now.wall.0 += 60_000;
    assert_ne!(rig.nodes(), first);
}

#[test]
fn a_primary_that_may_not_migrate_says_when_it_is_empty() {
    let mut rig = rig();
    let settings = Settings {
        allow_replica_migration: false,
        port: 7000,
        bus_port: 17_000,
        ..Settings::default()
    };
    rig.give(Event::Settings(Box::new(settings)));
    rig.clear();
    let mut taker = Peer::primary(1, 20, 200, 300);
    taker.slots = range(0, 100).iter().chain(range(200, 300).iter()).collect();
    taker.current = 20;
    rig.ping(&taker);
    assert_eq!(rig.machine.view().role(), Role::Primary);
    let text = format!(
        "My last slot was migrated to node {} () in shard {}. I am now an empty primary.",
        id(1),
        shard(1)
    );
    assert!(rig.logged(&text));
    let at = |wanted: fn(&Effect) -> bool| rig.effects.iter().position(wanted);
    let said = rig.effects.iter().position(
        |effect| matches!(effect, Effect::Log { text, .. } if text.contains("an empty primary")),
    );
    assert!(
        at(|e| matches!(e, Effect::SlotsLost(_))) < said,
        "empty when it is said"
    );
}
