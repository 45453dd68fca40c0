//! LATENCY: how long commands take, and what took longer than it should.

use crate::Cx;
use crate::fail::Done;
use crate::family::command;
use crate::handlers::Handler;
use crate::latency::Event;
use commands::family::latency::Handlers;
use commands::{Cmd, Spec};
use std::fmt::Write;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    LatencyDoctor: doctor,
    LatencyGraph: graph,
    LatencyHelp: command::help,
    LatencyHistogram: histogram,
    LatencyHistory: history,
    LatencyLatest: latest,
    LatencyReset: reset,
};

/// LATENCY LATEST
pub(crate) fn latest(cx: &mut Cx<'_>) -> Done {
    let events = cx.engine.latency.events();
    cx.reply.array(events.len());
    for (name, event) in events {
        let (at, last) = event.samples.back().copied().unwrap_or_default();
        cx.reply.array(4);
        cx.reply.bulk(name);
        cx.reply.int(at);
        cx.reply.int(last as i64);
        cx.reply.int(event.longest as i64);
    }
    Ok(())
}

/// LATENCY HISTORY event
pub(crate) fn history(cx: &mut Cx<'_>) -> Done {
    let event = cx.engine.latency.event(cx.args.get(2));
    let samples = event.map(|(_, event)| event.samples).unwrap_or_default();
    cx.reply.array(samples.len());
    for (at, milliseconds) in samples {
        cx.reply.array(2);
        cx.reply.int(at);
        cx.reply.int(milliseconds as i64);
    }
    Ok(())
}

/// LATENCY RESET [event ...]
pub(crate) fn reset(cx: &mut Cx<'_>) -> Done {
    let names = cx.args.from(2);
    let gone = cx.engine.latency.reset(|event| {
        let same = |name: &[u8]| name.eq_ignore_ascii_case(event.as_bytes());
        names.is_empty() || names.iter().any(same)
    });
    cx.reply.int(gone as i64);
    Ok(())
}

/// LATENCY HISTOGRAM [command ...]
pub(crate) fn histogram(cx: &mut Cx<'_>) -> Done {
    let names = cx.args.from(2);
    let mut rows: Vec<&'static Spec> = Vec::new();
    if names.is_empty() {
        rows.extend(Cmd::all().map(Cmd::spec));
    } else {
        for spec in names
            .iter()
            .filter_map(|name| cx.engine.directory.lookup_full(name))
        {
            rows.push(spec);
            rows.extend(spec.subcommands());
        }
    }
    let timed = rows.into_iter().filter_map(|spec| {
        let times = cx.engine.stats.times(spec.id)?;
        Some((spec, times))
    });
    let timed: Vec<_> = timed.collect();
    cx.reply.map(timed.len());
    for (spec, times) in timed {
        cx.reply.bulk(spec.full_name);
        cx.reply.map(2);
        cx.reply.bulk("calls");
        cx.reply.int(times.count() as i64);
        cx.reply.bulk("histogram_usec");
        let levels = times.levels();
        cx.reply.map(levels.len());
        for (micros, count) in levels {
            cx.reply.int(micros as i64);
            cx.reply.int(count as i64);
        }
    }
    Ok(())
}

/// How many samples a graph shows.
const WIDTH: usize = 80;
/// How many lines it has.
const HEIGHT: u64 = 4;

/// LATENCY GRAPH event
pub(crate) fn graph(cx: &mut Cx<'_>) -> Done {
    let wanted = cx.args.get(2);
    let Some((name, event)) = cx.engine.latency.event(wanted) else {
        let name = String::from_utf8_lossy(wanted);
        return Err(format!("ERR No samples available for event '{name}'").into());
    };
    let now = crate::wall_us() / 1_000_000;
    cx.reply.verbatim(*b"txt", draw(name, &event, now));
    Ok(())
}

/// A column for each sample, as high as it took long, and under it how long ago it was.
fn draw(name: &str, event: &Event, now: i64) -> String {
    let skipped = event.samples.len().saturating_sub(WIDTH);
    let samples: Vec<(i64, u64)> = event.samples.iter().skip(skipped).copied().collect();
    let high = samples.iter().map(|(_, took)| *took).max().unwrap_or(0);
    let low = samples.iter().map(|(_, took)| *took).min().unwrap_or(0);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{name} - high {high} ms, low {low} ms (all time high {} ms)\n{}",
        event.longest,
        "-".repeat(WIDTH)
    );
    let heights: Vec<u64> = samples
        .iter()
        .map(|(_, took)| ((took - low) * HEIGHT).checked_div(high - low).unwrap_or(0))
        .collect();
    let mut push = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    for level in (0..HEIGHT).rev() {
        let column = |height: &u64| match *height {
            0 if level == 0 => '_',
            height if height == level + 1 => '#',
            height if height > level => '|',
            _ => ' ',
        };
        push(heights.iter().map(column).collect());
    }
    let ages: Vec<String> = samples.iter().map(|(at, _)| age(now - at)).collect();
    let longest = ages.iter().map(String::len).max().unwrap_or(0);
    for row in 0..longest {
        let letter = |age: &String| age.chars().nth(row).unwrap_or(' ');
        push(ages.iter().map(letter).collect());
    }
    text
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// What to look at for an event.
fn advice(event: &str) -> &'static str {
    match event {
        "command" => "Slow commands ran: SLOWLOG GET shows which. They hold their slots meanwhile.",
        "fast-command" => {
            "Commands that should be fast were not: the machine may be overloaded or swapping."
        }
        "expire-cycle" => "Many keys expire at the same time: spread their times to live.",
        _ => "The disk may be slow or busy with other work.",
    }
}

/// LATENCY DOCTOR
pub(crate) fn doctor(cx: &mut Cx<'_>) -> Done {
    let events = cx.engine.latency.events();
    let threshold = cx.settings.latency_threshold;
    let mut text = String::new();
    if events.is_empty() && threshold == 0 {
        text.push_str(
            "Nothing is watched: the latency monitor is off. Turn it on with CONFIG SET \
             latency-monitor-threshold <milliseconds>.\n",
        );
    } else if events.is_empty() {
        let _ = writeln!(text, "Nothing took {threshold} ms or more so far.");
    } else {
        let _ = writeln!(
            text,
            "{} kinds of events took {threshold} ms or more:\n",
            events.len()
        );
    }
    for (number, (name, event)) in events.iter().enumerate() {
        let count = event.samples.len() as u64;
        let sum: u64 = event.samples.iter().map(|(_, took)| took).sum();
        let _ = writeln!(
            text,
            "{}. {name}: {count} samples, {} ms on average, {} ms at most. {}",
            number + 1,
            sum / count.max(1),
            event.longest,
            advice(name)
        );
    }
    cx.reply.verbatim(*b"txt", text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_has_a_column_for_each_sample() {
        let event = Event {
            longest: 900,
            samples: [(10, 100), (20, 500), (95, 300)].into(),
        };
        let expected = format!(
            "command - high 500 ms, low 100 ms (all time high 900 ms)\n{}\n #\n |\n |#\n_||\n115\nmms\n",
            "-".repeat(80)
        );
        assert_eq!(draw("command", &event, 100), expected);
    }
}
