//! What is shown while a test runs and when it is done.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::options::Options;
use crate::target::Node;

/// A finished test.
pub(crate) struct Result<'a> {
    pub(crate) title: &'a str,
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    pub(crate) latencies: &'a Histogram<u64>,
    pub(crate) threads: usize,
}

/// The line that shows how it goes, written over itself.
#[derive(Default)]
pub(crate) struct Ticker {
    width: usize,
}

/// Figures of a running test: since its start, or since the last tick.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    pub(crate) finished: u64,
    /// The sum of the latencies in microseconds.
    pub(crate) latency: u64,
    pub(crate) time: Duration,
}

impl Pace {
    fn rate(self) -> f64 {
        let seconds = self.time.as_secs_f64();
        if seconds == 0.0 {
            0.0
        } else {
            self.finished as f64 / seconds
        }
    }

    fn average(self) -> f64 {
        if self.finished == 0 {
            return 0.0;
        }
        self.latency as f64 / self.finished as f64 / 1000.0
    }
}

impl Ticker {
    /// Shows a line in place of the last.
    pub(crate) fn show(&mut self, title: &str, now: Pace, overall: Pace) {
        self.wipe();
        let line = format!(
            "{title}: rps={:.1} (overall: {:.1}) avg_msec={:.3} (overall: {:.3})\r",
            now.rate(),
            overall.rate(),
            now.average(),
            overall.average()
        );
        self.width = line.len();
        print!("{line}");
        let _ = io::stdout().flush();
    }

    /// Blanks the line.
    pub(crate) fn wipe(&self) {
        print!("{:>1$}\r", " ", self.width);
    }
}

/// The first line of CSV output.
pub(crate) const CSV_HEADER: &str = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\
    \"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n";

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl Result<'_> {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// Average, least, median, 95th and 99th percentile, most: in milliseconds.
    fn figures(&self) -> [f64; 6] {
        let h = self.latencies;
        [
            h.mean() / 1000.0,
            millis(h.lowest_equivalent(h.min())),
            millis(h.value_at_quantile(0.50)),
            millis(h.value_at_quantile(0.95)),
            millis(h.value_at_quantile(0.99)),
            millis(h.max()),
        ]
    }

    /// One line.
    pub(crate) fn quiet(&self) -> String {
        let p50 = self.figures()[2];
        format!(
            "{}: {:.2} requests per second, p50={p50:.3} msec\n",
            self.title,
            self.rate()
        )
    }

    /// One line of CSV.
    pub(crate) fn csv(&self) -> String {
        let mut line = format!("\"{}\",\"{:.2}\"", self.title, self.rate());
        for figure in self.figures() {
            let _ = write!(line, ",\"{figure:.3}\"");
        }
        line.push('\n');
        line
    }

    /// The whole report.
    pub(crate) fn full(&self, options: &Options, nodes: &[Node]) -> String {
        let mut text = format!(
            "====== {} ======\n  {} requests completed in {:.2} seconds\n  {} parallel clients\n  \
             {} bytes payload\n  keep alive: {}\n",
            self.title,
            self.requests,
            self.took.as_secs_f64(),
            options.clients,
            options.size,
            u8::from(options.keep_alive)
        );
        self.servers(&mut text, options, nodes);
        text.push_str(if self.threads > 0 {
            "  multi-thread: yes\n"
        } else {
            "  multi-thread: no\n"
        });
        if self.threads > 0 {
            let _ = writeln!(text, "  threads: {}", self.threads);
        }
        text.push_str("\nLatency by percentile distribution:\n");
        self.percentiles(&mut text);
        text.push_str("\nCumulative distribution of latencies:\n");
        self.cumulative(&mut text);
        let _ = write!(
            text,
            "\nSummary:\n  throughput summary: {:.2} requests per second\n  \
             latency summary (msec):\n   ",
            self.rate()
        );
        for name in ["avg", "min", "p50", "p95", "p99", "max"] {
            let _ = write!(text, " {name:>9}");
        }
        text.push_str("\n   ");
        for figure in self.figures() {
            let _ = write!(text, " {figure:>9.3}");
        }
        text.push('\n');
        text
    }

    fn servers(&self, text: &mut String, options: &Options, nodes: &[Node]) {
        if options.cluster {
            let _ = writeln!(text, "  cluster mode: yes ({} masters)", nodes.len());
            for (n, node) in nodes.iter().enumerate() {
                let Some([save, appendonly]) = &node.settings else {
                    continue;
                };
                let save = if save.is_empty() { "NONE" } else { save };
                let _ = write!(
                    text,
                    "  node [{n}] configuration:\n    save: {save}\n    appendonly: {appendonly}\n"
                );
            }
        } else if let Some([save, appendonly]) = nodes.first().and_then(|n| n.settings.as_ref()) {
            let _ = write!(
                text,
                "  host configuration \"save\": {save}\n  \
                 host configuration \"appendonly\": {appendonly}\n"
            );
        }
    }

    fn line(&self, text: &mut String, percent: f64, micros: u64, cumulative: u64) {
        let millis = millis(micros);
        let _ = writeln!(
            text,
            "{percent:.3}% <= {millis:.3} milliseconds (cumulative count {cumulative})"
        );
    }

    /// The median, then each half of what is left.
    fn percentiles(&self, text: &mut String) {
        let mut cumulative = 0;
        for step in self.latencies.iter_quantiles(1) {
            cumulative += step.count_since_last_iteration();
            let percent = step.quantile_iterated_to() * 100.0;
            self.line(text, percent, step.value_iterated_to(), cumulative);
        }
    }

    /// Steps of 0.1 ms up to 2 ms, then of 1 ms; those that add nothing are left out.
    fn cumulative(&self, text: &mut String) {
        let total = self.latencies.len();
        let (mut level, mut cumulative) = (100, 0);
        while cumulative < total {
            let shown = self.latencies.highest_equivalent(level);
            let reached = self.latencies.count_between(0, shown);
            if reached != cumulative {
                let percent = reached as f64 / total as f64 * 100.0;
                self.line(text, percent, shown, reached);
            }
            cumulative = reached;
            level += if shown > 2000 { 1000 } else { 100 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::histogram;

    #[test]
    fn a_report_counts_every_request() {
        let mut latencies = histogram(3);
        for micros in [30, 60, 61, 90, 150, 1_900, 2_500, 40_000] {
            latencies.record(micros).unwrap();
        }
        let result = Result {
            title: "GET",
            requests: 8,
            took: Duration::from_millis(500),
            latencies: &latencies,
            threads: 0,
        };
        let text = result.full(&Options::default(), &[]);
        assert!(
            text.contains("\n0.000% <= 0.031 milliseconds (cumulative count 1)\n"),
            "{text}"
        );
        assert!(
            text.contains("\n100.000% <= 40.031 milliseconds (cumulative count 8)\n"),
            "{text}"
        );
        assert!(
            text.contains("\n50.000% <= 0.103 milliseconds (cumulative count 4)\n"),
            "{text}"
        );
        assert!(
            text.contains("\n75.000% <= 1.903 milliseconds (cumulative count 6)\n"),
            "{text}"
        );
        assert!(
            text.contains("throughput summary: 16.00 requests per second\n"),
            "{text}"
        );
        assert_eq!(
            result.quiet(),
            "GET: 16.00 requests per second, p50=0.095 msec\n"
        );
    }
}
