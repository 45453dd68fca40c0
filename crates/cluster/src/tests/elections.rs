//! Failure detection, votes, candidacy, manual failover, the right to serve.

use super::rig::{Peer, Rig, conf_line, id};
use crate::*;
use base::Offset;
use bus::{Body, Flags, marks};

/// A voter (0) with primaries 1 and 3, and replicas 2 and 4 of 1.
fn voter() -> Rig {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 5, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(4, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
    ];
    Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9")
}

/// A replica (0) of 1 in sync, with primaries 3, 5 and 7 and another replica 2 of 1. The primaries,
/// with 1 first, are returned too.
fn candidate() -> (Rig, Vec<Peer>) {
    let (mut rig, peers) = replica();
    rig.in_sync(1, 1_000);
    (rig, peers)
}

/// As [`candidate`], but the link to the primary was never up.
fn replica() -> (Rig, Vec<Peer>) {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "400-500"),
        conf_line(5, 5, "master", "-", 4, "600-700"),
        conf_line(7, 7, "master", "-", 5, "800-900"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let mut first = Peer::primary(1, 2, 200, 300);
    first.offset = 1_000;
    let peers = vec![
        first,
        Peer::primary(3, 3, 400, 500),
        Peer::primary(5, 4, 600, 700),
        Peer::primary(7, 5, 800, 900),
    ];
    rig.know(&peers);
    (rig, peers)
}

fn acks(rig: &Rig) -> usize {
    rig.sent()
        .iter()
        .filter(|(_, p)| matches!(p.body, Body::AuthAck))
        .count()
}

/// Node 1 is called failed by node 3.
fn fail(rig: &mut Rig) {
    rig.hear(&Peer::primary(3, 3, 400, 500), Body::Fail(id(1)));
}

/// A request of replica `n` of node 1.
fn request(n: u8, epoch: u64) -> Peer {
    let mut peer = Peer::replica(n, &Peer::primary(1, 2, 200, 300));
    peer.current = epoch;
    peer
}

#[test]
fn a_vote_leaves_when_it_is_on_disk() {
    let mut rig = voter();
    fail(&mut rig);
    rig.disk = false;
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    assert_eq!(acks(&rig), 0);
    rig.write();
    assert_eq!(acks(&rig), 1);
    assert!(rig.file.contains("currentEpoch 11 lastVoteEpoch 11"));
    let (_, ack) = rig
        .sent()
        .into_iter()
        .find(|(_, p)| p.body == Body::AuthAck)
        .expect("a vote");
    assert_eq!(ack.header.current_epoch.0, 11);
}

#[test]
fn a_vote_that_cannot_be_written_is_not_given() {
    let mut rig = voter();
    fail(&mut rig);
    rig.disk = false;
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    rig.fail_write();
    rig.disk = true;
    rig.pass(300);
    assert_eq!(acks(&rig), 0);
    // The node goes on, and the next epoch may have its vote, of another shard at least.
    assert!(rig.logged("Could not save the cluster configuration file"));
    assert_eq!(rig.ask(Request::MyId), Some(Reply::Text(id(0).to_string())));
}

#[test]
fn a_voter_votes_once_in_an_epoch_and_once_for_a_failure() {
    let mut rig = voter();
    fail(&mut rig);
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    rig.hear(&request(4, 11), Body::AuthRequest);
    assert_eq!(acks(&rig), 1);
    assert!(rig.logged("already voted for epoch 11"));
    rig.hear(&request(4, 12), Body::AuthRequest);
    assert_eq!(acks(&rig), 1);
    assert!(rig.logged("can't vote about this master before 2000 milliseconds"));
    // A manual failover is not held up by that.
    let mut forced = request(4, 13);
    forced.marks = marks::FORCEACK;
    rig.hear(&forced, Body::AuthRequest);
    assert_eq!(acks(&rig), 2);
    rig.hear(&request(4, 12), Body::AuthRequest);
    assert!(rig.logged("reqEpoch (12) < curEpoch(13)"));
}

