//! `add-node` and `del-node`.

use client::Value;

use super::node::Node;
use super::session::{Refusal, Session};
use super::{Failed, Outcome};

/// `--cluster add-node`.
pub(super) fn run_add(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (known_host, known_port) = session.host_argument(&args[1..])?;
    let (host, port) = session.host_argument(&args[..1])?;
    session.console.info(format!(
        ">>> Adding node {host}:{port} to cluster {known_host}:{known_port}\n"
    ));
    session.load_cluster(&known_host, known_port)?;
    session.check(false)?;
    let master = session.wanted_master()?;
    let mut node = Node::new(&host, port, None);
    if session.connect(&mut node).is_err() {
        session.console.error(format!(
            "[ERR] Sorry, can't connect to node {host}:{port}\n"
        ));
        return Err(Failed);
    }
    session.require_cluster_mode(&mut node)?;
    session.load_node(&mut node)?;
    session.require_empty(&mut node)?;
    if master.is_none() {
        // A replica gets the functions from its master.
        session.copy_functions(&mut node)?;
    }
    session.console.info(format!(
        ">>> Send CLUSTER MEET to node {host}:{port} to make it join the cluster.\n"
    ));
    let (first_host, first_port, bus_port) = (
        session.nodes[0].host.clone(),
        session.nodes[0].port,
        session.nodes[0].bus_port,
    );
    let request = session.meet_request(&first_host, first_port, bus_port)?;
    session.ask_node(&mut node, &request)?;
    session.nodes.push(node);
    if let Some(master) = master {
        session.wait_for_join();
        let (address, id) = (
            session.nodes[master].address(),
            session.nodes[master].id.clone(),
        );
        session
            .console
            .info(format!(">>> Configure node as replica of {address}.\n"));
        session.ask(session.nodes.len() - 1, &["CLUSTER", "REPLICATE", &id])?;
    }
    session.console.good("[OK] New node added correctly.\n");
    Ok(())
}

/// `--cluster del-node`.
pub(super) fn run_delete(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(&args[..1])?;
    let id = &args[1];
    session.console.info(format!(
        ">>> Removing node {id} from cluster {host}:{port}\n"
    ));
    session.load_cluster(&host, port)?;
    let Some(leaver) = session.index_of(id) else {
        session
            .console
            .error(format!("[ERR] No such node ID {id}\n"));
        return Err(Failed);
    };
    if !session.nodes[leaver].slots.is_empty() {
        let address = session.nodes[leaver].address();
        session.console.error(format!(
            "[ERR] Node {address} is not empty! Reshard data away and try again.\n"
        ));
        return Err(Failed);
    }
    session
        .console
        .info(">>> Sending CLUSTER FORGET messages to the cluster...\n");
    for index in 0..session.nodes.len() {
        if index == leaver {
            continue;
        }
        let follows = session.nodes[index].master.as_ref();
        if follows.is_some_and(|master| master.eq_ignore_ascii_case(id)) {
            session.rehome_replica(index, leaver)?;
        }
        session.ask(index, &["CLUSTER", "FORGET", id])?;
    }
    session
        .console
        .info(">>> Sending CLUSTER RESET SOFT to the deleted node.\n");
    session.ask(leaver, &["CLUSTER", "RESET", "SOFT"])?;
    Ok(())
}

impl Session<'_> {
    /// The master that the options want for the new node; `None` when it is to be a master.
    fn wanted_master(&mut self) -> Outcome<Option<usize>> {
        if !self.options.replica {
            return Ok(None);
        }
        if let Some(id) = self.options.master_id.clone() {
            let found = self.index_of(&id);
            if found.is_none() {
                self.console
                    .error(format!("[ERR] No such master ID {id}\n"));
                return Err(Failed);
            }
            return Ok(found);
        }
        let master = self.least_replicated(None).ok_or(Failed)?;
        let address = self.nodes[master].address();
        self.console
            .say(format!("Automatically selected master {address}\n"));
        Ok(Some(master))
    }

    /// Gives a new master the functions of the cluster.
    fn copy_functions(&mut self, node: &mut Node) -> Outcome {
        self.console.info(">>> Getting functions from cluster\n");
        let dump = match self.try_ask(0, &["FUNCTION", "DUMP"]) {
            Ok(reply) => reply.as_bytes().unwrap_or_default().to_vec(),
            Err(refusal) => {
                self.console.info(format!(
                    ">>> Failed retrieving Functions from the cluster, skip this step as Redis \
                     version do not support function command (error = '{}')\n",
                    refusal.text()
                ));
                return Ok(());
            }
        };
        let address = node.address();
        self.console.info(format!(
            ">>> Send FUNCTION LIST to {address} to verify there is no functions in it\n"
        ));
        let list = match self.try_ask_node(node, &["FUNCTION", "LIST"]) {
            Ok(list) => list,
            Err(refusal) => return Err(self.show_failure("Failed on CLUSTER LIST", &refusal)),
        };
        if list
            .items()
            .is_some_and(|items: &[Value]| !items.is_empty())
        {
            self.console.error(
                ">>> New node already contains functions and can not be added to the cluster. Use \
                 FUNCTION FLUSH and try again.\r\n",
            );
            return Err(Failed);
        }
        self.console
            .info(format!(">>> Send FUNCTION RESTORE to {address}\n"));
        let request = [b"FUNCTION".as_slice(), b"RESTORE", &dump];
        match self.try_ask_node(node, &request) {
            Ok(_) => Ok(()),
            Err(refusal) => {
                Err(self.show_failure("Failed loading functions to the new node", &refusal))
            }
        }
    }

    fn show_failure(&mut self, what: &str, refusal: &Refusal) -> Failed {
        self.console
            .error(format!(">>> {what} (error = '{}')\r\n", refusal.text()));
        Failed
    }

    /// Gives a replica of the leaving node another master (redis-cli may choose the leaving node
    /// itself, and then fails).
    fn rehome_replica(&mut self, replica: usize, leaver: usize) -> Outcome {
        let Some(master) = self.least_replicated(Some(leaver)) else {
            self.console
                .error("[ERR] No master is left for the replicas of the deleted node.\n");
            return Err(Failed);
        };
        let (replica_address, address) =
            (self.nodes[replica].address(), self.nodes[master].address());
        self.console
            .info(format!(">>> {replica_address} as replica of {address}\n"));
        let id = self.nodes[master].id.clone();
        self.ask(replica, &["CLUSTER", "REPLICATE", &id])?;
        self.nodes[master].replicas += 1;
        Ok(())
    }
}
