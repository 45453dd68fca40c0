//! A client of a whole cluster: it knows the slot map and follows redirections.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use base::Slot;

use crate::address::Address;
use crate::connection::{Connection, Options};
use crate::error::Error;
use crate::redirect::Redirect;
use crate::slot_map::SlotMap;
use crate::value::Value;

/// How many redirections one request may meet.
const MAX_REDIRECTS: usize = 16;

/// The pause before a request is tried again that the cluster could not serve.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A client of a cluster, for one thread.
///
/// What a request met decides what happens: MOVED corrects the map, ASK goes once to the other
/// node, TRYAGAIN and CLUSTERDOWN and a node that refuses connections are waited out up to
/// [`ClusterClient::set_patience`]. A connection that breaks *after* the request went out is an
/// error to the caller, because only the caller knows whether it may be sent twice.
#[derive(Debug)]
pub struct ClusterClient {
    seeds: Vec<Address>,
    options: Options,
    map: SlotMap,
    connections: HashMap<Address, Connection>,
    patience: Duration,
}

impl ClusterClient {
    /// Connects to the first seed that answers and fetches the slot map.
    pub fn open(seeds: &[Address], options: &Options) -> Result<Self, Error> {
        let mut client = ClusterClient {
            seeds: seeds.to_vec(),
            options: options.clone(),
            map: SlotMap::default(),
            connections: HashMap::new(),
            patience: Duration::from_secs(5),
        };
        client.refresh()?;
        Ok(client)
    }

    /// How long a request may wait for the cluster to serve its slot; five seconds at first.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The slot map as far as it is known.
    pub fn map(&self) -> &SlotMap {
        &self.map
    }

    /// Fetches the slot map from whichever known node answers.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let mut known: Vec<Address> = Vec::new();
        for shard in self.map.shards() {
            known.push(shard.master.address.clone());
            known.extend(shard.replicas.iter().map(|r| r.address.clone()));
        }
        known.extend(self.seeds.iter().cloned());
        let mut last = Error::Cluster("no cluster node is known".to_owned());
        for address in known {
            match self.slots_from(&address) {
                Ok(map) => {
                    self.map = map;
                    return Ok(());
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn slots_from(&mut self, address: &Address) -> Result<SlotMap, Error> {
        let reply = self
            .call_node(address, &["CLUSTER", "SLOTS"])?
            .into_result()?;
        SlotMap::parse(&reply, address)
    }

    /// A connection to one node, opened if there is none yet.
    pub fn node(&mut self, address: &Address) -> Result<&mut Connection, Error> {
        if !self.connections.contains_key(address) {
            let connection = Connection::open(address, &self.options)?;
            self.connections.insert(address.clone(), connection);
        }
        self.connections.get_mut(address).ok_or(Error::Closed)
    }

    /// Sends a request to one node; the reply may be an error reply.
    pub fn call_node<A: AsRef<[u8]>>(
        &mut self,
        address: &Address,
        args: &[A],
    ) -> Result<Value, Error> {
        let result = self.node(address)?.call(args);
        if result.as_ref().is_err_and(Error::is_fatal) {
            self.connections.remove(address);
        }
        result
    }

    fn ask<A: AsRef<[u8]>>(&mut self, to: &Address, args: &[A]) -> Result<Value, Error> {
        let node = self.node(to)?;
        node.push_request(&["ASKING"]);
        node.push_request(args);
        let result = node.flush().and_then(|()| {
            node.read_reply()?;
            node.read_reply()
        });
        if result.is_err() {
            self.connections.remove(to);
        }
        result
    }

    /// Sends a request to the node that serves its keys, and follows where it is sent. Other error
    /// replies are returned as they are. A request without keys goes to any node that serves a
    /// slot.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, Error> {
        let slot = slot_of(args).unwrap_or_else(|| Slot::of_key(b""));
        self.call_slot(slot, args)
    }

    /// The same with an [`Error::Server`] for error replies.
    pub fn query<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, Error> {
        self.call(args)?.into_result()
    }

    /// Sends a request to the node that serves `slot`.
    pub fn call_slot<A: AsRef<[u8]>>(&mut self, slot: Slot, args: &[A]) -> Result<Value, Error> {
        let deadline = Instant::now() + self.patience;
        let mut redirects = 0;
        let mut ask: Option<Address> = None;
        loop {
            let owner = self
                .map
                .owner(slot)
                .map(|shard| shard.master.address.clone());
            let Some(target) = ask.clone().or(owner) else {
                self.wait_and_refresh(deadline, || format!("no node serves slot {slot}"))?;
                continue;
            };
            let outcome = match ask.take() {
                Some(_) => self.ask(&target, args),
                None => self.call_node(&target, args),
            };
            let reply = match outcome {
                Err(Error::Connect { source, .. }) => {
                    self.wait_and_refresh(deadline, || {
                        format!("{target} cannot be reached: {source}")
                    })?;
                    continue;
                }
                Err(fault) => {
                    // The next request is to find the new owner, if there is one.
                    let _ = self.refresh();
                    return Err(fault);
                }
                Ok(reply) => reply,
            };
            let Value::Error(text) = &reply else {
                return Ok(reply);
            };
            if let Some(redirect) = Redirect::parse(text, &target) {
                redirects += 1;
                if redirects > MAX_REDIRECTS {
                    return Err(Error::Cluster("too many redirections".to_owned()));
                }
                match redirect {
                    Redirect::Moved { slot, to } => {
                        if self.refresh().is_err() {
                            self.map.moved(slot, &to);
                        }
                        if self.map.owner(slot).is_none_or(|s| s.master.address != to) {
                            self.map.moved(slot, &to);
                        }
                    }
                    Redirect::Ask { to, .. } => ask = Some(to),
                }
            } else if text.starts_with(b"TRYAGAIN") || text.starts_with(b"CLUSTERDOWN") {
                if Instant::now() >= deadline {
                    return Ok(reply);
                }
                self.wait_and_refresh(deadline, String::new)?;
            } else {
                return Ok(reply);
            }
        }
    }

    fn wait_and_refresh(
        &mut self,
        deadline: Instant,
        why: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        if Instant::now() >= deadline {
            return Err(Error::Cluster(why()));
        }
        thread::sleep(RETRY_PAUSE);
        // Without any node to ask, the old map serves until the deadline.
        let _ = self.refresh();
        Ok(())
    }
}

/// The slot of the first key of a request, if it has one.
fn slot_of<A: AsRef<[u8]>>(args: &[A]) -> Option<Slot> {
    let argv = commands::ByIndex::new(args.len(), |index: usize| args[index].as_ref());
    let spec = commands::resolve(&argv).ok()?;
    let mut slot = None;
    commands::keys(spec, &argv, &mut |index, _| {
        slot.get_or_insert(Slot::of_key(args[index].as_ref()));
    });
    slot
}
