//! Trees of the table in the form of replies.

use commands::Node;
use testkit::{Program, Reply, Server};

/// A tree as RESP3 carries it.
pub fn resp3(node: &Node) -> Reply {
    let all = |nodes: &[Node]| nodes.iter().map(resp3).collect();
    match node {
        Node::Map(pairs) => Reply::Map(pairs.iter().map(|(k, v)| (resp3(k), resp3(v))).collect()),
        Node::Set(nodes) => Reply::Set(all(nodes)),
        Node::Array(nodes) => Reply::Array(all(nodes)),
        Node::Bulk(text) => Reply::Bulk(text.as_bytes().to_vec()),
        Node::Simple(text) => Reply::Simple((*text).into()),
        Node::Integer(number) => Reply::Int(*number),
    }
}

/// A RESP3 reply as RESP2 carries it, by the rule that `Node` states.
fn flat(reply: Reply) -> Reply {
    match reply {
        Reply::Map(pairs) => Reply::Array(
            pairs
                .into_iter()
                .flat_map(|(k, v)| [flat(k), flat(v)])
                .collect(),
        ),
        Reply::Set(items) | Reply::Array(items) => {
            Reply::Array(items.into_iter().map(flat).collect())
        }
        other => other,
    }
}

#[test]
fn resp2_is_resp3_flattened() {
    let server = Server::of(Program::Redis74).start();
    let (mut two, mut three) = (server.connect(), server.connect());
    three.call(&["HELLO", "3"]);
    for request in [["COMMAND", "INFO"], ["COMMAND", "DOCS"]] {
        for spec in commands::all() {
            let request = [request[0], request[1], spec.full_name];
            assert_eq!(
                two.call(&request),
                flat(three.call(&request)),
                "{request:?}"
            );
        }
    }
}
