//! Measures gossip by hand: `gossip NODES TIMEOUT-MS SECONDS`.
fn main() {
    let args: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let t = sim::measure_gossip(args[0] as usize, args[1], args[2], 1);
    let f = sim::formula_bytes_per_second(args[0] as usize, args[1]);
    println!("{t:?}\nformula {f:.0}, ratio {:.2}", t.bytes_per_second / f);
}