#[test]
fn votes_are_for_replicas_of_failed_primaries() {
    let mut rig = voter();
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    assert!(rig.logged("its master is up"));
    let mut primary = Peer::primary(3, 3, 400, 500);
    primary.current = 12;
    rig.hear(&primary, Body::AuthRequest);
    assert!(rig.logged("it is a master node"));
    assert_eq!(acks(&rig), 0);
}

#[test]
fn a_candidate_that_missed_its_primarys_last_epoch_is_told_and_may_try_again() {
    let mut rig = voter();
    // The primary took epoch 8 and died before its replicas heard.
    rig.ping(&Peer::primary(1, 8, 200, 300));
    fail(&mut rig);
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    assert_eq!(acks(&rig), 0);
    assert!(rig.logged("slot 200 epoch (8) > reqConfigEpoch (2)"));
    let told = rig.sent().into_iter().any(|(n, p)| {
        n == 2
            && matches!(&p.body, Body::Update { config_epoch, node, .. }
                if config_epoch.0 == 8 && *node == id(1))
    });
    assert!(told);
    let mut again = request(2, 12);
    again.epoch = 8;
    rig.hear(&again, Body::AuthRequest);
    assert_eq!(acks(&rig), 1);
}

#[test]
fn failure_needs_a_majority_of_primaries_with_slots() {
    let mut rig = voter();
    let mut primary = Peer::primary(3, 3, 400, 500);
    let mut replica = Peer::replica(2, &Peer::primary(1, 2, 200, 300));
    rig.pass_with(2_000, &[primary.clone(), replica.clone()]);
    assert!(
        rig.nodes()
            .contains(&format!("{} 127.0.0.1:7001@17001 master,fail? ", id(1)))
    );
    // What replicas say does not count.
    replica.says = vec![(1, Flags::MASTER.with(Flags::PFAIL))];
    rig.ping(&replica);
    assert!(!rig.machine.view().node(&id(1)).expect("known").failed);
    primary.says = replica.says.clone();
    rig.clear();
    rig.ping(&primary);
    assert!(rig.machine.view().node(&id(1)).expect("known").failed);
    assert!(rig.logged("as failing (quorum reached)."));
    let told = rig
        .sent()
        .iter()
        .filter(|(_, p)| p.body == Body::Fail(id(1)))
        .count();
    assert_eq!(told, 4, "everybody is told at once");
    // It answers again: as long as it has slots, only after two time-outs.
    let back = Peer::primary(1, 2, 200, 300);
    rig.answer(&back);
    assert!(rig.machine.view().node(&id(1)).expect("known").failed);
    rig.pass_with(2_500, &[back, primary]);
    assert!(!rig.machine.view().node(&id(1)).expect("known").failed);
}

#[test]
fn reports_of_failure_grow_old() {
    let mut rig = voter();
    let mut primary = Peer::primary(3, 3, 400, 500);
    primary.says = vec![(1, Flags::MASTER.with(Flags::PFAIL))];
    rig.ping(&primary);
    let count = Request::CountFailureReports(id(1).as_bytes().to_vec());
    assert_eq!(rig.ask(count.clone()), Some(Reply::Integer(1)));
    rig.pass_with(2_100, &[Peer::primary(1, 2, 200, 300)]);
    assert_eq!(rig.ask(count), Some(Reply::Integer(0)));
}

#[test]
fn a_replica_asks_after_its_epoch_is_on_disk_and_wins_with_a_majority() {
    let (mut rig, peers) = candidate();
    fail(&mut rig);
    rig.disk = false;
    rig.clear();
    rig.pass_with(300, &peers[1..]);
    assert!(rig.logged("Starting a failover election for epoch 11."));
    assert_eq!(rig.requests(), [] as [u64; 0]);
    rig.write();
    assert_eq!(rig.requests(), [11]);
    rig.disk = true;
    let mut vote = |n: usize, epoch: u64| {
        let mut peer = peers[n].clone();
        peer.current = epoch;
        rig.hear(&peer, Body::AuthAck);
        rig.machine.view().role()
    };
    // Of four primaries three must agree. A vote counts once, and for its own epoch.
    assert_eq!(vote(1, 11), Role::Replica);
    assert_eq!(vote(1, 11), Role::Replica);
    assert_eq!(vote(2, 10), Role::Replica);
    assert_eq!(vote(2, 11), Role::Replica);
    assert_eq!(vote(3, 11), Role::Primary);
    let view = rig.machine.view();
    assert_eq!(view.myself().config_epoch.0, 11);
    assert_eq!(rig.owner(250), Some(id(0)));
    assert_eq!(rig.count(|e| matches!(e, Effect::BecomePrimary)), 1);
}

