//! Faults made by DEBUG. The texts are those of Valkey 9.1.

use super::rig::{Peer, Rig, conf_line, id};
use crate::*;
use bus::Kind;

/// A primary (0) of slots 0-100 that knows a primary (1) of 200-300.
fn rig() -> (Rig, Peer) {
    let lines = [
        conf_line(0, 0, "myself,master", "-", 1, "0-100"),
        conf_line(1, 1, "master", "-", 2, "200-300"),
    ];
    let rig = Rig::new(&lines, "currentEpoch 2 lastVoteEpoch 0");
    (rig, Peer::primary(1, 2, 200, 300))
}

fn drop_kind(kind: Kind) -> Request {
    Request::Fault(Fault::Drop(PacketFilter::Type(kind as u16)))
}

fn kill(node: &[u8], direction: &str) -> Request {
    Request::Fault(Fault::KillLinks {
        node: node.to_vec(),
        direction: direction.as_bytes().to_vec(),
    })
}

/// Directions of the links that the node shows.
fn links(rig: &mut Rig) -> Vec<&'static str> {
    match rig.ask(Request::Links) {
        Some(Reply::Links(rows)) => rows
            .iter()
            .map(|row| match row.link {
                LinkId::Out(_) => "to",
                LinkId::In(_) => "from",
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn packets_of_the_dropped_type_are_counted_and_do_nothing_else() {
    let (mut rig, peer) = rig();
    assert_eq!(rig.ask(drop_kind(Kind::Ping)), Some(Reply::Ok));
    rig.clear();
    rig.ping(&peer);
    assert!(rig.logged("Dropping packet of type ping that matches debug drop filter"));
    assert_eq!(rig.sent().len(), 0, "nothing is answered");
    let info = rig.ask(Request::Info);
    let counted =
        matches!(&info, Some(Reply::Text(t)) if t.contains("messages_ping_received:1\r\n"));
    assert!(counted, "{info:?}");
    // Others pass, and all do once the filter is off.
    rig.clear();
    rig.answer(&peer);
    assert!(!rig.logged("Dropping"));
    let nothing = Request::Fault(Fault::Drop(PacketFilter::Nothing));
    assert_eq!(rig.ask(nothing), Some(Reply::Ok));
    rig.clear();
    rig.ping(&peer);
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn all_packets_can_be_dropped_until_the_sender_counts_as_lost() {
    let (mut rig, peer) = rig();
    rig.pass_with(500, std::slice::from_ref(&peer));
    let everything = Request::Fault(Fault::Drop(PacketFilter::Everything));
    assert_eq!(rig.ask(everything), Some(Reply::Ok));
    rig.pass_with(3_000, std::slice::from_ref(&peer));
    assert!(rig.nodes().contains("fail?"), "{}", rig.nodes());
}

#[test]
fn the_link_of_a_dropped_packet_is_closed_where_that_is_wanted() {
    let (mut rig, peer) = rig();
    rig.ping(&peer);
    rig.ask(drop_kind(Kind::Pong));
    assert_eq!(links(&mut rig), ["to", "from"]);
    rig.ask(Request::Fault(Fault::CloseOnDrop(true)));
    rig.clear();
    rig.answer(&peer);
    assert!(rig.logged("Closing link for matching packet type pong"));
    assert_eq!(links(&mut rig), ["from"]);
    // The next tick opens it again.
    rig.pass(100);
    assert_eq!(links(&mut rig), ["to", "from"]);
}

#[test]
fn links_are_killed_by_direction() {
    for (direction, left) in [
        ("to", &["from"][..]),
        ("From", &["to"][..]),
        ("ALL", &[][..]),
    ] {
        let (mut rig, peer) = rig();
        rig.ping(&peer);
        rig.clear();
        assert_eq!(
            rig.ask(kill(id(1).as_bytes(), direction)),
            Some(Reply::Ok),
            "{direction}"
        );
        let closed = rig.count(|effect| matches!(effect, Effect::Disconnect(_)));
        assert_eq!(closed, 2 - left.len(), "{direction}");
        assert_eq!(links(&mut rig), left, "{direction}");
    }
}

#[test]
fn killing_links_of_nobody_or_of_oneself_is_refused() {
    let (mut rig, _) = rig();
    assert_eq!(rig.error(kill(b"x", "all")), "ERR Unknown node x");
    assert_eq!(
        rig.error(kill(id(0).as_bytes(), "all")),
        "ERR Cannot free cluster link(s) to myself"
    );
    assert_eq!(
        rig.error(kill(id(1).as_bytes(), "up")),
        "ERR Unknown direction up"
    );
}

#[test]
fn random_pings_can_be_left_out() {
    let (mut rig, peer) = rig();
    let peers = std::slice::from_ref(&peer);
    // With this interval nothing but the random ping is due.
    rig.pass_with(500, peers);
    let settings = Settings {
        ping_interval: 300_000,
        node_timeout: 1_000_000,
        port: 7000,
        bus_port: 17_000,
        ..Settings::default()
    };
    rig.give(Event::Settings(Box::new(settings)));
    let pings = |rig: &mut Rig| {
        rig.clear();
        rig.pass_with(10_000, peers);
        let sent = rig.sent();
        sent.iter()
            .filter(|(_, packet)| packet.kind() == Some(Kind::Ping))
            .count()
    };
    assert!(pings(&mut rig) > 0);
    rig.ask(Request::Fault(Fault::NoRandomPing(true)));
    assert_eq!(pings(&mut rig), 0);
}
