//! Nodes that know each other only half: after a handshake that failed on one side, after a move.

use super::rig::{Peer, Rig, conf_line, id};
use crate::*;
use bus::{Body, Flags, Kind};

/// A primary (0) of slots 0-100 that knows primaries 1 of 200-300 and 2 of 400-500.
fn rig() -> (Rig, Vec<Peer>) {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 1, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
        conf_line(2, 2, "master", "-", 3, "400-500"),
    ];
    let rig = Rig::new(&lines, "currentEpoch 3 lastVoteEpoch 0");
    let peers = vec![Peer::primary(1, 2, 200, 300), Peer::primary(2, 3, 400, 500)];
    (rig, peers)
}

/// How many MEETs went to a peer since.
fn meets(rig: &Rig, n: u8) -> usize {
    let sent = rig.sent();
    let meet = |(to, packet): &&(u8, _)| {
        let packet: &std::sync::Arc<bus::Packet> = packet;
        *to == n && packet.kind() == Some(Kind::Meet)
    };
    sent.iter().filter(meet).count()
}

/// As [`rig`], with an empty primary (3) that peer 1 told of.
fn rig_with_newcomer() -> (Rig, Vec<Peer>) {
    let (mut rig, mut peers) = rig();
    let mut teller = peers[0].clone();
    teller.says = vec![(3, Flags::MASTER)];
    rig.ping(&teller);
    let mut newcomer = Peer::primary(3, 0, 1, 0);
    newcomer.slots = Default::default();
    peers.push(newcomer);
    assert!(rig.nodes().contains(id(3).as_str()));
    (rig, peers)
}

#[test]
fn a_node_that_does_not_seem_to_know_us_is_met_again_and_again() {
    let (mut rig, peers) = rig_with_newcomer();
    rig.pass_with(900, &peers);
    assert_eq!(meets(&rig, 3), 0, "a handshake of its own may be under way");
    rig.pass_with(3_000, &peers);
    assert_eq!(meets(&rig, 3), 3);
    // The others are old acquaintances, from the file.
    assert_eq!(meets(&rig, 1) + meets(&rig, 2), 0);
    rig.ping(&peers[2]);
    rig.clear();
    rig.pass_with(3_000, &peers);
    assert_eq!(meets(&rig, 3), 0);
}

#[test]
fn a_node_whose_handshake_ran_out_is_given_a_pause() {
    let (mut rig, peers) = rig_with_newcomer();
    rig.ping(&peers[2]);
    rig.pass_with(1_500, &peers);
    rig.give(Event::LinkDown {
        link: LinkId::In(3),
        overflow: false,
    });
    rig.pass_with(900, &peers);
    assert_eq!(meets(&rig, 3), 0);
    rig.pass_with(500, &peers);
    assert_eq!(meets(&rig, 3), 1);
}

#[test]
fn a_node_that_knew_us_for_some_time_has_forgotten_us_and_is_left_alone() {
    let (mut rig, peers) = rig_with_newcomer();
    rig.ping(&peers[2]);
    rig.pass_with(2_500, &peers);
    rig.give(Event::LinkDown {
        link: LinkId::In(3),
        overflow: false,
    });
    rig.pass_with(5_000, &peers);
    assert_eq!(meets(&rig, 3), 0);
}

#[test]
fn who_is_met_takes_in_whom_the_other_knows() {
    let (mut rig, _) = rig();
    let mut stranger = Peer::primary(5, 0, 1, 0);
    stranger.slots = Default::default();
    stranger.says = vec![(6, Flags::MASTER)];
    // A stranger's ping says nothing, its MEET does.
    rig.hear(&stranger, Body::Ping(stranger.gossip()));
    assert!(!rig.nodes().contains(id(6).as_str()));
    rig.hear(&stranger, Body::Meet(stranger.gossip()));
    assert!(rig.nodes().contains(id(6).as_str()));
}

#[test]
fn a_node_without_an_address_fails_like_any_other() {
    let (mut rig, mut peers) = rig();
    rig.pass_with(300, &peers);
    // Somebody else answers at the address of peer 1.
    rig.answer_at(1, &Peer::primary(9, 0, 1, 0));
    assert!(rig.logged("PONG contains mismatching sender ID"));
    let flags = |rig: &mut Rig| {
        let nodes = rig.nodes();
        let line = nodes.lines().find(|line| line.starts_with(id(1).as_str()));
        let flags = line.and_then(|line| line.split(' ').nth(2));
        flags.unwrap_or_default().to_owned()
    };
    assert_eq!(flags(&mut rig), "master,noaddr");
    let other = [peers.remove(1)];
    rig.clear();
    rig.pass_with(2_500, &other);
    assert_eq!(flags(&mut rig), "master,fail?,noaddr");
    let told = rig.sent().iter().any(|(_, packet)| match &packet.body {
        Body::Ping(gossip) => gossip
            .entries
            .iter()
            .any(|entry| entry.id == id(1) && entry.flags.has(Flags::PFAIL)),
        _ => false,
    });
    assert!(told, "the others learn that it is missed");
    let mut agreeing = other[0].clone();
    agreeing.says = vec![(1, Flags::MASTER.with(Flags::PFAIL))];
    rig.ping(&agreeing);
    assert_eq!(flags(&mut rig), "master,fail,noaddr");
}