#[test]
fn a_promotion_shows_when_it_is_on_disk() {
    let (mut rig, peers) = candidate();
    fail(&mut rig);
    rig.pass_with(300, &peers[1..]);
    rig.disk = false;
    for peer in &peers[1..] {
        let mut peer = peer.clone();
        peer.current = 11;
        rig.hear(&peer, Body::AuthAck);
    }
    rig.clear();
    rig.ping(&peers[1]);
    // Until then answers show the replica of before.
    let shown = |rig: &Rig| rig.sent().last().expect("an answer").1.header.clone();
    assert_eq!(shown(&rig).replica_of, Some(id(1)));
    assert!(rig.machine.view().role() == Role::Primary);
    rig.write();
    let header = shown(&rig);
    assert_eq!((header.replica_of, header.config_epoch.0), (None, 11));
}

#[test]
fn an_election_that_failed_is_repeated_and_a_new_failure_starts_afresh() {
    let (mut rig, mut peers) = candidate();
    fail(&mut rig);
    rig.clear();
    rig.pass_with(3_900, &peers[1..]);
    assert_eq!(rig.elections().len(), 1);
    rig.pass_with(1_000, &peers[1..]);
    assert_eq!(rig.elections(), [11, 12], "again after four time-outs");
    // The primary comes back, and fails again at once: no waiting for the old election's end.
    peers[0].current = 12;
    rig.pass_with(3_000, &peers);
    rig.clear();
    rig.in_sync(1, 1_000);
    fail(&mut rig);
    rig.pass_with(300, &peers[1..]);
    assert_eq!(rig.elections().len(), 1);
}

#[test]
fn a_replica_with_old_or_no_data_does_not_stand() {
    // Never in sync, and its primary had data.
    let (mut rig, peers) = replica();
    rig.clear();
    fail(&mut rig);
    rig.pass_with(3_000, &peers[1..]);
    assert!(rig.requests().is_empty());
    assert!(rig.logged("Disconnected from master for longer than allowed"));
    // Cut off for longer than ten time-outs and a ping period.
    let (mut rig, peers) = candidate();
    rig.pass_with(22_000, &peers);
    fail(&mut rig);
    rig.clear();
    rig.pass_with(3_000, &peers[1..]);
    assert!(rig.requests().is_empty());
    // An administrator may insist.
    assert_eq!(
        rig.ask(Request::Failover(FailoverKind::Force)),
        Some(Reply::Ok)
    );
    assert_eq!(rig.requests().len(), 1);
}

#[test]
fn a_replica_of_a_new_primary_stands_though_it_never_reached_it() {
    // Two primaries died one after the other: the link to the second never came up.
    let (mut rig, peers) = candidate();
    let mut heir = Peer::primary(2, 12, 200, 300);
    (heir.shard, heir.current, heir.offset) = (1, 12, 1_000);
    rig.ping(&heir);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(2)));
    let replication = Replication {
        offset: Offset(1_000),
        primary: Some(id(2)),
        ..Replication::default()
    };
    rig.give(Event::Replication(replication));
    rig.hear(&peers[1], Body::Fail(id(2)));
    rig.clear();
    rig.pass_with(500, &peers[1..]);
    assert_eq!(rig.elections().len(), 1);
}

#[test]
fn the_replica_with_more_data_goes_first() {
    let (mut rig, peers) = candidate();
    let mut better = Peer::replica(2, &peers[0]);
    better.offset = 2_000;
    rig.ping(&better);
    rig.clear();
    fail(&mut rig);
    rig.pass_with(100, &peers[1..]);
    assert!(rig.logged("(rank #1, primary rank #0, offset 1000)."));
}

