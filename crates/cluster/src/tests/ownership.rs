//! Claims, epochs, stale news, membership.

use super::rig::{Peer, Rig, conf_line, id, range, slot};
use crate::*;
use bus::{Body, Flags};

/// A primary (0) of slots 0-100 under epoch 5, with primaries 1 (200-300, epoch 2) and 3 (400-500,
/// epoch 3), and a replica 2 of 1.
fn rig() -> Rig {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 5, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 0")
}

fn lost(rig: &Rig) -> usize {
    rig.count(|e| matches!(e, Effect::SlotsLost(_)))
}

#[test]
fn a_newer_claim_takes_slots_and_an_older_one_is_corrected() {
    let mut rig = rig();
    rig.clear();
    // Older than ours: refused, and answered with an UPDATE about us.
    let mut thief = Peer::primary(3, 3, 400, 500);
    thief.slots = (range(400, 500).iter())
        .chain(range(50, 60).iter())
        .collect();
    rig.ping(&thief);
    assert_eq!(rig.owner(55), Some(id(0)));
    let updates: Vec<_> = rig
        .sent()
        .into_iter()
        .filter(|(_, p)| matches!(p.body, Body::Update { .. }))
        .collect();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].0, 3);
    assert_eq!(lost(&rig), 0);
    // Newer: the slots go, and their keys with them.
    thief.epoch = 11;
    thief.current = 11;
    rig.ping(&thief);
    assert_eq!(rig.owner(55), Some(id(3)));
    assert_eq!(rig.owner(61), Some(id(0)));
    assert_eq!(lost(&rig), 1);
    let at = |wanted: fn(&Effect) -> bool| rig.effects.iter().rposition(wanted);
    assert!(
        at(|e| matches!(e, Effect::SlotsLost(_))) > at(|e| matches!(e, Effect::ViewChanged)),
        "keys of a slot that the view calls ours are not deleted"
    );
}

#[test]
fn every_newer_owner_is_told_of() {
    let mut rig = rig();
    rig.clear();
    let mut stale = Peer::primary(1, 2, 200, 300);
    stale.slots = range(0, 500);
    rig.ping(&stale);
    let updates = rig
        .sent()
        .iter()
        .filter(|(_, p)| matches!(p.body, Body::Update { .. }))
        .count();
    assert_eq!(updates, 2, "one about us and one about node 3");
}

#[test]
fn a_replicas_claims_move_nothing() {
    let mut rig = rig();
    let mut replica = Peer::replica(2, &Peer::primary(1, 99, 0, 300));
    replica.current = 99;
    rig.ping(&replica);
    assert_eq!(rig.owner(50), Some(id(0)));
    assert_eq!(rig.owner(400), Some(id(3)));
}

#[test]
fn slots_that_their_owner_gave_up_can_be_taken_by_an_older_epoch() {
    let mut rig = rig();
    rig.clear();
    rig.ping(&Peer::primary(3, 3, 400, 450));
    // Given up, but nobody has them: they stay with their last owner, and nothing is deleted.
    assert_eq!(rig.owner(480), Some(id(3)));
    let mut taker = Peer::primary(1, 2, 200, 300);
    taker.slots = range(200, 300)
        .iter()
        .chain(range(480, 490).iter())
        .collect();
    rig.ping(&taker);
    assert_eq!(rig.owner(480), Some(id(1)));
    assert_eq!(rig.owner(495), Some(id(3)));
    assert_eq!(lost(&rig), 0);
}

#[test]
fn losing_all_slots_makes_a_replica_and_deletes_nothing_piecemeal() {
    let mut rig = rig();
    rig.clear();
    let mut taker = Peer::primary(3, 20, 0, 100);
    taker.current = 20;
    taker.slots = range(0, 100).iter().chain(range(400, 500).iter()).collect();
    rig.ping(&taker);
    assert_eq!(rig.machine.view().role(), Role::Replica);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(3)));
    assert_eq!(lost(&rig), 0);
    assert!(rig.logged("Configuration change detected. Reconfiguring myself as a replica of"));
}

