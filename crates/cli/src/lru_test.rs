//! `--lru-test`: plays a cache with few popular keys and shows how often it is right.

use std::time::{Duration, Instant};

use client::{Connection, Error, Value};

use crate::output::{self, Exit};

/// Requests that are sent at once.
const BATCH: usize = 250;

/// How often figures are shown.
const REPORT: Duration = Duration::from_secs(1);

/// Runs for ever over `keys` keys.
///
/// # Errors
/// The exit code, when the server is gone or takes no values.
pub(crate) fn run(connection: &mut Connection, keys: u64) -> Result<(), Exit> {
    let broken = |fault: &Error| {
        output::complain(&format!("Error: {fault}"));
        Exit(1)
    };
    let keys = keys.max(1);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    loop {
        let (mut hits, mut misses) = (0_u64, 0_u64);
        let start = Instant::now();
        while start.elapsed() < REPORT {
            let names: Vec<String> = (0..BATCH)
                .map(|_| format!("lru:{}", popular(&mut random, keys)))
                .collect();
            let gets: Vec<_> = names.iter().map(|n| vec!["GET", n.as_str()]).collect();
            let replies = connection.pipeline(&gets).map_err(|e| broken(&e))?;
            let mut missing = Vec::new();
            for (name, reply) in names.iter().zip(replies) {
                match reply {
                    Value::Error(text) => {
                        output::print(&format!("{}\n", String::from_utf8_lossy(&text)))?;
                    }
                    Value::Null => {
                        misses += 1;
                        missing.push(vec!["SET", name.as_str(), "val"]);
                    }
                    _ => hits += 1,
                }
            }
            for reply in connection.pipeline(&missing).map_err(|e| broken(&e))? {
                if let Some(text) = reply.error_text() {
                    output::print(&format!("{text}\n"))?;
                }
            }
        }
        let all = hits + misses;
        let share = |n: u64| {
            if all == 0 {
                0.0
            } else {
                100.0 * n as f64 / all as f64
            }
        };
        output::print(&format!(
            "{all} Gets/sec | Hits: {hits} ({:.2}%) | Misses: {misses} ({:.2}%)\n",
            share(hits),
            share(misses)
        ))?;
    }
}

/// A number below `keys` by the power law under which a fifth of the keys gets four fifths of the
/// requests.
fn popular(state: &mut u64, keys: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let unit = (*state >> 11) as f64 / (1_u64 << 53) as f64;
    // 0.2 of the keys, 0.8 of the mass: the exponent is ln 0.2 / ln 0.8.
    let share = unit.powf(0.2_f64.ln() / 0.8_f64.ln());
    ((share * keys as f64) as u64).min(keys - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_keys_gets_four_fifths_of_the_requests() {
        let mut state = 1;
        let draws = 100_000;
        let popular_draws = (0..draws)
            .filter(|_| popular(&mut state, 1000) < 200)
            .count();
        let share = popular_draws as f64 / f64::from(draws);
        assert!((share - 0.8).abs() < 0.02, "{share}");
    }
}
