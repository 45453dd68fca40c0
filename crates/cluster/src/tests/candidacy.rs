//! Who stands for a failed primary's place, and when: the worth of a data set, ranks, split votes.

use super::rig::{Peer, Rig, conf_line, id};
use crate::*;
use base::Offset;
use bus::{Body, marks};

/// A replica (5) of 1, with primaries 3 and 7 and the replicas 2 and 8 of 1. The primaries, with 1
/// first, are returned too.
fn candidate() -> (Rig, Vec<Peer>) {
    let lines = [
        conf_line(5, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(8, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
        conf_line(7, 7, "master", "-", 5, "800-900"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let mut first = Peer::primary(1, 2, 200, 300);
    first.offset = 1_000;
    let peers = vec![
        first,
        Peer::primary(3, 3, 400, 500),
        Peer::primary(7, 5, 800, 900),
    ];
    rig.know(&peers);
    rig.in_sync(1, 1_000);
    (rig, peers)
}

fn fail(rig: &mut Rig, n: u8) {
    rig.hear(&Peer::primary(3, 3, 400, 500), Body::Fail(id(n)));
}

/// The offset that others are told.
fn told(rig: &mut Rig, peer: &Peer) -> i64 {
    rig.clear();
    rig.ping(peer);
    rig.sent().last().expect("an answer").1.header.offset.0
}

fn settings(rig: &mut Rig, change: impl FnOnce(&mut Settings)) {
    let mut settings = Settings {
        node_timeout: 1_000,
        port: 7005,
        bus_port: 17_005,
        ..Settings::default()
    };
    change(&mut settings);
    rig.give(Event::Settings(Box::new(settings)));
}

#[test]
fn the_data_of_another_shard_is_worth_nothing() {
    let (mut rig, peers) = candidate();
    // Any age of the data will do, but it must be of the shard.
    settings(&mut rig, |s| s.replica_validity_factor = 0);
    let mut third = Peer::primary(3, 3, 400, 500);
    third.offset = 70;
    rig.ping(&third);
    rig.ask(Request::Replicate {
        node: id(3).as_bytes().to_vec(),
        has_keys: true,
    });
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(3)));
    assert_eq!(told(&mut rig, &peers[2]), 0);
    // News of the old link, which was in sync, is still under way.
    rig.in_sync(1, 1_200);
    assert_eq!(told(&mut rig, &peers[2]), 0);
    rig.clear();
    rig.hear(&peers[0], Body::Fail(id(3)));
    rig.pass_with(3_000, &[peers[0].clone(), peers[2].clone()]);
    assert_eq!(rig.elections(), [] as [u64; 0]);
    // Once the new primary's data is here, it counts.
    rig.in_sync(3, 70);
    rig.pass_with(300, &[peers[0].clone(), peers[2].clone()]);
    assert!(rig.logged("primary rank #0, offset 70)."));
}

#[test]
fn a_replica_of_a_primary_that_changed_its_shard_has_nothing_of_the_new_one() {
    let (mut rig, peers) = candidate();
    // Our primary has given its slots to node 3 and is its replica now: it names that shard.
    let mut lost = Peer::replica(1, &peers[1]);
    lost.shard = 3;
    rig.ping(&lost);
    rig.pass_with(100, &peers[1..]);
    assert!(rig.logged("I'm a sub-replica!"));
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(3)));
    assert_eq!(told(&mut rig, &peers[2]), 0);
}

#[test]
fn half_a_data_set_is_worth_nothing() {
    let (mut rig, peers) = candidate();
    settings(&mut rig, |s| s.replica_validity_factor = 0);
    let loading = Replication {
        offset: Offset(1_000),
        primary: Some(id(1)),
        synced: true,
        whole: false,
        ..Replication::default()
    };
    rig.give(Event::Replication(loading));
    assert_eq!(told(&mut rig, &peers[1]), 0);
    fail(&mut rig, 1);
    rig.clear();
    rig.pass_with(3_000, &peers[1..]);
    assert_eq!(rig.elections(), [] as [u64; 0]);
    rig.in_sync(1, 1_000);
    rig.pass_with(300, &peers[1..]);
    assert_eq!(rig.elections(), [11]);
}

