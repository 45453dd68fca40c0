//! `COMMAND INFO` and `COMMAND DOCS` as trees, ready for either protocol version.
//!
//! The shape is Redis 7.2's. A renderer writes [`Node::Map`] as a flat array and [`Node::Set`] as
//! an array where the protocol has neither.

use crate::arg::{Arg, ArgKind};
use crate::keyspec::{Begin, Find, KeySpec};
use crate::spec::Spec;

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Names and values.
    Map(Vec<(Node, Node)>),
    /// A set.
    Set(Vec<Node>),
    /// An array.
    Array(Vec<Node>),
    /// A bulk string.
    Bulk(&'static str),
    /// A simple string.
    Simple(&'static str),
    /// An integer.
    Integer(i64),
}

fn simple_set(names: impl Iterator<Item = &'static str>) -> Node {
    Node::Set(names.map(Node::Simple).collect())
}

fn bulk_set(texts: &'static [&'static str]) -> Node {
    Node::Set(texts.iter().map(|text| Node::Bulk(text)).collect())
}

fn map<const N: usize>(pairs: [(&'static str, Node); N]) -> Node {
    Node::Map(
        pairs
            .into_iter()
            .map(|(name, value)| (Node::Bulk(name), value))
            .collect(),
    )
}

/// One command's element of the reply to `COMMAND INFO`.
pub fn info(spec: &'static Spec) -> Node {
    let subcommands: Vec<Node> = spec.subcommands().iter().map(|sub| info(sub)).collect();
    Node::Array(vec![
        Node::Bulk(spec.full_name),
        Node::Integer(spec.arity.into()),
        simple_set(spec.flags.names()),
        Node::Integer(spec.range.first.into()),
        Node::Integer(spec.range.last.into()),
        Node::Integer(spec.range.step.into()),
        simple_set(spec.acl.names()),
        bulk_set(spec.tips),
        Node::Set(spec.keys.iter().map(key_spec).collect()),
        // Redis replies with a set if there are none, with an array if there are some.
        if subcommands.is_empty() {
            Node::Set(subcommands)
        } else {
            Node::Array(subcommands)
        },
    ])
}

fn key_spec(spec: &KeySpec) -> Node {
    let number = |n: i64| Node::Integer(n);
    let typed = |name, spec| map([("type", Node::Bulk(name)), ("spec", spec)]);
    let begin = match spec.begin {
        Begin::Index(index) => typed("index", map([("index", number(index.into()))])),
        Begin::Keyword { word, start_from } => typed(
            "keyword",
            map([
                ("keyword", Node::Bulk(word)),
                ("startfrom", number(start_from.into())),
            ]),
        ),
        Begin::Unknown => typed("unknown", map([])),
    };
    let find = match spec.find {
        Find::Range { last, step, limit } => typed(
            "range",
            map([
                ("lastkey", number(last.into())),
                ("keystep", number(step.into())),
                ("limit", number(limit.into())),
            ]),
        ),
        Find::KeyNum {
            number_at,
            first,
            step,
        } => typed(
            "keynum",
            map([
                ("keynumidx", number(number_at.into())),
                ("firstkey", number(first.into())),
                ("keystep", number(step.into())),
            ]),
        ),
        Find::Unknown => typed("unknown", map([])),
    };
    let mut pairs = Vec::with_capacity(4);
    if let Some(notes) = spec.notes {
        pairs.push((Node::Bulk("notes"), Node::Bulk(notes)));
    }
    pairs.push((Node::Bulk("flags"), simple_set(spec.flags.names())));
    pairs.push((Node::Bulk("begin_search"), begin));
    pairs.push((Node::Bulk("find_keys"), find));
    Node::Map(pairs)
}

/// One command's pair of the reply to `COMMAND DOCS`: its name and what is said about it.
pub fn docs(spec: &'static Spec) -> (Node, Node) {
    let mut pairs = vec![
        ("summary", Node::Bulk(spec.summary)),
        ("since", Node::Bulk(spec.since)),
        ("group", Node::Bulk(spec.group.name())),
    ];
    if !spec.complexity.is_empty() {
        pairs.push(("complexity", Node::Bulk(spec.complexity)));
    }
    let flags = [
        (spec.deprecated.is_some(), "deprecated"),
        (spec.system, "syscmd"),
    ];
    let flags: Vec<Node> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| Node::Simple(name))
        .collect();
    if !flags.is_empty() {
        pairs.push(("doc_flags", Node::Set(flags)));
    }
    if let Some((since, instead)) = spec.deprecated {
        pairs.push(("deprecated_since", Node::Bulk(since)));
        pairs.push(("replaced_by", Node::Bulk(instead)));
    }
    if !spec.history.is_empty() {
        let entry = |(since, change): &(&'static str, &'static str)| {
            Node::Array(vec![Node::Bulk(since), Node::Bulk(change)])
        };
        pairs.push((
            "history",
            Node::Set(spec.history.iter().map(entry).collect()),
        ));
    }
    if !spec.args.is_empty() {
        pairs.push(("arguments", arguments(spec.args)));
    }
    if spec.is_container() {
        pairs.push((
            "subcommands",
            Node::Map(spec.subcommands().iter().map(|sub| docs(sub)).collect()),
        ));
    }
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| (Node::Bulk(name), value))
        .collect();
    (Node::Bulk(spec.full_name), Node::Map(pairs))
}

fn arguments(args: &'static [Arg]) -> Node {
    Node::Array(args.iter().map(argument).collect())
}

fn argument(arg: &'static Arg) -> Node {
    let mut pairs = vec![
        ("name", Node::Bulk(arg.name)),
        ("type", Node::Bulk(arg.kind.name())),
    ];
    let group = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
    if !group {
        pairs.push(("display_text", Node::Bulk(arg.display)));
    }
    if let Some(spec) = arg.key_spec {
        pairs.push(("key_spec_index", Node::Integer(spec.into())));
    }
    if let Some(token) = arg.token {
        pairs.push(("token", Node::Bulk(token)));
    }
    if let Some(since) = arg.since {
        pairs.push(("since", Node::Bulk(since)));
    }
    if let Some(version) = arg.deprecated_since {
        pairs.push(("deprecated_since", Node::Bulk(version)));
    }
    let flags = [
        (arg.optional, "optional"),
        (arg.multiple, "multiple"),
        (arg.multiple_token, "multiple_token"),
    ];
    let flags: Vec<Node> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| Node::Simple(name))
        .collect();
    if !flags.is_empty() {
        pairs.push(("flags", Node::Set(flags)));
    }
    if group {
        pairs.push(("arguments", arguments(arg.args)));
    }
    Node::Map(
        pairs
            .into_iter()
            .map(|(name, value)| (Node::Bulk(name), value))
            .collect(),
    )
}
