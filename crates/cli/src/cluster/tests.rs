//! Tests of what the manager computes without servers.

use client::Value;

use super::affinity::{Chance, affinity, optimize};
use super::call::raw;
use super::console::Console;
use super::create::slot_ranges;
use super::line::split_for_test;
use super::node::{Node, NodeLine, parse_address, slot_ranges as shown_ranges};
use super::options::{Options, Taken};

#[test]
fn addresses_are_read_from_the_last_colon() {
    assert_eq!(
        parse_address("127.0.0.1:7000"),
        Some(("127.0.0.1".into(), 7000, None))
    );
    let full = parse_address("10.0.0.1:7000@17000,host.example,shard-id=1");
    assert_eq!(full, Some(("10.0.0.1".into(), 7000, Some(17000))));
    assert_eq!(
        parse_address("::1:7000@9"),
        Some(("::1".into(), 7000, Some(9)))
    );
    assert_eq!(parse_address(":0@0"), Some((String::new(), 0, Some(0))));
    for text in ["", "nonsense", "host:", "host:port", "host:70000"] {
        assert_eq!(parse_address(text), None, "{text}");
    }
}

#[test]
fn slots_are_shared_out_as_redis_cli_does() {
    assert_eq!(slot_ranges(3), [(0, 5460), (5461, 10922), (10923, 16383)]);
    assert_eq!(
        slot_ranges(4),
        [(0, 4095), (4096, 8191), (8192, 12287), (12288, 16383)]
    );
    for masters in [5, 6, 7, 100, 1000] {
        let ranges = slot_ranges(masters);
        assert_eq!((ranges[0].0, ranges[masters - 1].1), (0, 16383));
        assert!(
            ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0),
            "{ranges:?}"
        );
    }
}

#[test]
fn a_line_of_cluster_nodes_becomes_a_node() {
    let id = "a".repeat(40);
    let text = format!(
        "{id} 127.0.0.1:7001@17001 myself,master - 0 1426238316232 2 connected 0-2 7 [9->-b] [10-<-c]"
    );
    let line = NodeLine::parse(&text).expect("a whole line");
    let mut node = Node::new("127.0.0.1", 7001, None);
    node.take_line(&line);
    node.take_slots(&line);
    assert!(line.is_myself() && !line.is_unjoined() && node.is_master());
    assert_eq!(shown_ranges(&node.slots), "[0-2],[7]");
    assert_eq!(
        node.migrating
            .iter()
            .map(|(slot, id)| (slot.number(), id.as_str()))
            .next(),
        Some((9, "b"))
    );
    assert_eq!(
        node.importing
            .iter()
            .map(|(slot, id)| (slot.number(), id.as_str()))
            .next(),
        Some((10, "c"))
    );
    assert_eq!(
        node.describe(0),
        format!("M: {id} 127.0.0.1:7001\n   slots:[0-2],[7] (4 slots) master")
    );
    assert!(NodeLine::parse("short line").is_none());
    // Foreign words where slots stand are passed over.
    let odd = format!("{id} h:1@2 myself,slave {id} 0 0 x connected 99999 5-banana [bad] [1->-");
    node.take_slots(&NodeLine::parse(&odd).expect("a whole line"));
    assert!(node.slots.is_empty() && node.migrating.is_empty());
}

/// Nodes on hosts: `m0` is master 0, `r0` a replica of it.
fn placed(places: &[(&str, &str)]) -> Vec<Node> {
    let build = |(number, (host, role)): (usize, &(&str, &str))| {
        let mut node = Node::new(host, number as u16, None);
        match role.strip_prefix('r') {
            Some(master) => {
                node.id = format!("replica-{number}");
                node.master = Some(format!("m{master}"));
            }
            None => node.id = (*role).to_owned(),
        }
        node
    };
    places.iter().enumerate().map(build).collect()
}

#[test]
fn replicas_beside_their_master_weigh_most() {
    let good = placed(&[("a", "m0"), ("b", "m1"), ("a", "r1"), ("b", "r0")]);
    assert_eq!(affinity(&good).score, 0);
    let bad = placed(&[
        ("a", "m0"),
        ("b", "m1"),
        ("a", "r0"),
        ("b", "r0"),
        ("b", "r0"),
    ]);
    assert_eq!(affinity(&bad).score, 10_002);
    assert_eq!(affinity(&bad).offenders, [2, 3, 4]);
}