#[test]
fn open_slots_are_settled_when_the_owner_changes() {
    let mut rig = rig();
    rig.ask(Request::SetSlotMigrating(
        slot(50),
        id(3).as_bytes().to_vec(),
    ));
    rig.ask(Request::SetSlotImporting(
        slot(210),
        id(1).as_bytes().to_vec(),
    ));
    // The target took the slot with a newer epoch: nothing is migrating any more.
    let mut target = Peer::primary(3, 20, 400, 500);
    target.slots = range(400, 500).iter().chain(range(50, 50).iter()).collect();
    target.current = 20;
    rig.ping(&target);
    assert_eq!(rig.machine.view().migrating().count(), 0);
    // The source failed over to its replica: the import goes on from there.
    let mut heir = Peer::primary(2, 21, 200, 300);
    (heir.shard, heir.current) = (1, 21);
    rig.ping(&heir);
    assert_eq!(
        rig.machine.view().importing_from(slot(210)).map(|n| n.id),
        Some(id(2))
    );
    // Somebody else took it: the import is over.
    let mut other = Peer::primary(3, 22, 400, 500);
    other.slots = range(400, 500)
        .iter()
        .chain(range(210, 210).iter())
        .collect();
    other.current = 22;
    rig.ping(&other);
    assert_eq!(rig.machine.view().importing().count(), 0);
}

#[test]
fn one_of_two_primaries_with_one_epoch_takes_a_new_one() {
    // Ours is the smaller id.
    let mut rig = rig();
    rig.ping(&Peer::primary(3, 5, 400, 500));
    assert_eq!(rig.machine.view().myself().config_epoch.0, 11);
    // Theirs is: ours stays.
    let lines = [
        conf_line(9, 9, "myself,master", "-", 5, "0-100"),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 0");
    rig.ping(&Peer::primary(3, 5, 400, 500));
    assert_eq!(rig.machine.view().myself().config_epoch.0, 5);
}

#[test]
fn in_one_shard_the_newer_data_wins_a_collision() {
    // A failover gave node 3 our epoch; we, the old primary, have the smaller id but less data.
    let lines = [
        conf_line(0, 3, "myself,master", "-", 5, "0-100"),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 0");
    let mut newer = Peer::primary(3, 5, 400, 500);
    newer.offset = 1_000;
    rig.ping(&newer);
    assert_eq!(
        rig.machine.view().myself().config_epoch.0,
        5,
        "we do not take the slots back"
    );
    // A peer that goes by ids alone would wait for us for ever.
    rig.pass_with(6_000, &[newer.clone()]);
    rig.ping(&newer);
    assert!(rig.machine.view().myself().config_epoch.0 > 10);
}

#[test]
fn packets_that_were_overtaken_change_no_roles() {
    let mut rig = rig();
    let mut heir = Peer::primary(2, 21, 200, 300);
    (heir.shard, heir.current) = (1, 21);
    rig.ping(&heir);
    assert_eq!(rig.owner(250), Some(id(2)));
    // Sent before its election, arrived after.
    rig.ping(&Peer::replica(2, &Peer::primary(1, 2, 200, 300)));
    assert_eq!(
        rig.machine.view().node(&id(2)).map(|n| n.role),
        Some(Role::Primary)
    );
    assert_eq!(rig.owner(250), Some(id(2)));
}

#[test]
fn a_replica_of_a_replica_follows_the_primary_above() {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 0");
    rig.ping(&Peer::replica(1, &Peer::primary(3, 3, 400, 500)));
    rig.pass(100);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(3)));
}

#[test]
fn two_replicas_of_each_other_part() {
    for (me, leaves) in [(0, true), (9, false)] {
        let lines = [
            conf_line(me, 1, "myself,slave", id(1).as_str(), 0, ""),
            conf_line(1, 1, "master", "-", 2, "200-300"),
        ];
        let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 0");
        let mut other = Peer::primary(1, 2, 200, 300);
        other.replica_of = Some(me);
        rig.ping(&other);
        rig.pass_with(2_000, &[other]);
        assert_eq!(rig.machine.view().role() == Role::Primary, leaves);
    }
}

