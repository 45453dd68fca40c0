//! Which node serves which slot, as CLUSTER SLOTS tells it.

use base::Slot;

use crate::address::Address;
use crate::error::Error;
use crate::value::Value;

/// A node of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where clients reach it.
    pub address: Address,
    /// Its forty-digit name; empty where the server gives none.
    pub id: String,
}

/// A master and its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The node that takes writes.
    pub master: Node,
    /// The nodes that copy it.
    pub replicas: Vec<Node>,
}

/// The owner of every slot.
#[derive(Clone, Debug)]
pub struct SlotMap {
    shards: Vec<Shard>,
    /// For each slot one more than the index of its shard; 0 where nobody serves it.
    owners: Vec<u16>,
}

impl Default for SlotMap {
    fn default() -> Self {
        SlotMap {
            shards: Vec::new(),
            owners: vec![0; Slot::COUNT],
        }
    }
}

impl SlotMap {
    /// Reads the reply to CLUSTER SLOTS that `said_by` gave: where it leaves a host out, its own
    /// is meant.
    pub fn parse(reply: &Value, said_by: &Address) -> Result<Self, Error> {
        const FAULT: Error = Error::Shape("CLUSTER SLOTS");
        let mut map = SlotMap::default();
        for range in reply.items().ok_or(FAULT)? {
            let [first, last, master, replicas @ ..] = range.items().ok_or(FAULT)? else {
                return Err(FAULT);
            };
            let slot = |v: &Value| {
                let n = v.as_int().and_then(|n| u16::try_from(n).ok())?;
                Slot::new(n).map(Slot::index)
            };
            let (first, last) = (slot(first).ok_or(FAULT)?, slot(last).ok_or(FAULT)?);
            if first > last {
                return Err(FAULT);
            }
            let master = node(master, said_by).ok_or(FAULT)?;
            let replicas = replicas.iter().filter_map(|r| node(r, said_by)).collect();
            let owner = map.intern(Shard { master, replicas })?;
            map.owners[first..=last].fill(owner);
        }
        Ok(map)
    }

    fn intern(&mut self, shard: Shard) -> Result<u16, Error> {
        let known = self.shards.iter().position(|s| s.master == shard.master);
        let index = known.unwrap_or_else(|| {
            self.shards.push(shard);
            self.shards.len() - 1
        });
        u16::try_from(index + 1).map_err(|_| Error::Shape("CLUSTER SLOTS"))
    }

    /// Who serves `slot`.
    pub fn owner(&self, slot: Slot) -> Option<&Shard> {
        let owner = usize::from(self.owners[slot.index()]);
        self.shards.get(owner.checked_sub(1)?)
    }

    /// All shards that serve slots, in the order of their first slots.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The slots of the shard at `index` in [`SlotMap::shards`].
    pub fn slots_of(&self, index: usize) -> impl Iterator<Item = Slot> + '_ {
        let owner = index + 1;
        (0..Slot::COUNT as u16)
            .filter(move |&n| usize::from(self.owners[usize::from(n)]) == owner)
            .filter_map(Slot::new)
    }

    /// How many slots somebody serves.
    pub fn covered(&self) -> usize {
        self.owners.iter().filter(|&&o| o != 0).count()
    }

    /// Notes that `slot` is served by `to`, as a MOVED says.
    pub fn moved(&mut self, slot: Slot, to: &Address) {
        let known = self.shards.iter().position(|s| s.master.address == *to);
        let index = known.unwrap_or_else(|| {
            let master = Node {
                address: to.clone(),
                id: String::new(),
            };
            self.shards.push(Shard {
                master,
                replicas: Vec::new(),
            });
            self.shards.len() - 1
        });
        if let Ok(owner) = u16::try_from(index + 1) {
            self.owners[slot.index()] = owner;
        }
    }
}

fn node(value: &Value, said_by: &Address) -> Option<Node> {
    let parts = value.items()?;
    let port = u16::try_from(parts.get(1)?.as_int()?).ok()?;
    // A null or an empty name stands for the address that the client already uses.
    let host = match parts.first()?.as_text() {
        Some(host) if !host.is_empty() => host.into_owned(),
        _ => said_by.host().unwrap_or("127.0.0.1").to_owned(),
    };
    if host == "?" {
        return None;
    }
    let id = parts
        .get(2)
        .and_then(Value::as_text)
        .map(|t| t.into_owned())
        .unwrap_or_default();
    Some(Node {
        address: Address::tcp(host, port),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    fn entry(host: Value, port: i64) -> Value {
        Value::Array(vec![
            host,
            Value::Int(port),
            bulk("id"),
            Value::Array(vec![]),
        ])
    }

    #[test]
    fn knows_owners_and_learns_of_moves() {
        let here = Address::tcp("10.0.0.9", 1);
        let reply = Value::Array(vec![
            Value::Array(vec![
                Value::Int(0),
                Value::Int(99),
                entry(bulk("10.0.0.1"), 7000),
                entry(bulk("10.0.0.2"), 7001),
            ]),
            Value::Array(vec![
                Value::Int(200),
                Value::Int(299),
                entry(Value::Null, 7002),
            ]),
            Value::Array(vec![
                Value::Int(300),
                Value::Int(300),
                entry(bulk("10.0.0.1"), 7000),
            ]),
        ]);
        let mut map = SlotMap::parse(&reply, &here).unwrap();
        let slot = |n| Slot::new(n).unwrap();
        assert_eq!(map.shards().len(), 2);
        assert_eq!(map.covered(), 201);
        assert_eq!(map.slots_of(0).count(), 101);
        let owner = map.owner(slot(300)).unwrap();
        assert_eq!(owner.master.address, Address::tcp("10.0.0.1", 7000));
        assert_eq!(owner.replicas[0].address, Address::tcp("10.0.0.2", 7001));
        assert_eq!(
            map.owner(slot(250)).unwrap().master.address,
            Address::tcp("10.0.0.9", 7002)
        );
        assert!(map.owner(slot(100)).is_none());
        map.moved(slot(100), &Address::tcp("10.0.0.1", 7000));
        assert_eq!(map.owner(slot(100)).unwrap().master.id, "id");
        map.moved(slot(16383), &Address::tcp("10.0.0.7", 7));
        assert_eq!(
            map.owner(slot(16383)).unwrap().master.address.port(),
            Some(7)
        );
    }

    #[test]
    fn refuses_other_shapes() {
        let here = Address::tcp("h", 1);
        let range = |a, b| {
            Value::Array(vec![Value::Array(vec![
                Value::Int(a),
                Value::Int(b),
                entry(bulk("h"), 1),
            ])])
        };
        assert!(SlotMap::parse(&range(0, 16383), &here).is_ok());
        for bad in [range(0, 16384), range(5, 4), range(-1, 4), bulk("x")] {
            assert!(SlotMap::parse(&bad, &here).is_err());
        }
    }
}
