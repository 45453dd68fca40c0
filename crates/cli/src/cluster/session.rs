//! One run of the cluster manager: the nodes it knows, and asking them.

use client::{Address, Connection, Error, Value};

use super::console::Console;
use super::node::{Node, NodeLine, parse_address};
use super::options::Options;
use super::{Failed, Outcome};
use crate::number::leading_int;

const NO_ADDRESS: &str = "[ERR] Invalid arguments: you need to pass either a valid address (ie. \
     120.0.0.1:7000) or space separated IP and port (ie. 120.0.0.1 7000)\n";

/// Why a node gave no answer to use.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It answered with this error.
    Reply(String),
    /// The connection failed, and why.
    Lost(String),
}

impl Refusal {
    /// The text, whatever the kind.
    pub fn text(&self) -> &str {
        match self {
            Refusal::Reply(text) | Refusal::Lost(text) => text,
        }
    }
}

/// The state of one command.
pub(super) struct Session<'a> {
    pub console: Console<'a>,
    pub options: Options,
    /// The nodes that could be reached; the one that was named comes first.
    pub nodes: Vec<Node>,
    /// Masters that the named node knows and that could not be reached.
    pub unreachable_masters: usize,
    /// How many faults `check` found.
    pub faults: usize,
}

impl<'a> Session<'a> {
    pub fn new(console: Console<'a>, options: &Options) -> Session<'a> {
        let options = options.clone();
        Session {
            console,
            options,
            nodes: Vec::new(),
            unreachable_masters: 0,
            faults: 0,
        }
    }

    /// The address in the arguments, `host:port` or `host port`; complains if there is none.
    pub fn host_argument(&mut self, args: &[String]) -> Outcome<(String, u16)> {
        let found = match args {
            [one] => parse_address(one).map(|(host, port, _)| (host, port)),
            [host, port, ..] => u16::try_from(leading_int(port))
                .ok()
                .map(|port| (host.clone(), port)),
            [] => None,
        };
        match found {
            Some((host, port)) if !host.is_empty() && port != 0 => Ok((host, port)),
            _ => {
                self.console.complain(NO_ADDRESS);
                Err(Failed)
            }
        }
    }

    /// Connects a node; shows why not.
    pub fn connect(&mut self, node: &mut Node) -> Outcome {
        match self.open(&node.host, node.port) {
            Ok(connection) => {
                node.connection = Some(connection);
                Ok(())
            }
            Err(Error::Server(text)) => {
                self.show_reply_error(&node.address(), &text);
                Err(Failed)
            }
            Err(fault) => {
                self.console.complain(&format!("{fault}\n"));
                Err(Failed)
            }
        }
    }

    fn open(&self, host: &str, port: u16) -> Result<Connection, Error> {
        let options = client::Options {
            user: self.options.user.clone().map(String::into_bytes),
            password: self.options.password.clone().map(String::into_bytes),
            ..client::Options::default()
        };
        Connection::open(&Address::tcp(host, port), &options)
    }

    /// Sends one request to a node and reads the reply. A connection that broke since the last
    /// request (an idle time-out of the server's) is opened anew, once.
    pub fn call<A: AsRef<[u8]>>(&self, node: &mut Node, args: &[A]) -> Result<Value, Error> {
        if let Some(connection) = &mut node.connection {
            match connection.call(args) {
                Err(Error::Io(_) | Error::Closed) => {}
                answer => return answer,
            }
        }
        node.connection = None;
        let mut connection = self.open(&node.host, node.port)?;
        let answer = connection.call(args);
        node.connection = Some(connection);
        answer
    }

    /// Sends one request to a node by its index; an error is the caller's to show.
    pub fn try_ask<A: AsRef<[u8]>>(&mut self, index: usize, args: &[A]) -> Result<Value, Refusal> {
        let mut node = std::mem::replace(&mut self.nodes[index], Node::new("", 0, None));
        let answer = self.try_ask_node(&mut node, args);
        self.nodes[index] = node;
        answer
    }

    /// Sends one request to a node; an error is the caller's to show.
    pub fn try_ask_node<A: AsRef<[u8]>>(
        &self,
        node: &mut Node,
        args: &[A],
    ) -> Result<Value, Refusal> {
        match self.call(node, args) {
            Ok(Value::Error(text)) => {
                Err(Refusal::Reply(String::from_utf8_lossy(&text).into_owned()))
            }
            Ok(value) => Ok(value),
            Err(fault) => Err(Refusal::Lost(fault.to_string())),
        }
    }

    /// Sends one request to a node by its index; shows an error.
    pub fn ask<A: AsRef<[u8]>>(&mut self, index: usize, args: &[A]) -> Outcome<Value> {
        let answer = self.try_ask(index, args);
        answer.map_err(|refusal| {
            let address = self.nodes[index].address();
            self.show_reply_error(&address, refusal.text())
        })
    }

    /// Sends one request to a node; shows an error.
    pub fn ask_node<A: AsRef<[u8]>>(&mut self, node: &mut Node, args: &[A]) -> Outcome<Value> {
        let answer = self.try_ask_node(node, args);
        answer.map_err(|refusal| self.show_reply_error(&node.address(), refusal.text()))
    }

    pub fn show_reply_error(&mut self, address: &str, text: &str) -> Failed {
        self.console
            .error(format!("Node {address} replied with error:\n{text}\n"));
        Failed
    }

    /// Shows that a node cannot be used, and why.
    pub fn refuse_node(&mut self, node: &Node, why: &str) -> Failed {
        self.console
            .error(format!("[ERR] Node {} {why}\n", node.address()));
        Failed
    }

    /// Makes sure that the node runs in cluster mode.
    pub fn require_cluster_mode(&mut self, node: &mut Node) -> Outcome {
        match self.try_ask_node(node, &["INFO"]) {
            Ok(info) if info_field(&info, "cluster_enabled").as_deref() == Some("1") => Ok(()),
            Ok(_) => Err(self.refuse_node(node, "is not configured as a cluster node.")),
            Err(refusal) => Err(self.refuse_node(node, refusal.text())),
        }
    }

    /// Fills in what the node says of itself, and gives the other nodes it knows.
    pub fn load_node(&mut self, node: &mut Node) -> Outcome<Vec<Node>> {
        let reply = self.ask_node(node, &["CLUSTER", "NODES"])?;
        let text = reply.as_text().unwrap_or_default();
        let mut friends = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let Some(line) = NodeLine::parse(line) else {
                let text = "Error: invalid CLUSTER NODES reply\n";
                return Err(self.show_reply_error(&node.address(), text));
            };
            let (host, port, bus_port) = parse_address(line.address).unwrap_or_default();
            if line.is_myself() {
                node.take_line(&line);
                node.take_slots(&line);
                node.bus_port = bus_port;
            } else {
                let mut friend = Node::new(&host, port, bus_port);
                friend.take_line(&line);
                friends.push(friend);
            }
        }
        Ok(friends)
    }

