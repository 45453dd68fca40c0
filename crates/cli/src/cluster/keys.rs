//! Moving the keys of one slot, in pieces, with MIGRATE.

use std::time::{Duration, Instant};

use base::Slot;
use client::Value;

use super::session::{Refusal, Session, info_field};
use super::slots::Stuck;

/// How long news of a slot's owner may take to all nodes.
const GOSSIP: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(50);
/// The digest of a key that does not exist.
const ABSENT: &[u8] = b"0000000000000000000000000000000000000000";

impl Session<'_> {
    /// Moves all keys of a slot; a dot for each if `dots`.
    pub fn move_keys(
        &mut self,
        source: usize,
        target: usize,
        slot: Slot,
        dots: bool,
    ) -> Result<(), Stuck> {
        let (number, pipeline) = (slot.to_string(), self.options.pipeline.to_string());
        loop {
            let request = ["CLUSTER", "GETKEYSINSLOT", &number, &pipeline];
            let keys = match self.try_ask(source, &request) {
                Ok(reply) => key_names(&reply),
                Err(refusal) => {
                    let address = self.nodes[source].address();
                    self.show_reply_error(&address, refusal.text());
                    return Err(Stuck::shown(Some(refusal.text().to_owned())));
                }
            };
            if keys.is_empty() {
                return Ok(());
            }
            if let Err(refusal) = self.migrate(source, target, &keys, false) {
                self.retry_keys(source, target, slot, &keys, refusal)?;
            }
            if dots {
                self.console.say(".".repeat(keys.len()));
                self.console.flush();
            }
        }
    }

    /// One MIGRATE.
    fn migrate(
        &mut self,
        source: usize,
        target: usize,
        keys: &[Vec<u8>],
        replace: bool,
    ) -> Result<(), Refusal> {
        let (host, port) = (self.nodes[target].host.clone(), self.nodes[target].port);
        let mut request: Vec<Vec<u8>> = ["MIGRATE", &host, &port.to_string(), "", "0"]
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        request.push(self.options.timeout.to_string().into_bytes());
        if replace {
            request.push(b"REPLACE".to_vec());
        }
        request.extend(self.migrate_credentials());
        request.push(b"KEYS".to_vec());
        request.extend_from_slice(keys);
        self.try_ask(source, &request).map(drop)
    }

    /// What MIGRATE must be told so that the source may write at the target.
    pub fn migrate_credentials(&self) -> Vec<Vec<u8>> {
        let words: Vec<&str> = match (&self.options.user, &self.options.password) {
            (Some(user), Some(password)) => vec!["AUTH2", user, password],
            (None, Some(password)) => vec!["AUTH", password],
            (_, None) => vec![],
        };
        words
            .into_iter()
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    /// Tries once more what a MIGRATE refused for a reason that can be mended: keys that exist at
    /// the target, or (repairing) a slot that the source thinks nobody serves.
    fn retry_keys(
        &mut self,
        source: usize,
        target: usize,
        slot: Slot,
        keys: &[Vec<u8>],
        refusal: Refusal,
    ) -> Result<(), Stuck> {
        if self.options.fix && refusal.text().contains("CLUSTERDOWN") {
            // Slots were given owners a moment ago, and not both have heard of all of them.
            self.wait_until_served(source);
            self.wait_until_served(target);
            let again = self.migrate(source, target, keys, false);
            return again.map_err(|refusal| self.show_stuck(source, &refusal));
        }
        let is_busy = refusal.text().contains("BUSYKEY");
        let is_unserved = !is_busy && self.is_unserved(source, slot);
        if !is_busy && !is_unserved {
            return Err(self.show_stuck(source, &refusal));
        }
        if is_unserved && self.options.fix {
            let address = self.nodes[target].address();
            self.console.warn(format!(
                "*** Slot was not served, setting owner to node {address}.\n"
            ));
            let _ = self.set_slot(source, slot, "node", target);
        }
        if is_busy {
            self.console.error("\n*** Target key exists\n");
            if !self.options.replace {
                self.require_equal_values(source, target, keys)?;
            }
            self.console.warn("*** Replacing target keys...\n");
        }
        self.migrate(source, target, keys, is_busy)
            .map_err(|refusal| self.show_stuck(source, &refusal))
    }

    fn show_stuck(&mut self, source: usize, refusal: &Refusal) -> Stuck {
        self.console.say("\n");
        let address = self.nodes[source].address();
        self.show_reply_error(&address, refusal.text());
        Stuck::shown(Some(refusal.text().to_owned()))
    }

    /// Waits a little for the node to see the cluster as ok.
    fn wait_until_served(&mut self, at: usize) {
        let end = Instant::now() + GOSSIP;
        while Instant::now() < end {
            let Ok(info) = self.try_ask(at, &["CLUSTER", "INFO"]) else {
                return;
            };
            if info_field(&info, "cluster_state").as_deref() == Some("ok") {
                return;
            }
            std::thread::sleep(STEP);
        }
    }

    /// Whether, as the node sees it, nobody owns the slot.
    fn is_unserved(&mut self, at: usize, slot: Slot) -> bool {
        let Ok(reply) = self.ask(at, &["CLUSTER", "SLOTS"]) else {
            return false;
        };
        let number = i64::from(slot.number());
        !reply.items().unwrap_or_default().iter().any(|range| {
            let bounds: Vec<i64> = range
                .items()
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_int)
                .collect();
            matches!(bounds[..], [first, last, ..] if (first..=last).contains(&number))
        })
    }

    /// Refuses to overwrite keys whose values differ between the nodes.
    fn require_equal_values(
        &mut self,
        source: usize,
        target: usize,
        keys: &[Vec<u8>],
    ) -> Result<(), Stuck> {
        self.console
            .warn("*** Checking key values on both nodes...\n");
        let (Some(ours), Some(theirs)) = (self.digests(source, keys), self.digests(target, keys))
        else {
            self.console.error("*** Value check failed!\n");
            return Err(Stuck::shown(None));
        };
        // A key that only one node has (it moved just now, or not yet) is in nobody's way.
        let is_absent = |digest: &Value| digest.as_bytes().is_none_or(|text| text == ABSENT);
        let pairs = keys.iter().zip(ours.iter().zip(&theirs));
        let differing = pairs.filter(|(_, (a, b))| a != b && !is_absent(a) && !is_absent(b));
        let differing: Vec<&Vec<u8>> = differing.map(|(key, _)| key).collect();
        if differing.is_empty() {
            return Ok(());
        }
        let (from, to) = (self.nodes[source].address(), self.nodes[target].address());
        self.console.error(format!(
            "*** Found {} key(s) in both source node and target node having different values.\n    \
             Source node: {from}\n    Target node: {to}\n    Keys(s):\n",
            differing.len()
        ));
        for key in differing {
            self.console
                .error(format!("    - {}\n", String::from_utf8_lossy(key)));
        }
        self.console.error(
            "Please fix the above key(s) manually and try again or relaunch the command \nwith \
             --cluster-replace option to force key overriding.\n",
        );
        Err(Stuck::shown(None))
    }

    fn digests(&mut self, at: usize, keys: &[Vec<u8>]) -> Option<Vec<Value>> {
        let mut request = vec![b"DEBUG".to_vec(), b"DIGEST-VALUE".to_vec()];
        request.extend_from_slice(keys);
        let digests = self.ask(at, &request).ok()?.into_items()?;
        (digests.len() == keys.len()).then_some(digests)
    }
}

/// The strings of an array.
pub(super) fn key_names(reply: &Value) -> Vec<Vec<u8>> {
    let items = reply.items().unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_bytes().map(<[u8]>::to_vec))
        .collect()
}
