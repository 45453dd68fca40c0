//! Making nodes meet, and waiting until they agree.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::node::{NodeLine, parse_address};
use super::session::Session;
use super::{Failed, Outcome};

/// How often agreement is looked for.
const STEP: Duration = Duration::from_millis(100);
/// A dot for each.
const DOT: Duration = Duration::from_secs(1);
/// After so many dots links that do not come up are named (a little later in a large cluster).
const PATIENCE: u32 = 20;
/// How long nodes may think they agree because they know only themselves.
const ACQUAINTANCE: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// The CLUSTER MEET that makes a node join the one at this address. The command wants an IP
    /// address, so a name is looked up here.
    pub fn meet_request(
        &mut self,
        host: &str,
        port: u16,
        bus_port: Option<u16>,
    ) -> Outcome<Vec<String>> {
        let Some(address) = resolve(host, port) else {
            self.console.complain(&format!(
                "Invalid IP address or hostname specified: {host}\n"
            ));
            return Err(Failed);
        };
        let mut request = vec!["CLUSTER".to_owned(), "MEET".to_owned(), address];
        request.push(port.to_string());
        if let Some(bus) = bus_port.filter(|bus| u32::from(*bus) != u32::from(port) + 10_000) {
            request.push(bus.to_string());
        }
        Ok(request)
    }

    /// Waits until all nodes give the same owners to the same slots. There is no end to it but
    /// agreement or an interrupt; links that stay down are named from time to time.
    pub fn wait_for_join(&mut self) {
        self.wait_for_acquaintance();
        self.console.say("Waiting for the cluster to join\n");
        self.console.flush();
        let patience = PATIENCE + self.nodes.len() as u32 * 15 / 100;
        let (mut dots, mut last_dot) = (0, Instant::now());
        while !self.all_agree() {
            std::thread::sleep(STEP);
            if last_dot.elapsed() < DOT {
                continue;
            }
            last_dot = Instant::now();
            self.console.say(".");
            self.console.flush();
            dots += 1;
            if dots > patience {
                self.name_dead_links();
                dots = 0;
            }
        }
        self.console.say("\n");
    }

    /// Gives the meeting a moment to begin: before it, nodes without slots all agree.
    fn wait_for_acquaintance(&mut self) {
        let end = Instant::now() + ACQUAINTANCE;
        let wanted = self.nodes.len();
        while Instant::now() < end {
            let knows_all = (0..self.nodes.len()).all(|index| {
                let reply = self.try_ask(index, &["CLUSTER", "NODES"]).ok();
                let text = reply.as_ref().and_then(|reply| reply.as_text());
                text.is_some_and(|text| text.lines().count() >= wanted)
            });
            if knows_all {
                return;
            }
            std::thread::sleep(STEP);
        }
    }

    fn name_dead_links(&mut self) {
        // Each node that somebody misses, in the order in which they were found missing.
        let mut missed: Vec<(String, Vec<String>)> = Vec::new();
        for index in 0..self.nodes.len() {
            let from = self.nodes[index].address();
            let Ok(reply) = self.try_ask(index, &["CLUSTER", "NODES"]) else {
                continue;
            };
            let text = reply.as_text().unwrap_or_default();
            for line in text
                .lines()
                .filter_map(NodeLine::parse)
                .filter(NodeLine::is_unjoined)
            {
                match missed
                    .iter_mut()
                    .find(|(address, _)| address == line.address)
                {
                    Some((_, missing)) => missing.push(from.clone()),
                    None => missed.push((line.address.to_owned(), vec![from.clone()])),
                }
            }
        }
        if missed.is_empty() {
            return;
        }
        self.console.say("\n");
        let count = missed.len();
        self.console
            .error(format!("Warning: {count} node(s) may be unreachable\n"));
        for (address, from) in missed {
            self.console.error(match parse_address(&address) {
                Some((host, _, Some(bus))) => {
                    format!(" - The port {bus} of node {host} may be unreachable from:\n")
                }
                _ => format!(" - Node {address} may be unreachable from:\n"),
            });
            for from in from {
                self.console.error(format!("   {from}\n"));
            }
            self.console.error(
                "Cluster bus ports must be reachable by every node.\nRemember that cluster bus \
                 ports are different from standard instance ports.\n",
            );
        }
    }
}

/// The host as an IP address, IPv4 first as redis-cli prefers it.
fn resolve(host: &str, port: u16) -> Option<String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let found: Vec<_> = (host, port).to_socket_addrs().ok()?.collect();
    let best = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first())?;
    Some(best.ip().to_string())
}
