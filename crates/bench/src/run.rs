//! Runs the tests one after the other.

use std::io::{self, Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::generator::{Generator, histogram};
use crate::options::Options;
use crate::plan::Plan;
use crate::report::{CSV_HEADER, Pace, Result as Report, Ticker};
use crate::suite::{self, Test};
use crate::target::{self, Node};
use crate::template::Template;

/// How often the line that shows the pace is renewed.
const TICK: Duration = Duration::from_millis(250);

/// Runs what the options and the command ask for.
///
/// # Errors
/// When a server cannot be reached or answers with an error.
pub(crate) fn run(options: &Options, command: Vec<Vec<u8>>) -> Result<(), Failure> {
    let nodes = target::nodes(options)?;
    let mut options = options.clone();
    if options.cluster {
        println!("Cluster has {} master nodes:\n", nodes.len());
        for (n, node) in nodes.iter().enumerate() {
            println!("Master {n}: {} {}", node.id, node.address);
        }
        println!();
        if options.threads == 0 {
            options.threads = nodes.len();
        }
    }
    let options = &options;
    if !options.keep_alive {
        eprintln!(
            "WARNING: Keepalive disabled. You probably need 'echo 1 > \
             /proc/sys/net/ipv4/tcp_tw_reuse' for Linux and 'sudo sysctl -w net.inet.tcp.msl=1000' \
             for Mac OS X in order to use a lot of clients/requests"
        );
    }
    if options.idle {
        return idle(options, nodes);
    }
    if options.csv {
        print!("{CSV_HEADER}");
    }
    if command.is_empty() {
        loop {
            for test in suite::selected(options) {
                measure(options, &nodes, &test)?;
            }
            if !options.csv {
                println!();
            }
            if !options.forever {
                return Ok(());
            }
        }
    }
    let test = own_command(options, command);
    loop {
        measure(options, &nodes, &test)?;
        if !options.forever {
            return Ok(());
        }
    }
}

fn own_command(options: &Options, mut words: Vec<Vec<u8>>) -> Test {
    let title: Vec<_> = words.iter().map(|w| String::from_utf8_lossy(w)).collect();
    let title = title.join(" ");
    if options.last_from_stdin {
        let mut last = Vec::new();
        // What cannot be read is not there.
        let _ = io::stdin().read_to_end(&mut last);
        words.push(last);
    }
    let template = Template::of_command(&words, options.pipeline, options.keyspace.is_some());
    Test { title, template }
}

fn idle(options: &Options, nodes: Vec<Node>) -> Result<(), Failure> {
    println!(
        "Creating {} idle connections and waiting forever (Ctrl+C when done)",
        options.clients
    );
    let plan = Plan::new(options, Template::new(b"", 0, false), nodes);
    Generator::new(&plan, 0..options.clients, 0)?.idle()
}

/// Where the random numbers start.
fn seed(options: &Options) -> u64 {
    options.seed.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        // Any start will do where the system has no randomness.
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    })
}

/// Runs one test and shows its report.
fn measure(options: &Options, nodes: &[Node], test: &Test) -> Result<(), Failure> {
    let plan = Plan::new(options, test.template.clone(), nodes.to_vec());
    let threads = options.threads.max(1);
    let seed = seed(options);
    let mut generators = Vec::new();
    for n in 0..threads {
        let numbers = (0..options.clients).filter(|number| number % threads == n);
        generators.push(Generator::new(&plan, numbers, seed.wrapping_add(n as u64))?);
    }
    let done = AtomicUsize::new(0);
    let mut ticker = Ticker::default();
    let start = Instant::now();
    let latencies = thread::scope(|scope| {
        let (main, done) = (thread::current(), &done);
        let mut running = Vec::new();
        for generator in generators {
            let main = main.clone();
            running.push(scope.spawn(move || {
                let part = generator.run();
                let end = start.elapsed();
                done.fetch_add(1, Ordering::SeqCst);
                main.unpark();
                (part, end)
            }));
        }
        if !options.csv {
            show_pace(&plan, &test.title, start, &mut ticker, || {
                done.load(Ordering::SeqCst) == threads
            });
        }
        let mut all = histogram(options.precision);
        let mut took = Duration::ZERO;
        for thread in running {
            let Ok((part, end)) = thread.join() else {
                continue;
            };
            took = took.max(end);
            // Histograms of one kind always add up.
            let _ = all.add(part);
        }
        (all, took)
    });
    if let Some(reason) = plan.failure() {
        let _ = io::stdout().flush();
        return Err(reason);
    }
    let (latencies, took) = latencies;
    let report = Report {
        title: &test.title,
        requests: plan.progress().0,
        took,
        latencies: &latencies,
        threads: options.threads,
    };
    if options.csv {
        print!("{}", report.csv());
    } else {
        ticker.wipe();
        match options.quiet {
            true => print!("{}", report.quiet()),
            false => print!("{}", report.full(options, nodes)),
        }
    }
    let _ = io::stdout().flush();
    Ok(())
}

/// Shows the pace until all threads are done.
fn show_pace(
    plan: &Plan<'_>,
    title: &str,
    start: Instant,
    ticker: &mut Ticker,
    is_done: impl Fn() -> bool,
) {
    let mut before = Pace::default();
    let mut next = start;
    while !is_done() {
        let now = Instant::now();
        if now >= next {
            next = now + TICK;
            let (finished, latency) = plan.progress();
            let overall = Pace {
                finished,
                latency,
                time: start.elapsed(),
            };
            let lately = Pace {
                finished: overall.finished.saturating_sub(before.finished),
                latency: overall.latency.saturating_sub(before.latency),
                time: overall.time.saturating_sub(before.time),
            };
            ticker.show(title, lately, overall);
            before = overall;
        }
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
}