    /// Learns the cluster from one node and connects all the others.
    pub fn load_cluster(&mut self, host: &str, port: u16) -> Outcome {
        let mut first = Node::new(host, port, None);
        self.connect(&mut first)?;
        self.require_cluster_mode(&mut first)?;
        let friends = self.load_node(&mut first)?;
        self.nodes = vec![first];
        self.unreachable_masters = 0;
        for mut friend in friends {
            let is_master = !friend.is_replica;
            let called_lost = friend.out_of_reach;
            if self.load_friend(&mut friend).is_ok() && !called_lost {
                self.nodes.push(friend);
            } else if is_master {
                self.unreachable_masters += 1;
            }
        }
        self.count_replicas();
        Ok(())
    }

    fn load_friend(&mut self, friend: &mut Node) -> Outcome {
        if friend.host.is_empty() || friend.port == 0 {
            return Err(Failed);
        }
        self.connect(friend)?;
        self.load_node(friend).map(drop).inspect_err(|_| {
            let address = friend.address();
            self.console
                .error(format!("[ERR] Unable to load info for node {address}\n"));
        })
    }

    fn count_replicas(&mut self) {
        for index in 0..self.nodes.len() {
            let Some(master) = self.nodes[index].master.clone() else {
                continue;
            };
            if let Some(master) = self.index_of(&master) {
                self.nodes[master].replicas += 1;
            } else {
                self.console.warn(format!(
                    "*** WARNING: {} claims to be slave of unknown node ID {master}.\n",
                    self.nodes[index].address()
                ));
            }
        }
    }

    /// The index of the node with this id.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.id.eq_ignore_ascii_case(id))
    }

    /// The indexes of the nodes that say they are masters.
    pub fn masters(&self) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|&index| !self.nodes[index].is_replica)
            .collect()
    }

    /// The master with the fewest replicas, the first of several; not `except`.
    pub fn least_replicated(&self, except: Option<usize>) -> Option<usize> {
        let masters = self
            .masters()
            .into_iter()
            .filter(|&index| Some(index) != except);
        masters.min_by_key(|&index| self.nodes[index].replicas)
    }
}

/// A field of an INFO or CLUSTER INFO reply.
pub(super) fn info_field(info: &Value, name: &str) -> Option<String> {
    let text = info.as_text()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(field, _)| *field == name)
        .map(|(_, value)| value.trim_end().to_owned())
}
