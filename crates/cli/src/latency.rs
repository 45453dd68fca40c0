//! `--latency`, `--latency-history`, `--latency-dist` and `--intrinsic-latency`.

use std::time::{Duration, Instant};

use client::Connection;

use crate::options::{Format, Options};
use crate::output::{self, Exit};

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(10);

fn ping(connection: &mut Connection) -> Result<Duration, Exit> {
    let start = Instant::now();
    match connection.call(&["PING"]) {
        Ok(_) => Ok(start.elapsed()),
        Err(fault) => {
            output::complain(&format!("Error: {fault}"));
            Err(Exit(1))
        }
    }
}

/// Whole milliseconds: what a server answers in less counts as 0.
#[derive(Default)]
struct Sample {
    least: u128,
    most: u128,
    total: u128,
    count: u64,
}

impl Sample {
    fn add(&mut self, took: Duration) {
        let took = took.as_millis();
        self.least = if self.count == 0 {
            took
        } else {
            self.least.min(took)
        };
        self.most = self.most.max(took);
        self.total += took;
        self.count += 1;
    }

    fn average(&self) -> f64 {
        self.total as f64 / self.count as f64
    }

    fn text(&self, format: Format) -> String {
        let (least, most, average, count) = (self.least, self.most, self.average(), self.count);
        match format {
            Format::Standard => {
                format!("min: {least}, max: {most}, avg: {average:.2} ({count} samples)")
            }
            Format::Csv => format!("{least},{most},{average:.2},{count}\n"),
            Format::Json | Format::QuotedJson => format!(
                "{{\"min\": {least}, \"max\": {most}, \"avg\": {average:.2}, \"count\": {count}}}\n"
            ),
            Format::Raw => format!("{least} {most} {average:.2} {count}\n"),
        }
    }
}

/// `--latency` (one range for ever) and `--latency-history` (a line per range). Without a terminal
/// the plain mode ends after one range.
///
/// # Errors
/// The exit code, when the server is gone.
pub(crate) fn run(
    connection: &mut Connection,
    options: &Options,
    history: bool,
) -> Result<(), Exit> {
    let standard = options.format == Format::Standard;
    let range = match (options.interval.is_zero(), history) {
        (false, _) => options.interval,
        (true, true) => Duration::from_secs(15),
        (true, false) => Duration::from_secs(1),
    };
    let mut sample = Sample::default();
    let mut start = Instant::now();
    loop {
        sample.add(ping(connection)?);
        if standard {
            output::print(&format!("\x1b[0G\x1b[2K{}", sample.text(options.format)))?;
        }
        if start.elapsed() > range {
            if history {
                let seconds = start.elapsed().as_secs_f64();
                let text = if standard {
                    String::new()
                } else {
                    sample.text(options.format)
                };
                let text = text.trim_end_matches('\n');
                output::print(&format!("{text} -- {seconds:.2} seconds range\n"))?;
                sample = Sample::default();
                start = Instant::now();
            } else if !standard {
                return output::print(&sample.text(options.format));
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// The classes of the spectrum: up to how many microseconds, and the sign.
const CLASSES: [(u64, char); 30] = [
    (10, '.'),
    (125, '-'),
    (250, '*'),
    (500, '#'),
    (1_000, '1'),
    (2_000, '2'),
    (3_000, '3'),
    (4_000, '4'),
    (5_000, '5'),
    (6_000, '6'),
    (7_000, '7'),
    (8_000, '8'),
    (9_000, '9'),
    (10_000, 'A'),
    (20_000, 'B'),
    (30_000, 'C'),
    (40_000, 'D'),
    (50_000, 'E'),
    (100_000, 'F'),
    (200_000, 'G'),
    (300_000, 'H'),
    (400_000, 'I'),
    (500_000, 'J'),
    (1_000_000, 'K'),
    (2_000_000, 'L'),
    (4_000_000, 'M'),
    (8_000_000, 'N'),
    (16_000_000, 'O'),
    (30_000_000, 'P'),
    (60_000_000, 'Q'),
];

const COLOURS: [u8; 19] = [
    0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196,
];

const GREYS: [u8; 13] = [
    0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253,
];

/// `--latency-dist`: a line of colours per range.
///
/// # Errors
/// The exit code, when the server is gone.
pub(crate) fn spectrum(
    connection: &mut Connection,
    options: &Options,
    mono: bool,
) -> Result<(), Exit> {
    let palette: &[u8] = if mono { &GREYS } else { &COLOURS };
    let range = if options.interval.is_zero() {
        Duration::from_secs(1)
    } else {
        options.interval
    };
    let mut counts = [0_u64; CLASSES.len() + 1];
    let mut samples = 0;
    let mut start = Instant::now();
    let mut lines = 0;
    loop {
        let took = ping(connection)?.as_micros();
        let class = CLASSES
            .iter()
            .position(|(limit, _)| took <= u128::from(*limit));
        counts[class.unwrap_or(CLASSES.len())] += 1;
        samples += 1;
        if start.elapsed() >= range {
            if lines % 20 == 0 {
                output::print(&legend(palette))?;
            }
            lines += 1;
            output::print(&spectrum_line(&counts, samples, palette))?;
            counts.fill(0);
            samples = 0;
            start = Instant::now();
        }
        std::thread::sleep(PAUSE);
    }
}

fn legend(palette: &[u8]) -> String {
    let rule = "---------------------------------------------\n";
    let mut text = format!(
        "{rule}\
         . - * #          .01 .125 .25 .5 milliseconds\n\
         1,2,3,...,9      from 1 to 9     milliseconds\n\
         A,B,C,D,E        10,20,30,40,50  milliseconds\n\
         F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n\
         K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds\n\
         From 0 to 100%: "
    );
    for colour in palette {
        text.push_str(&format!("\x1b[48;5;{colour}m "));
    }
    text.push_str("\x1b[0m\n");
    text.push_str(rule);
    text
}

fn spectrum_line(counts: &[u64], samples: u64, palette: &[u8]) -> String {
    let mut text = "\x1b[38;5;0m".to_owned();
    let signs = CLASSES.iter().map(|c| c.1).chain(['?']);
    for (count, sign) in counts.iter().zip(signs) {
        let share = *count as f64 / samples.max(1) as f64;
        let at = (share * (palette.len() - 1) as f64).ceil() as usize;
        let colour = palette[at.min(palette.len() - 1)];
        text.push_str(&format!("\x1b[48;5;{colour}m{sign}"));
    }
    text.push_str("\x1b[0m\n");
    text
}

/// `--intrinsic-latency`: how long the system keeps a busy program from running.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn intrinsic(seconds: u64) -> Result<(), Exit> {
    let limit = Duration::from_secs(seconds);
    let start = Instant::now();
    let (mut runs, mut worst) = (0_u64, 0_u128);
    let mut before = start;
    loop {
        // The work between two looks at the clock, which the compiler may not drop.
        let mut state = runs | 1;
        for _ in 0..100 {
            state = std::hint::black_box(state.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let now = Instant::now();
        let took = (now - before).as_micros();
        before = now;
        runs += 1;
        if took > worst {
            worst = took;
            output::print(&format!("Max latency so far: {worst} microseconds.\n"))?;
        }
        if start.elapsed() > limit {
            break;
        }
    }
    let nanos = start.elapsed().as_nanos() as f64 / runs as f64;
    output::print(&format!(
        "\n{runs} total runs (avg latency: {:.4} microseconds / {nanos:.2} nanoseconds per run).\n\
         Worst run took {:.0}x longer than the average latency.\n",
        nanos / 1000.0,
        worst as f64 * 1000.0 / nanos
    ))
}