#[test]
fn a_replica_told_not_to_does_not_stand_but_on_command() {
    let (mut rig, peers) = candidate();
    let settings = Settings {
        node_timeout: 1_000,
        port: 7000,
        bus_port: 17_000,
        replica_no_failover: true,
        ..Settings::default()
    };
    rig.give(Event::Settings(Box::new(settings)));
    fail(&mut rig);
    rig.clear();
    rig.pass_with(3_000, &peers[1..]);
    assert!(rig.requests().is_empty());
    rig.ask(Request::Failover(FailoverKind::Force));
    assert_eq!(rig.requests().len(), 1);
}

#[test]
fn takeover_asks_nobody() {
    let (mut rig, _) = candidate();
    rig.clear();
    assert_eq!(
        rig.ask(Request::Failover(FailoverKind::Takeover)),
        Some(Reply::Ok)
    );
    assert!(rig.requests().is_empty());
    assert_eq!(rig.owner(250), Some(id(0)));
    assert_eq!(rig.machine.view().myself().config_epoch.0, 11);
}

#[test]
fn a_manual_failover_waits_for_the_primarys_offset() {
    let (mut rig, mut peers) = candidate();
    rig.clear();
    assert_eq!(
        rig.ask(Request::Failover(FailoverKind::Default)),
        Some(Reply::Ok)
    );
    assert!(
        rig.sent()
            .iter()
            .any(|(n, p)| *n == 1 && p.body == Body::MfStart)
    );
    assert!(rig.requests().is_empty());
    peers[0].marks = marks::PAUSED;
    peers[0].offset = 1_500;
    rig.ping(&peers[0]);
    assert!(rig.requests().is_empty(), "500 bytes are missing");
    rig.in_sync(1, 1_500);
    assert_eq!(rig.requests(), [11]);
    let (_, asked) = rig
        .sent()
        .into_iter()
        .find(|(_, p)| p.body == Body::AuthRequest)
        .expect("a request");
    assert_eq!(asked.header.marks, marks::FORCEACK);
}

#[test]
fn a_manual_failover_ends_in_time() {
    let (mut rig, peers) = candidate();
    rig.ask(Request::Failover(FailoverKind::Default));
    rig.clear();
    rig.pass_with(5_100, &peers);
    assert!(rig.logged("Manual failover timed out."));
    assert!(rig.requests().is_empty());
}

#[test]
fn a_primary_pauses_for_its_replica_and_tells_where_it_stands() {
    let mut rig = voter();
    let mut me = Peer::primary(0, 5, 0, 100);
    me.current = 10;
    let replica = Peer::replica(2, &me);
    rig.ping(&replica);
    rig.clear();
    rig.hear(&replica, Body::MfStart);
    let until = rig.now.mono + 10_000;
    assert!(
        rig.effects
            .iter()
            .any(|e| matches!(e, Effect::PauseClients { until: u } if *u == until))
    );
    // The offset is told once it stands, not before.
    rig.pass(100);
    assert!(
        rig.sent()
            .iter()
            .all(|(_, p)| p.header.marks & marks::PAUSED == 0)
    );
    rig.give(Event::Paused {
        offset: Offset(777),
    });
    rig.clear();
    rig.pass(100);
    let (_, told) = rig
        .sent()
        .into_iter()
        .find(|(n, _)| *n == 2)
        .expect("a ping each tick");
    assert_eq!(
        (told.header.marks & marks::PAUSED, told.header.offset.0),
        (marks::PAUSED, 777)
    );
    // The replica takes over: the pause ends with our time as a primary.
    let mut heir = Peer::primary(2, 11, 0, 100);
    (heir.shard, heir.current) = (0, 11);
    rig.clear();
    rig.ping(&heir);
    assert_eq!(rig.machine.view().role(), Role::Replica);
    assert_eq!(rig.count(|e| matches!(e, Effect::UnpauseClients)), 1);
    let at = |wanted: fn(&Effect) -> bool| rig.effects.iter().position(wanted);
    assert!(
        at(|e| matches!(e, Effect::UnpauseClients)) > at(|e| matches!(e, Effect::ViewChanged)),
        "whoever was paused goes on by the new view"
    );
    // A stranger's replica cannot make us pause.
    rig.clear();
    rig.hear(
        &Peer::replica(4, &Peer::primary(1, 2, 200, 300)),
        Body::MfStart,
    );
    assert_eq!(rig.count(|e| matches!(e, Effect::PauseClients { .. })), 0);
}

