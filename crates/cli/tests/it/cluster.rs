//! The cluster manager beside the real one: two clusters prepared alike, the real redis-cli at
//! work on one and ours on the other, output, exit and the clusters afterwards compared.

mod access;
mod create;
mod errors;
mod fix;
mod healthy;
mod hosts;
mod import;
mod load;
mod members;
mod newer;
mod pair;
mod rebalance;
mod reshard;

pub use pair::{Answers, Pair};
