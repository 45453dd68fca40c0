//! Deterministic simulation of the cluster machine: the code that real nodes run, under virtual
//! time and a faulty network.
//!
//! A seed decides everything: the size of the cluster, what the network does, which nodes pause,
//! crash and restart, which commands an administrator gives. A run has two parts: faults, during
//! which nothing unsafe may happen, and then peace, in which all nodes must come to agree. Checks
//! read what nodes send and whether they would serve; they share no code with the machine.
#![forbid(unsafe_code)]

mod chaos;
mod checks;
mod directed;
mod effects;
mod formation;
mod network;
mod params;
mod random;
mod scale;
mod world;

pub use directed::vote_lost_in_a_crash;
pub use params::{Commands, Params};
pub use scale::{Traffic, formula_bytes_per_second, measure_gossip};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed, to run it again.
    pub seed: u64,
    /// What went wrong; empty if nothing did.
    pub violations: Vec<String>,
    /// A hash over everything that happened, in order: two runs of one seed agree.
    pub trace: u64,
    /// Events handled by nodes.
    pub events: u64,
    /// Elections won.
    pub promotions: u64,
    /// Crashes of nodes.
    pub crashes: u64,
    /// Virtual milliseconds from peace to agreement.
    pub agreed_after: Option<u64>,
}

/// Runs one seed.
pub fn run(seed: u64, params: &Params) -> Report {
    let mut world = world::World::new(seed, params.clone());
    formation::form(&mut world);
    if world.checks.violations.is_empty() {
        chaos::disturb(&mut world);
        chaos::heal(&mut world);
    }
    world.report()
}

/// Runs seeds `first..first + count` with parameters drawn from each seed; returns the reports of
/// those that failed and the number of promotions in all.
pub fn run_many(first: u64, count: u64) -> (Vec<Report>, u64) {
    let mut failed = Vec::new();
    let mut promotions = 0;
    for seed in first..first + count {
        let report = run(seed, &Params::random(seed));
        promotions += report.promotions;
        if !report.violations.is_empty() {
            failed.push(report);
        }
    }
    (failed, promotions)
}

#[cfg(test)]
mod tests;