/// All slots are served, and everybody answers.
fn serving() -> (Rig, Vec<Peer>) {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 5, "0-5000"),
        conf_line(1, 1, "master", "-", 2, "5001-10000"),
        conf_line(3, 3, "master", "-", 3, "10001-16383"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let peers = vec![
        Peer::primary(1, 2, 5_001, 10_000),
        Peer::primary(3, 3, 10_001, 16_383),
    ];
    rig.pass_with(3_000, &peers);
    (rig, peers)
}

fn served_until(rig: &Rig) -> u64 {
    let until = |e: &Effect| {
        if let Effect::ServeUntil(t) = e {
            Some(*t)
        } else {
            None
        }
    };
    rig.effects.iter().filter_map(until).max().unwrap_or(0)
}

#[test]
fn a_primary_stops_serving_when_the_majority_is_out_of_reach() {
    let (mut rig, peers) = serving();
    assert_eq!(rig.machine.view().state(), State::Ok);
    assert!(served_until(&rig) > rig.now.mono);
    // One of two answers: a majority with us.
    rig.pass_with(5_000, &peers[..1]);
    assert!(served_until(&rig) > rig.now.mono);
    let alone = rig.now.mono;
    rig.pass(5_000);
    assert_eq!(rig.machine.view().state(), State::Fail);
    // A ping in flight may be half a time-out old when they fall silent.
    assert!(
        served_until(&rig) <= alone + 2_000,
        "{}",
        served_until(&rig) - alone
    );
    // Back among them, it waits before it serves.
    rig.clear();
    rig.pass_with(300, &peers);
    assert_eq!(rig.machine.view().state(), State::Fail);
    rig.pass_with(3_000, &peers);
    assert_eq!(rig.machine.view().state(), State::Ok);
}

/// What a view says is in force by then: a node that has no right to serve refuses all commands.
#[test]
fn a_replica_has_the_right_to_serve_before_it_says_so() {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "0-100"),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 5 lastVoteEpoch 5");
    assert_eq!(rig.machine.view().state(), State::Fail, "slots are missing");
    rig.clear();
    rig.ping(&Peer::primary(1, 3, 0, 16_383));
    assert_eq!(rig.machine.view().state(), State::Ok);
    assert!(served_until(&rig) > rig.now.mono);
    let at = |wanted: fn(&Effect) -> bool| rig.effects.iter().position(wanted);
    assert!(
        at(|e| matches!(e, Effect::ServeUntil(_))) < at(|e| matches!(e, Effect::ViewChanged)),
        "{:?}",
        rig.effects
    );
}

#[test]
fn a_process_that_slept_does_not_serve_before_it_asked_anew() {
    let (mut rig, peers) = serving();
    let before = served_until(&rig);
    rig.now.mono += 10_000;
    assert!(before < rig.now.mono, "workers stop by themselves");
    rig.clear();
    // What waited in the sockets was sent long ago.
    rig.answer(&peers[0]);
    rig.answer(&peers[1]);
    rig.ping(&peers[0]);
    assert_eq!(served_until(&rig), 0);
    assert_eq!(rig.machine.view().state(), State::Fail);
    rig.pass_with(2_500, &peers);
    assert_eq!(rig.machine.view().state(), State::Ok);
    assert!(served_until(&rig) > rig.now.mono);
}

#[test]
fn the_wall_clock_decides_nothing() {
    for jump in [-1_000_000_000_000, 1_000_000_000_000] {
        let (mut rig, peers) = serving();
        rig.now.wall.0 += jump;
        rig.clear();
        rig.pass_with(3_000, &peers);
        assert_eq!(rig.machine.view().state(), State::Ok);
        assert!(!rig.nodes().contains("fail"));
    }
}