#[test]
fn an_old_primary_has_to_follow_before_it_may_stand_again() {
    let lines = [
        conf_line(0, 1, "myself,master", "-", 2, "200-300"),
        conf_line(1, 1, "slave", id(0).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
        conf_line(7, 7, "master", "-", 5, "800-900"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let mut heir = Peer::primary(1, 11, 200, 300);
    (heir.shard, heir.current, heir.offset) = (1, 11, 5_000);
    rig.ping(&heir);
    let others = [Peer::primary(3, 3, 400, 500), Peer::primary(7, 5, 800, 900)];
    rig.give(Event::Replication(Replication {
        offset: Offset(6_000),
        primary: Some(id(1)),
        ..Replication::default()
    }));
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(1)));
    fail(&mut rig, 1);
    rig.clear();
    rig.pass_with(3_000, &others);
    assert_eq!(rig.elections(), [] as [u64; 0]);
}

#[test]
fn of_replicas_with_as_much_data_the_smaller_id_goes_first() {
    let (mut rig, peers) = candidate();
    for n in [2, 8] {
        let mut sibling = Peer::replica(n, &peers[0]);
        sibling.offset = 1_000;
        rig.ping(&sibling);
    }
    rig.clear();
    fail(&mut rig, 1);
    assert!(rig.logged("(rank #1, primary rank #0, offset 1000)."));
}

/// A replica (5) of 6, with primaries 1, 3 and 7.
fn replica_of_the_third() -> Rig {
    let lines = [
        conf_line(5, 6, "myself,slave", id(6).as_str(), 0, ""),
        conf_line(6, 6, "master", "-", 2, "200-300"),
        conf_line(1, 1, "master", "-", 4, "0-100"),
        conf_line(3, 3, "master", "-", 3, "400-500"),
        conf_line(7, 7, "master", "-", 5, "800-900"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    rig.in_sync(6, 1_000);
    rig
}

#[test]
fn replicas_of_several_failed_primaries_go_one_after_the_other() {
    let mut rig = replica_of_the_third();
    fail(&mut rig, 1);
    fail(&mut rig, 6);
    assert!(rig.logged("(rank #0, primary rank #1, offset 1000)."));
    // One with a greater id comes after us.
    let planned = rig.machine.wake_at();
    fail(&mut rig, 7);
    assert_eq!(rig.machine.wake_at(), planned);
}

#[test]
fn the_fall_of_another_primary_puts_an_election_off() {
    let mut rig = replica_of_the_third();
    fail(&mut rig, 6);
    let planned = rig.machine.wake_at().expect("an election is planned");
    fail(&mut rig, 1);
    assert!(rig.logged("Failed primary rank updated to #1, added 33 milliseconds of delay."));
    assert_eq!(rig.machine.wake_at(), Some(planned + 33));
}

#[test]
fn a_claim_of_our_epoch_ends_our_election() {
    let (mut rig, peers) = candidate();
    fail(&mut rig, 1);
    rig.pass_with(300, &peers[1..]);
    assert_eq!(rig.elections(), [11]);
    // Node 7's shard failed over in the very epoch that we ask for.
    let mut winner = Peer::primary(7, 11, 800, 900);
    winner.current = 11;
    rig.clear();
    rig.ping(&winner);
    let text = format!(
        "Failover election in progress for epoch 11, but received a claim from node {} () with an \
         equal or higher epoch 11. Resetting the election since we cannot win an election in the \
         past.",
        id(7)
    );
    assert!(rig.logged(&text));
    rig.pass_with(200, &peers[1..2]);
    assert_eq!(rig.elections(), [12], "at once, not after the time-outs");
}

#[test]
fn a_split_vote_is_repeated_soon() {
    let (mut rig, peers) = candidate();
    fail(&mut rig, 1);
    rig.pass_with(100, &peers[1..]);
    assert_eq!(rig.elections(), [11]);
    // Without a rival the votes may only be late.
    rig.pass_with(700, &peers[1..]);
    assert_eq!(rig.elections(), [11]);
    let mut rival = Peer::replica(8, &peers[2]);
    rival.current = 11;
    rig.hear(&rival, Body::AuthRequest);
    rig.pass_with(200, &peers[1..]);
    assert_eq!(rig.elections(), [11, 12]);
}

#[test]
fn a_manual_failover_resets_an_election_under_way() {
    let (mut rig, mut peers) = candidate();
    settings(&mut rig, |s| s.node_timeout = 15_000);
    rig.ask(Request::Failover(FailoverKind::Default));
    peers[0].marks = marks::PAUSED;
    rig.ping(&peers[0]);
    assert_eq!(rig.elections(), [11]);
    // Nobody votes in time: late votes change nothing any more.
    rig.pass_with(5_100, &peers);
    assert!(rig.logged("Manual failover timed out."));
    for voter in &mut peers[1..] {
        voter.current = 11;
        rig.hear(voter, Body::AuthAck);
    }
    rig.pass_with(100, &peers);
    assert_eq!(rig.machine.view().role(), Role::Replica);
    rig.clear();
    rig.ask(Request::Failover(FailoverKind::Default));
    assert!(rig.logged(
        "Failover election in progress for epoch 11, but received a manual failover request. \
         Resetting the election."
    ));
    rig.ping(&peers[0]);
    assert_eq!(rig.elections(), [12]);
}

#[test]
fn a_voter_stays_with_its_candidate_for_a_while() {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 5, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(4, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let ask = |rig: &mut Rig, n: u8, epoch: u64| {
        let mut peer = Peer::replica(n, &Peer::primary(1, 2, 200, 300));
        peer.current = epoch;
        rig.clear();
        rig.hear(&peer, Body::AuthRequest);
        let sent = rig.sent();
        sent.iter().filter(|(_, p)| p.body == Body::AuthAck).count()
    };
    fail(&mut rig, 1);
    assert_eq!(ask(&mut rig, 2, 11), 1);
    assert_eq!(ask(&mut rig, 4, 12), 0, "the first may have won");
    assert_eq!(ask(&mut rig, 2, 13), 1, "it has not, since it asks again");
}

/// A replica (0) of 1, with primaries 3 and 7, and the replicas 4 of 3 and 8 of 7. The primaries,
/// with 1 first, are returned too.
fn among_three() -> (Rig, Vec<Peer>) {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(3, 3, "master", "-", 3, "400-500"),
        conf_line(4, 3, "slave", id(3).as_str(), 3, ""),
        conf_line(7, 7, "master", "-", 5, "800-900"),
        conf_line(8, 7, "slave", id(7).as_str(), 5, ""),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let peers = vec![
        Peer::primary(1, 2, 200, 300),
        Peer::primary(3, 3, 400, 500),
        Peer::primary(7, 5, 800, 900),
    ];
    rig.know(&peers);
    rig.in_sync(1, 1_000);
    fail(&mut rig, 1);
    rig.pass_with(1_000, &peers[1..]);
    assert_eq!(rig.elections(), [11]);
    (rig, peers)
}

fn vote(rig: &mut Rig, peer: &Peer) {
    let voter = Peer {
        current: 11,
        ..peer.clone()
    };
    rig.hear(&voter, Body::AuthAck);
}

#[test]
fn a_new_primary_votes_when_a_majority_knows_of_it() {
    let (mut rig, peers) = among_three();
    rig.clear();
    peers[1..].iter().for_each(|peer| vote(&mut rig, peer));
    assert_eq!(rig.owner(250), Some(id(0)));
    let votes = |rig: &mut Rig, epoch| {
        let mut candidate = Peer::replica(4, &peers[1]);
        (candidate.current, candidate.marks) = (epoch, marks::FORCEACK);
        rig.clear();
        rig.hear(&candidate, Body::AuthRequest);
        let sent = rig.sent();
        sent.iter().filter(|(_, p)| p.body == Body::AuthAck).count()
    };
    assert_eq!(votes(&mut rig, 12), 0);
    assert!(rig.logged("my own election is not known to the majority yet"));
    rig.answer(&peers[1]);
    assert_eq!(votes(&mut rig, 13), 0);
    rig.answer(&peers[2]);
    assert_eq!(votes(&mut rig, 14), 1);
}

#[test]
fn a_new_primary_votes_at_last_if_a_majority_is_gone() {
    let (mut rig, peers) = among_three();
    peers[1..].iter().for_each(|peer| vote(&mut rig, peer));
    let mut candidate = Peer::replica(4, &peers[1]);
    (candidate.current, candidate.marks) = (12, marks::FORCEACK);
    rig.pass_with(4_200, &peers[1..2]);
    rig.hear(&candidate, Body::AuthRequest);
    let sent = rig.sent();
    assert!(sent.iter().any(|(_, p)| p.body == Body::AuthAck));
}

#[test]
fn the_vote_of_a_primary_that_was_replaced_does_not_count() {
    let (mut rig, peers) = among_three();
    vote(&mut rig, &peers[2]);
    // It had lost its place before it voted, and did not know.
    let claim = Body::Update {
        config_epoch: base::Epoch(9),
        node: id(8),
        slots: std::sync::Arc::new(peers[2].slots.clone()),
    };
    rig.hear(&peers[1], claim);
    vote(&mut rig, &peers[1]);
    assert_eq!(rig.owner(250), Some(id(1)));
    let mut successor = peers[2].clone();
    (successor.n, successor.epoch) = (8, 9);
    rig.know(std::slice::from_ref(&successor));
    vote(&mut rig, &successor);
    assert_eq!(rig.owner(250), Some(id(0)));
}

#[test]
fn a_voter_tells_of_claims_that_are_new() {
    let (mut rig, peers) = among_three();
    peers[1..].iter().for_each(|peer| vote(&mut rig, peer));
    peers[1..].iter().for_each(|peer| rig.answer(peer));
    let claim = Body::Update {
        config_epoch: base::Epoch(12),
        node: id(8),
        slots: std::sync::Arc::new(peers[2].slots.clone()),
    };
    rig.hear(&peers[1], claim);
    let mut candidate = Peer::replica(4, &peers[1]);
    (candidate.current, candidate.marks) = (13, marks::FORCEACK);
    rig.clear();
    rig.hear(&candidate, Body::AuthRequest);
    let sent = rig.sent();
    let at = |wanted: &dyn Fn(&Body) -> bool| {
        let told =
            |(n, packet): &(u8, std::sync::Arc<bus::Packet>)| *n == 4 && wanted(&packet.body);
        sent.iter().position(told)
    };
    let update = at(&|body| matches!(body, Body::Update { node, .. } if *node == id(8)));
    let vote = at(&|body| *body == Body::AuthAck);
    assert!(update.is_some() && update < vote, "{update:?} {vote:?}");
}
