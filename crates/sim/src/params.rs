//! What is drawn from a seed, or set by a test.

use crate::random::Random;
use cluster::Mutants;

/// Which commands the administrator gives while there are faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commands {
    /// None.
    None,
    /// Those that take their epochs by vote: failovers, default and forced.
    Voted,
    /// Also those that take epochs without a vote or move slots: TAKEOVER, BUMPEPOCH, SETSLOT,
    /// FORGET. The protocol promises no unique epochs then, only agreement in the end.
    All,
}

/// Parameters of a run. Times are virtual milliseconds; chances are per mille.
#[derive(Clone, Debug)]
pub struct Params {
    /// Primaries at the start, at least 3.
    pub primaries: usize,
    /// Replicas of each.
    pub replicas: usize,
    /// `cluster-node-timeout`.
    pub node_timeout: u64,
    /// Mean delay of a packet.
    pub delay: u64,
    /// Chance that a packet is lost.
    pub loss: u64,
    /// How long the faults last.
    pub chaos: u64,
    /// Mean time between faults.
    pub fault_every: u64,
    /// Mean time between commands.
    pub command_every: u64,
    /// The commands.
    pub commands: Commands,
    /// How long a write of nodes.conf takes at most.
    pub disk: u64,
    /// Chance that a write of nodes.conf fails.
    pub disk_errors: u64,
    /// Whether packets are encoded and decoded on their way.
    pub codec: bool,
    /// Faults of the machine itself, to try the checks.
    #[doc(hidden)]
    pub mutants: Mutants,
    /// How long the nodes may take to agree once there are no more faults.
    pub patience: u64,
}

impl Params {
    /// Draws parameters: 3 to 30 nodes, gentle or rough.
    pub fn random(seed: u64) -> Params {
        let mut random = Random::new(seed.wrapping_mul(31).wrapping_add(7));
        let replicas = [0, 1, 1, 1, 2, 2][random.below(6) as usize];
        let most = 30 / (1 + replicas as u64);
        // Small clusters are quicker, and as good at finding faults.
        let spread = if random.chance(100) { most - 2 } else { 4 };
        let node_timeout = [500, 1_000, 2_000][random.below(3) as usize];
        Params {
            primaries: 3 + random.below(spread) as usize,
            replicas,
            node_timeout,
            delay: 1 + random.below(node_timeout / 20),
            loss: [0, 0, 5, 50][random.below(4) as usize],
            chaos: 20_000 + random.below(40_000),
            fault_every: 500 + random.below(6_000),
            command_every: 1_000 + random.below(8_000),
            commands: [
                Commands::None,
                Commands::Voted,
                Commands::Voted,
                Commands::All,
            ][random.below(4) as usize],
            disk: 1 + random.below(200),
            disk_errors: [0, 0, 0, 100][random.below(4) as usize],
            codec: random.chance(200),
            mutants: Mutants::default(),
            patience: 90_000,
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.primaries * (1 + self.replicas)
    }
}