#[test]
fn a_wedged_node_falls_silent_once_its_time_is_over() {
    let (mut rig, peers) = serving();
    let settings = Settings {
        node_timeout: 1_000,
        port: 7000,
        bus_port: 17_000,
        stuck_timeout: 5_000,
        ..Settings::default()
    };
    rig.give(Event::Settings(Box::new(settings)));
    let since = rig.now.mono;
    rig.give(Event::WorkersStuck(Some(since)));
    rig.clear();
    rig.pass_with(4_500, &peers);
    rig.ping(&peers[0]);
    assert!(!rig.sent().is_empty(), "busy is not dead");
    rig.pass_with(1_000, &peers);
    rig.clear();
    rig.ping(&peers[0]);
    rig.pass_with(500, &peers);
    assert!(rig.sent().is_empty());
    assert_eq!(rig.machine.view().state(), State::Fail);
    rig.give(Event::WorkersStuck(None));
    rig.pass_with(3_000, &peers);
    assert_eq!(rig.machine.view().state(), State::Ok);
}

#[test]
fn a_lost_ping_is_repeated_where_the_peer_is_heard_otherwise() {
    let mut rig = voter();
    let peer = Peer::primary(3, 3, 400, 500);
    // It pings us all the time, but our ping to it got lost.
    for _ in 0..12 {
        rig.pass(100);
        rig.ping(&peer);
    }
    rig.clear();
    for _ in 0..6 {
        rig.pass(100);
        rig.ping(&peer);
    }
    assert!(
        !rig.nodes()
            .contains(&format!("{} 127.0.0.1:7003@17003 master,fail?", id(3)))
    );
    let pings = rig
        .sent()
        .iter()
        .filter(|(n, p)| *n == 3 && matches!(p.body, Body::Ping(_)))
        .count();
    assert!(pings >= 1);
}

#[test]
fn a_link_that_works_one_way_only_is_opened_anew() {
    let mut rig = voter();
    let peer = Peer::primary(3, 3, 400, 500);
    rig.clear();
    for _ in 0..25 {
        rig.pass(100);
        rig.ping(&peer);
    }
    assert_eq!(
        rig.count(|e| matches!(e, Effect::Connect { port: 17_003, .. })),
        1
    );
    assert!(
        !rig.nodes()
            .contains(&format!("{} 127.0.0.1:7003@17003 master,fail?", id(3)))
    );
}

#[test]
fn a_replica_moves_to_a_primary_that_lost_all_of_its_own() {
    let lines = [
        conf_line(0, 1, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 2, "0-8000"),
        conf_line(2, 1, "slave", id(1).as_str(), 2, ""),
        conf_line(3, 3, "master", "-", 3, "8001-16383"),
        conf_line(4, 3, "slave", id(3).as_str(), 3, ""),
    ];
    let mut rig = Rig::new(&lines, "currentEpoch 10 lastVoteEpoch 9");
    let (a, b) = (
        Peer::primary(1, 2, 0, 8_000),
        Peer::primary(3, 3, 8_001, 16_383),
    );
    let all = [
        a.clone(),
        Peer::replica(2, &a),
        b.clone(),
        Peer::replica(4, &b),
    ];
    rig.pass_with(8_000, &all);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(1)));
    rig.hear(&b, Body::Fail(id(4)));
    rig.pass_with(4_000, &all[..3]);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(1)));
    rig.pass_with(3_000, &all[..3]);
    assert_eq!(rig.machine.view().my_primary().map(|n| n.id), Some(id(3)));
}

#[test]
fn a_primary_that_lost_its_data_waits_for_a_replica() {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 5, "0-5000"),
        conf_line(1, 1, "master", "-", 2, "5001-10000"),
        conf_line(2, 0, "slave", id(0).as_str(), 5, ""),
        conf_line(3, 3, "master", "-", 3, "10001-16383"),
    ];
    let vars = "currentEpoch 10 lastVoteEpoch 9";
    let others = [
        Peer::primary(1, 2, 5_001, 10_000),
        Peer::primary(3, 3, 10_001, 16_383),
    ];
    let mut rig = Rig::without_data(&lines, vars);
    rig.pass_with(4_000, &others);
    rig.ping(&others[0]);
    assert!(
        rig.sent().is_empty(),
        "a word from us would delay the failover"
    );
    assert_eq!(rig.machine.view().state(), State::Fail);
    // The replica took over: we follow it, and speak again.
    let mut heir = Peer::primary(2, 11, 0, 5_000);
    (heir.shard, heir.current) = (0, 11);
    rig.ping(&heir);
    assert_eq!(rig.machine.view().role(), Role::Replica);
    rig.pass_with(1_000, &others);
    assert!(!rig.sent().is_empty());
    // Nobody took over: better without the data than not at all.
    let mut rig = Rig::without_data(&lines, vars);
    rig.pass_with(12_000, &others);
    assert_eq!(rig.machine.view().state(), State::Ok);
    // Without replicas there is nothing to wait for.
    let mut rig = Rig::without_data(&[lines[0].clone(), lines[1].clone()], vars);
    rig.pass(100);
    assert!(!rig.sent().is_empty());
}

