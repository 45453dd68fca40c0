//! Where the load goes: one server, or the masters of a cluster with a hash tag for each slot.

use std::sync::OnceLock;

use base::Slot;
use client::{Address, Connection, Error, SlotMap, Value};

use crate::Failure;
use crate::options::Options;
use crate::template::TAG_LENGTH;

/// A server that takes requests.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) address: Address,
    /// Its name in the cluster; empty without one.
    pub(crate) id: String,
    /// Hash tags of the slots it serves; empty without a cluster.
    pub(crate) tags: Vec<[u8; TAG_LENGTH]>,
    /// `save` and `appendonly`, where the server tells.
    pub(crate) settings: Option<[String; 2]>,
}

fn connect(options: &Options, address: &Address) -> Result<Connection, Failure> {
    let wanted = client::Options {
        user: options.user.clone(),
        password: options.password.clone(),
        ..client::Options::default()
    };
    Connection::open(address, &wanted).map_err(|fault| match fault {
        Error::Server(text) => Failure(format!("Node {address} replied with error:\n{text}")),
        other => Failure(other.to_string()),
    })
}

/// The servers that the options name.
///
/// # Errors
/// When one cannot be reached or refuses to talk.
pub(crate) fn nodes(options: &Options) -> Result<Vec<Node>, Failure> {
    let seed = options.address();
    let mut connection = connect(options, &seed)?;
    if !options.cluster {
        let settings = settings(&mut connection, &seed)?;
        return Ok(vec![Node {
            address: seed,
            id: String::new(),
            tags: Vec::new(),
            settings,
        }]);
    }
    let mut nodes = masters(&mut connection, &seed)?;
    for node in &mut nodes {
        let mut connection = connect(options, &node.address)?;
        node.settings = settings(&mut connection, &node.address)?;
    }
    Ok(nodes)
}

/// The masters as one of the nodes tells them, with the tags of their slots.
pub(crate) fn masters(connection: &mut Connection, seed: &Address) -> Result<Vec<Node>, Failure> {
    let failed = |text: String| {
        Failure(format!(
            "Cluster node {seed} replied with error:\n{text}\n\
             Failed to fetch cluster configuration from {seed}"
        ))
    };
    let reply = connection
        .query(&["CLUSTER", "SLOTS"])
        .map_err(|e| failed(e.to_string()))?;
    let map = SlotMap::parse(&reply, seed).map_err(|e| failed(e.to_string()))?;
    if map.shards().is_empty() {
        return Err(Failure(
            "Invalid cluster: there are no slots assigned.".to_owned(),
        ));
    }
    let tags = tags();
    let node = |(n, shard): (usize, &client::Shard)| Node {
        address: shard.master.address.clone(),
        id: shard.master.id.clone(),
        tags: map.slots_of(n).map(|slot| tags[slot.index()]).collect(),
        settings: None,
    };
    Ok(map.shards().iter().enumerate().map(node).collect())
}

/// Fetches the slot map again, from whichever node answers.
pub(crate) fn refreshed(options: &Options, known: &[Node]) -> Result<Vec<Node>, Failure> {
    let mut last = Failure("no cluster node is known".to_owned());
    for node in known {
        let fresh = connect(options, &node.address)
            .and_then(|mut connection| masters(&mut connection, &node.address));
        match fresh {
            Ok(nodes) => return Ok(nodes),
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

/// What the server says about its persistence; a server that does not know CONFIG is warned of.
fn settings(c: &mut Connection, address: &Address) -> Result<Option<[String; 2]>, Failure> {
    let mut values = [String::new(), String::new()];
    for (value, name) in values.iter_mut().zip(["save", "appendonly"]) {
        let reply = c
            .call(&["CONFIG", "GET", name])
            .map_err(|e| Failure(e.to_string()))?;
        if let Some(text) = reply.error_text() {
            let auth = ["NOAUTH", "WRONGPASS", "NOPERM"]
                .iter()
                .any(|code| text.starts_with(code));
            if auth {
                return Err(Failure(format!(
                    "Node {address} replied with error:\n{text}"
                )));
            }
            eprintln!("WARNING: Could not fetch server CONFIG");
            return Ok(None);
        }
        let text = reply.field(name).and_then(Value::as_text);
        *value = text.map(|t| t.into_owned()).unwrap_or_default();
    }
    Ok(Some(values))
}

/// A text of three characters for each slot whose keys it sends there as `{tag}`.
fn tags() -> &'static [[u8; TAG_LENGTH]] {
    static TAGS: OnceLock<Vec<[u8; TAG_LENGTH]>> = OnceLock::new();
    TAGS.get_or_init(|| {
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut tags = vec![[0; TAG_LENGTH]; Slot::COUNT];
        let mut missing = Slot::COUNT;
        for &a in LETTERS {
            for &b in LETTERS {
                for &c in LETTERS {
                    let tag = [a, b, c];
                    let place = &mut tags[Slot::of_key(&tag).index()];
                    if *place == [0; TAG_LENGTH] {
                        *place = tag;
                        missing -= 1;
                        if missing == 0 {
                            return tags;
                        }
                    }
                }
            }
        }
        tags
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_tag() {
        for (n, tag) in tags().iter().enumerate() {
            let key = [b"key:{".as_slice(), tag, b"}:x"].concat();
            assert_eq!(Slot::of_key(&key).index(), n);
            assert_ne!(*tag, [0; TAG_LENGTH]);
        }
    }
}
