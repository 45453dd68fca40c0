//! A client of a cluster that follows redirections and waits failovers out.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::conn::Conn;
use crate::reply::Reply;
use crate::wait::wait_for;

/// How many redirections are followed without a rest.
const REDIRECTIONS: usize = 4;

/// A client that begins at some nodes and goes where they send it.
#[derive(Debug)]
pub struct Follower {
    conns: BTreeMap<u16, Conn>,
    ports: Vec<u16>,
    limit: Duration,
}

/// What one try came to.
enum Outcome {
    Served(Reply),
    Moved(u16),
    Asking(u16),
    /// To be tried again after a rest.
    Later(u16),
}

impl Follower {
    /// A client that knows these ports, and asks the first one first. A request that is not served
    /// within `limit` fails the test.
    ///
    /// # Panics
    /// When there is no port.
    pub fn new(ports: &[u16], limit: Duration) -> Follower {
        assert!(!ports.is_empty(), "a cluster has nodes");
        Follower {
            conns: BTreeMap::new(),
            ports: ports.to_vec(),
            limit,
        }
    }

    /// Sends a request until it is served: it may be carried out more than once when a connection
    /// is lost. Errors that tell of no redirection are replies.
    ///
    /// # Panics
    /// When the request is not served in time.
    #[track_caller]
    pub fn call(&mut self, request: &[&str]) -> Reply {
        let (mut port, mut asking) = (self.ports[0], false);
        wait_for(&format!("{request:?} is served"), self.limit, || {
            // Redirections are followed at once, but not in circles.
            for _ in 0..REDIRECTIONS {
                let outcome = self.attempt(port, request, asking);
                asking = false;
                match outcome {
                    Outcome::Served(reply) => return Some(reply),
                    Outcome::Moved(next) => port = next,
                    Outcome::Asking(next) => (port, asking) = (next, true),
                    Outcome::Later(next) => {
                        port = next;
                        return None;
                    }
                }
            }
            None
        })
    }

    /// One try at one node.
    fn attempt(&mut self, port: u16, request: &[&str], asking: bool) -> Outcome {
        let conn = self
            .conns
            .remove(&port)
            .map_or_else(|| Conn::open(port), Ok);
        let Ok(mut conn) = conn else {
            return Outcome::Later(self.other(port));
        };
        if asking && conn.try_call(&["ASKING"]).is_err() {
            return Outcome::Later(self.other(port));
        }
        let Ok(reply) = conn.try_call(request) else {
            return Outcome::Later(self.other(port));
        };
        self.conns.insert(port, conn);
        let Some(error) = reply.error() else {
            return Outcome::Served(reply);
        };
        let words: Vec<&str> = error.split(' ').collect();
        let target = || {
            let address = words.get(2).and_then(|word| word.rsplit(':').next());
            let port = address.and_then(|port| port.parse().ok());
            port.unwrap_or_else(|| panic!("no address in: {error}"))
        };
        match words[0] {
            "MOVED" => Outcome::Moved(target()),
            "ASK" => Outcome::Asking(target()),
            "CLUSTERDOWN" | "TRYAGAIN" | "LOADING" | "MASTERDOWN" => Outcome::Later(port),
            _ => Outcome::Served(reply),
        }
    }

    /// The next of the known ports.
    fn other(&self, port: u16) -> u16 {
        let at = self.ports.iter().position(|known| *known == port);
        self.ports[at.map_or(0, |at| (at + 1) % self.ports.len())]
    }
}
