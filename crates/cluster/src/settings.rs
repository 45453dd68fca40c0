//! What the configuration decides about the machine.

use bus::IpText;

/// Which name of a node clients are given (`cluster-preferred-endpoint-type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EndpointType {
    /// Its address.
    #[default]
    Ip,
    /// Its announced host name.
    Hostname,
    /// Nothing: the client uses the address it is connected to.
    Unknown,
}

/// Up to so many primaries with slots, pinging them more often costs little.
const FEW_VOTERS: usize = 16;

/// Least node timeout in effect: a tick that comes late, or an answer that needs a moment, must not
/// look like a node that is gone.
const LEAST_TIMEOUT: u64 = 500;

/// Options that the machine reads. Times are in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `cluster-node-timeout`; less than half a second counts as that.
    pub node_timeout: u64,
    /// `cluster-ping-interval` in effect; 0 means half the node timeout.
    pub ping_interval: u64,
    /// `cluster-require-full-coverage`.
    pub require_full_coverage: bool,
    /// `cluster-allow-reads-when-down`.
    pub allow_reads_when_down: bool,
    /// `cluster-allow-pubsubshard-when-down`.
    pub allow_pubsubshard_when_down: bool,
    /// `cluster-replica-no-failover`.
    pub replica_no_failover: bool,
    /// `cluster-replica-validity-factor`; 0 switches the check of the data's age off.
    pub replica_validity_factor: u64,
    /// `cluster-migration-barrier`.
    pub migration_barrier: usize,
    /// `cluster-allow-replica-migration`.
    pub allow_replica_migration: bool,
    /// `repl-ping-replica-period`.
    pub repl_ping_period: u64,
    /// `cluster-manual-failover-timeout`.
    pub manual_failover_timeout: u64,
    /// `cluster-blacklist-ttl`: how long a forgotten node is not taken in again.
    pub blacklist_ttl: u64,
    /// How long workers may be stuck before this node falls silent so that a replica takes over;
    /// 0 means never.
    pub stuck_timeout: u64,
    /// Port for plain clients, 0 if there is none.
    pub port: u16,
    /// Port for TLS clients, 0 if there is none.
    pub tls_port: u16,
    /// Port of the bus.
    pub bus_port: u16,
    /// `tls-cluster`: the bus and the main port of packets are TLS.
    pub tls_cluster: bool,
    /// `cluster-announce-ip`; empty to detect.
    pub announce_ip: IpText,
    /// `cluster-announce-port`, 0 if not set.
    pub announce_port: u16,
    /// `cluster-announce-tls-port`, 0 if not set.
    pub announce_tls_port: u16,
    /// `cluster-announce-bus-port`, 0 if not set.
    pub announce_bus_port: u16,
    /// `cluster-announce-hostname`; empty if not set.
    pub announce_hostname: String,
    /// `cluster-announce-human-nodename`; empty if not set.
    pub announce_human_name: String,
    /// `cluster-preferred-endpoint-type`.
    pub endpoint_type: EndpointType,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            node_timeout: 15_000,
            ping_interval: 0,
            require_full_coverage: true,
            allow_reads_when_down: false,
            allow_pubsubshard_when_down: true,
            replica_no_failover: false,
            replica_validity_factor: 10,
            migration_barrier: 1,
            allow_replica_migration: true,
            repl_ping_period: 10_000,
            manual_failover_timeout: 5_000,
            blacklist_ttl: 60_000,
            stuck_timeout: 0,
            port: 6379,
            tls_port: 0,
            bus_port: 16379,
            tls_cluster: false,
            announce_ip: IpText::EMPTY,
            announce_port: 0,
            announce_tls_port: 0,
            announce_bus_port: 0,
            announce_hostname: String::new(),
            announce_human_name: String::new(),
            endpoint_type: EndpointType::Ip,
        }
    }
}

impl Settings {
    /// With what is in effect in place of what was asked for.
    pub(crate) fn in_effect(mut self) -> Settings {
        self.node_timeout = self.node_timeout.max(LEAST_TIMEOUT);
        self
    }

    /// The plain port that others are told.
    pub(crate) fn public_port(&self) -> u16 {
        if self.announce_port != 0 {
            self.announce_port
        } else {
            self.port
        }
    }

    /// The TLS port that others are told.
    pub(crate) fn public_tls_port(&self) -> u16 {
        if self.announce_tls_port != 0 {
            self.announce_tls_port
        } else {
            self.tls_port
        }
    }

    /// The bus port that others are told.
    pub(crate) fn public_bus_port(&self) -> u16 {
        if self.announce_bus_port != 0 {
            self.announce_bus_port
        } else {
            self.bus_port
        }
    }

    /// How long a handshake may take.
    pub(crate) fn handshake_timeout(&self) -> u64 {
        self.node_timeout.max(1_000)
    }

    /// How old a node's last answer may grow before it is pinged.
    pub(crate) fn ping_after(&self) -> u64 {
        if self.ping_interval != 0 {
            self.ping_interval
        } else {
            self.node_timeout / 2
        }
    }

    /// As [`Settings::ping_after`], for primaries with slots, of which there are so many. While
    /// they are few they are pinged more often, so that a paused one is missed sooner.
    pub(crate) fn ping_voters_after(&self, voters: usize) -> u64 {
        if voters <= FEW_VOTERS && self.ping_interval == 0 {
            self.node_timeout / 4
        } else {
            self.ping_after()
        }
    }
}