#[test]
fn a_lost_meet_is_repeated() {
    let mut rig = voter();
    let meet = Request::Meet {
        ip: "127.0.0.1".to_owned(),
        port: 7050,
        bus_port: Some(17_050),
    };
    rig.ask(meet);
    rig.clear();
    rig.pass(900);
    let meets = rig
        .sent()
        .iter()
        .filter(|(n, p)| *n == 50 && matches!(p.body, Body::Meet(_)))
        .count();
    assert!(meets >= 2, "{meets}");
    rig.answer(&Peer::primary(50, 0, 0, 0));
    assert!(rig.machine.view().node(&id(50)).is_some());
    rig.clear();
    rig.pass(900);
    assert!(
        !rig.sent()
            .iter()
            .any(|(_, p)| matches!(p.body, Body::Meet(_)))
    );
}

#[test]
fn the_other_voters_learn_of_a_suspicion_at_once() {
    let mut rig = voter();
    let mut other = Peer::primary(3, 3, 400, 500);
    other.current = 10;
    let end = rig.now.mono + 60_000;
    while !rig.nodes().contains("master,fail?") {
        assert!(rig.now.mono < end, "{}", rig.nodes());
        rig.answer(&other);
        rig.clear();
        rig.pass(100);
    }
    let told = rig.sent().into_iter().any(|(n, packet)| {
        let Body::Pong(gossip) = &packet.body else {
            return false;
        };
        let suspect = |entry: &bus::GossipEntry| entry.id == id(1) && entry.flags.has(Flags::PFAIL);
        n == 3 && gossip.entries.iter().any(suspect)
    });
    assert!(told, "{:?}", rig.sent());
}

#[test]
fn the_moment_of_a_suspicion_and_of_an_election_are_named() {
    let mut rig = voter();
    let due = loop {
        rig.pass(100);
        if let Some(due) = rig.machine.wake_at() {
            break due;
        }
    };
    assert!(due > rig.now.mono && due < rig.now.mono + 100);
    assert!(!rig.nodes().contains("fail?"));
    rig.now.mono = due;
    rig.give(Event::Due);
    assert!(rig.nodes().contains("fail?"));

    let (mut rig, _) = candidate();
    fail(&mut rig);
    let due = rig.machine.wake_at().expect("an election is planned");
    rig.clear();
    rig.now.mono = due;
    rig.give(Event::Due);
    assert_eq!(rig.requests(), [11]);
}

#[test]
fn a_request_that_overtakes_the_news_of_the_failure_gets_its_vote() {
    let mut rig = voter();
    rig.clear();
    rig.hear(&request(2, 11), Body::AuthRequest);
    assert_eq!(acks(&rig), 0);
    assert!(rig.logged("its master is up"));
    fail(&mut rig);
    assert_eq!(acks(&rig), 1);
    // It is spent: later news bring no second vote.
    fail(&mut rig);
    assert_eq!(acks(&rig), 1);
}

#[test]
fn votes_are_asked_for_again_in_the_same_epoch() {
    let (mut rig, peers) = candidate();
    fail(&mut rig);
    let answering = &peers[1..];
    rig.clear();
    rig.pass_with(3_000, answering);
    let asked = rig.requests();
    assert!(asked.len() > 1, "{asked:?}");
    assert!(asked.iter().all(|epoch| *epoch == 11), "{asked:?}");
}
