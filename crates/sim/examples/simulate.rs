//! Runs seeds by hand: `simulate FIRST COUNT`.
fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let (first, count) = (args.next().unwrap_or(1), args.next().unwrap_or(1));
    let (mut bad, mut events, mut promotions, mut slowest) = (0, 0, 0, 0);
    for seed in first..first + count {
        let report = sim::run(seed, &sim::Params::random(seed));
        events += report.events;
        promotions += report.promotions;
        slowest = slowest.max(report.agreed_after.unwrap_or(0));
        if !report.violations.is_empty() {
            bad += 1;
            println!(
                "seed {seed}: {:?}\n   {:?}",
                report.violations,
                sim::Params::random(seed)
            );
        }
    }
    println!(
        "{count} seeds, {bad} bad, {events} events, {promotions} promotions, slowest {slowest} ms"
    );
}
