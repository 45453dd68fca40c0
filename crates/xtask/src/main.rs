//! Development commands: tidy, peers, suite, conformance, figures, simulate.
fn main() {}
