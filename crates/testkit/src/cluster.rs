//! A cluster of real processes, made with CLUSTER commands and waited for until it serves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::port::{Port, reserve};
use crate::program::Program;
use crate::server::{Server, ServerPlan};
use crate::wait::wait_for;

/// How long the nodes may take until all of them say that the cluster is ok.
const FORM_LIMIT: Duration = Duration::from_secs(60);
const SLOTS: usize = 16_384;

/// What to start: one program per node, masters first.
#[derive(Debug)]
pub struct ClusterPlan {
    masters: usize,
    nodes: Vec<Program>,
    options: Vec<(String, Vec<String>)>,
    ports: Vec<Port>,
    binary: Option<PathBuf>,
}

impl ClusterPlan {
    /// `masters` of one program and `replicas` replicas for each.
    pub fn of(program: Program, masters: usize, replicas: usize) -> ClusterPlan {
        Self::mixed(&vec![program; masters], &vec![program; masters * replicas])
    }

    /// Any programs: replica number i follows master number i modulo the masters.
    pub fn mixed(masters: &[Program], replicas: &[Program]) -> ClusterPlan {
        ClusterPlan {
            masters: masters.len(),
            nodes: [masters, replicas].concat(),
            options: Vec::new(),
            ports: Vec::new(),
            binary: None,
        }
    }

    /// An option for every node.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> ClusterPlan {
        self.options.push((name.into(), vec![value.into()]));
        self
    }

    /// Runs this file on every node in place of the program's own.
    #[must_use]
    pub fn binary(mut self, path: &Path) -> ClusterPlan {
        self.binary = Some(path.into());
        self
    }

    /// Uses ports reserved before, one per node.
    #[must_use]
    pub fn ports(mut self, ports: Vec<Port>) -> ClusterPlan {
        self.ports = ports;
        self
    }

    /// The plan of one node, with `cluster-enabled` and a node time-out of two seconds.
    pub fn node(&self, program: Program) -> ServerPlan {
        let mut plan = Server::of(program).option("cluster-enabled", "yes");
        let own = |name: &str| self.options.iter().any(|(given, _)| given == name);
        if !own("cluster-node-timeout") {
            plan = plan.option("cluster-node-timeout", "2000");
        }
        for (name, values) in &self.options {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            plan = plan.options(name, &values);
        }
        if let Some(binary) = &self.binary {
            plan = plan.binary(binary);
        }
        plan
    }

    /// Starts the nodes without telling them of each other.
    ///
    /// # Panics
    /// When one does not come up.
    #[track_caller]
    pub fn start_apart(mut self) -> Cluster {
        let mut ports = std::mem::take(&mut self.ports).into_iter();
        let nodes = self.nodes.iter().map(|program| {
            let port = ports.next().unwrap_or_else(reserve);
            self.node(*program).start_on(port)
        });
        Cluster {
            nodes: nodes.collect(),
            masters: self.masters,
        }
    }

    /// Starts the nodes, joins them, gives out the slots and waits until all serve.
    ///
    /// # Panics
    /// When the cluster does not form within a minute.
    #[track_caller]
    pub fn start(self) -> Cluster {
        let cluster = self.start_apart();
        cluster.join();
        cluster
    }
}

/// A running cluster; its first `masters` nodes began as masters.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, masters first.
    pub nodes: Vec<Server>,
    /// How many of them began as masters.
    pub masters: usize,
}