#[test]
fn strangers_are_ignored_unless_they_meet_us() {
    let mut rig = rig();
    rig.clear();
    let mut stranger = Peer::primary(77, 99, 0, 16383);
    stranger.current = 99;
    stranger.says = vec![(88, Flags::MASTER)];
    rig.ping(&stranger);
    rig.hear(&stranger, Body::Fail(id(1)));
    rig.hear(&stranger, Body::AuthRequest);
    let update = Body::Update {
        config_epoch: base::Epoch(99),
        node: id(1),
        slots: std::sync::Arc::new(range(0, 500)),
    };
    rig.hear(&stranger, update);
    assert_eq!(rig.owner(50), Some(id(0)));
    assert_eq!(rig.machine.view().nodes().len(), 4);
    assert!(!rig.file.contains("currentEpoch 99"));
    // A MEET begins a handshake with the stranger, and nothing with those it tells of.
    rig.hear(&stranger, Body::Meet(stranger.gossip()));
    let nodes = rig.nodes();
    assert_eq!(nodes.lines().filter(|l| l.contains("handshake")).count(), 1);
    // It does not answer: the handshake ends.
    rig.pass_with(1_500, &[]);
    assert!(!rig.nodes().contains("handshake"));
}

#[test]
fn somebody_else_at_a_nodes_address_is_not_taken_for_it() {
    let mut rig = rig();
    let mut impostor = Peer::primary(77, 99, 0, 16383);
    impostor.current = 99;
    // The answer comes by the link that we opened to node 3.
    impostor.n = 3;
    let mut packet = (*impostor.packet(Body::Pong(impostor.gossip()))).clone();
    packet.header.sender = id(77);
    let link = rig.effects.iter().find_map(|e| match e {
        Effect::Connect {
            link, port: 17_003, ..
        } => Some(*link),
        _ => None,
    });
    let link = link.expect("a link to node 3");
    rig.give(Event::Received {
        link,
        packet: std::sync::Arc::new(packet),
    });
    assert_eq!(rig.owner(50), Some(id(0)));
    assert!(
        rig.nodes()
            .contains(&format!("{} :0@0 master,noaddr", id(3)))
    );
    // Gossip tells where it really is.
    let mut friend = Peer::primary(1, 2, 200, 300);
    friend.says = vec![(3, Flags::MASTER)];
    rig.ping(&friend);
    assert!(
        rig.nodes()
            .contains(&format!("{} 127.0.0.1:7003@17003 master", id(3)))
    );
}

#[test]
fn epochs_beyond_reason_are_forged() {
    let mut rig = rig();
    let mut forged = Peer::primary(3, u64::MAX, 0, 500);
    forged.current = u64::MAX;
    rig.ping(&forged);
    assert_eq!(rig.owner(50), Some(id(0)));
    assert_eq!(
        rig.ask(Request::BumpEpoch),
        Some(Reply::Status("BUMPED 11".to_owned()))
    );
}

#[test]
fn keys_are_deleted_on_the_new_owners_own_word_only() {
    let mut rig = rig();
    rig.clear();
    // Node 1 says that node 3 has some of our slots, under a newer epoch.
    let mut taker = Peer::primary(3, 12, 400, 500);
    taker.slots = range(400, 500).iter().chain(range(50, 60).iter()).collect();
    taker.current = 12;
    let update = Body::Update {
        config_epoch: base::Epoch(12),
        node: id(3),
        slots: std::sync::Arc::new(taker.slots.clone()),
    };
    rig.hear(&Peer::primary(1, 2, 200, 300), update);
    assert_eq!(rig.owner(55), Some(id(3)), "clients are sent there");
    assert_eq!(lost(&rig), 0);
    rig.ping(&taker);
    assert_eq!(lost(&rig), 1);
    rig.ping(&taker);
    assert_eq!(lost(&rig), 1);
}

#[test]
fn loaded_keys_find_a_place() {
    let mut rig = rig();
    let slots = [50u16, 250, 1_000].iter().map(|n| slot(*n)).collect();
    rig.give(Event::DataLoaded(slots));
    assert_eq!(rig.owner(1_000), Some(id(0)));
    assert_eq!(rig.owner(250), Some(id(1)));
    assert!(rig.machine.view().importing_from(slot(250)).is_some());
    assert_eq!(rig.machine.view().importing().count(), 1);
    assert!(rig.logged("I have keys for unassigned slot 1000. Taking responsibility for it."));
}