#[test]
fn swaps_reach_a_placement_without_replicas_beside_their_masters() {
    let six = [
        ("a", "m0"),
        ("b", "m1"),
        ("c", "m2"),
        ("a", "r0"),
        ("b", "r1"),
        ("c", "r2"),
    ];
    let nine = [six.as_slice(), &[("a", "r0"), ("b", "r1"), ("c", "r2")]].concat();
    for seed in 1..200 {
        assert_eq!(
            optimize(&mut placed(&six), &mut Chance::seeded(seed)),
            0,
            "seed {seed}"
        );
        // With two replicas each, swaps may end where two of one master share a host.
        let score = optimize(&mut placed(&nine), &mut Chance::seeded(seed));
        assert!(score < 10_000, "seed {seed}: {score}");
    }
    let mut alone = placed(&[("a", "m0"), ("a", "r0")]);
    assert_eq!(optimize(&mut alone, &mut Chance::seeded(7)), 10_000);
}

#[test]
fn options_take_their_words() {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut options = Options::default();
    assert_eq!(
        options.take(&words("--cluster-replicas 1 x")),
        Taken::Words(2)
    );
    assert_eq!(options.take(&words("--cluster-yes x")), Taken::Words(1));
    assert_eq!(
        options.take(&words("--cluster-weight a=1 b=2 --cluster-yes")),
        Taken::Words(3)
    );
    assert_eq!(
        (options.replicas, options.yes, options.weights.len()),
        (1, true, 2)
    );
    assert!(matches!(
        options.take(&words("--cluster-weight a=1")),
        Taken::Refused(_)
    ));
    for line in ["--cluster-slots", "--cluster-nonsense 1", "plain", "--raw"] {
        assert_eq!(options.take(&words(line)), Taken::Not, "{line}");
    }
    assert_eq!(
        options.take(&words("--cluster-threshold 1.5x")),
        Taken::Words(2)
    );
    assert!((options.threshold - 1.5).abs() < f32::EPSILON);
}

#[test]
fn shoal_cluster_takes_options_anywhere_and_leaves_called_commands_alone() {
    let mut options = Options::default();
    let words = ["create", "a:1", "--replicas", "1", "b:2", "--cluster-yes"];
    assert_eq!(
        split_for_test(&mut options, &words),
        Ok(vec!["create".into(), "a:1".into(), "b:2".into()])
    );
    assert!(options.yes && options.replicas == 1);
    let words = ["call", "a:1", "config", "get", "--yes", "-a"];
    let called = split_for_test(&mut options, &words).expect("no options in it");
    assert_eq!(called.len(), 6);
    assert!(split_for_test(&mut options, &["check", "--nonsense"]).is_err());
}

#[test]
fn raw_replies_look_as_redis_cli_prints_them() {
    let bulk = |text: &str| Value::Bulk(text.into());
    let nested = Value::Array(vec![
        Value::Int(1),
        Value::Array(vec![bulk("a"), Value::Null]),
        bulk("b"),
    ]);
    assert_eq!(raw(&nested), b"1\na\n\nb");
    assert_eq!(raw(&Value::Error(b"ERR x".to_vec())), b"ERR x\n");
    assert_eq!(
        raw(&Value::Map(vec![
            (bulk("k"), bulk("v")),
            (bulk("l"), Value::Bool(true))
        ])),
        b"k v\nl (true)"
    );
}

#[test]
fn a_question_takes_one_line_and_no_more() {
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), &b"first\r\nsecond\nlast"[..]);
    let mut console = Console::new(&mut out, &mut err, &mut input, false);
    let answers: Vec<Option<String>> = (0..4).map(|_| console.ask("? ")).collect();
    let expected = [Some("first"), Some("second"), Some("last"), None];
    assert_eq!(answers, expected.map(|answer| answer.map(str::to_owned)));
    assert_eq!(out, b"? ? ? ? ");
}