impl Cluster {
    /// Joins the nodes, gives out the slots in even ranges, attaches the replicas and waits.
    ///
    /// # Panics
    /// When the cluster does not form within a minute.
    #[track_caller]
    pub fn join(&self) {
        let first = &self.nodes[0];
        for (index, node) in self.nodes.iter().enumerate() {
            // Distinct epochs from the start, as redis-cli gives them: no collision to resolve.
            node.line(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))
                .expect_ok();
            if index < self.masters {
                let from = SLOTS * index / self.masters;
                let to = SLOTS * (index + 1) / self.masters - 1;
                node.line(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"))
                    .expect_ok();
            }
            if index > 0 {
                node.line(&format!("CLUSTER MEET 127.0.0.1 {}", first.port()))
                    .expect_ok();
            }
        }
        self.await_acquaintance();
        for (index, node) in self.nodes.iter().enumerate().skip(self.masters) {
            let master = self.id(index % self.masters);
            node.line(&format!("CLUSTER REPLICATE {master}"))
                .expect_ok();
        }
        self.await_ok(FORM_LIMIT);
    }

    /// The id of a node.
    #[track_caller]
    pub fn id(&self, node: usize) -> String {
        self.nodes[node].line("CLUSTER MYID").text()
    }

    /// A field of a node's CLUSTER INFO; `None` while it does not answer.
    pub fn info(&self, node: usize, field: &str) -> Option<String> {
        let mut conn = self.nodes[node].try_connect().ok()?;
        let fields = conn.fields(&["CLUSTER", "INFO"]).ok()?;
        fields
            .into_iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value)
    }

    /// Waits until every node that runs says that the cluster is ok, knows a master for all slots
    /// and, if it is a replica, has its link up.
    ///
    /// # Panics
    /// When it does not come true within `limit`.
    #[track_caller]
    pub fn await_ok(&self, limit: Duration) {
        let running: Vec<usize> = (0..self.nodes.len()).collect();
        self.await_ok_among(&running, limit);
    }

    /// As [`Cluster::await_ok`], asking only these nodes.
    ///
    /// # Panics
    /// When it does not come true within `limit`.
    #[track_caller]
    pub fn await_ok_among(&self, nodes: &[usize], limit: Duration) {
        for &node in nodes {
            let what = format!("node on port {} ok", self.nodes[node].port());
            wait_for(&what, limit, || self.node_is_ok(node).then_some(()));
        }
    }

    /// The index of the node that a role is reported by: the first running master of `slot`
    /// as `asked` sees it.
    pub fn owner(&self, asked: usize, slot: u16) -> Option<usize> {
        let mut conn = self.nodes[asked].try_connect().ok()?;
        let slots = conn.try_call(&["CLUSTER", "SLOTS"]).ok()?;
        slots.array().iter().find_map(|range| {
            let fields = range.array();
            let holds = (fields[0].int()..=fields[1].int()).contains(&i64::from(slot));
            let port = fields[2].array()[1].int();
            let index = self
                .nodes
                .iter()
                .position(|node| i64::from(node.port()) == port);
            if holds { index } else { None }
        })
    }

    /// True if the node says that the cluster is ok and, being a replica, has its link up.
    pub fn node_is_ok(&self, node: usize) -> bool {
        if self.info(node, "cluster_state").as_deref() != Some("ok") {
            return false;
        }
        let link = || {
            let mut conn = self.nodes[node].try_connect().ok()?;
            let fields = conn.fields(&["INFO", "replication"]).ok()?;
            let value = |name: &str| {
                fields
                    .iter()
                    .find(|(field, _)| field == name)
                    .map(|(_, value)| value.clone())
            };
            Some(value("role")? == "master" || value("master_link_status")? == "up")
        };
        link() == Some(true)
    }

    fn await_acquaintance(&self) {
        let all = self.nodes.len();
        for (node, server) in self.nodes.iter().enumerate() {
            let what = format!("node on port {} knows all {all}", server.port());
            wait_for(&what, FORM_LIMIT, || {
                let reply = server
                    .try_connect()
                    .ok()?
                    .try_call(&["CLUSTER", "NODES"])
                    .ok()?;
                let text = reply.text();
                let lines = text.lines().count();
                let known = lines == all && !text.contains("handshake");
                let slots = self.info(node, "cluster_slots_assigned")?;
                (known && slots == SLOTS.to_string()).then_some(())
            });
        }
    }
}
