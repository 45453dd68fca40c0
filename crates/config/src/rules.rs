//! Options whose values follow a rule of their own.

use crate::option::{Line, Rule, memory, one_of};
use crate::values::{NotifyEvents, OutputLimit, ReplicaOf, SavePoint, ShutdownOn};
use crate::words::quote;

const WRONG_NUMBER: &str = "wrong number of arguments";
/// Addresses that `bind` takes.
const MAX_ADDRESSES: usize = 16;

/// A lone empty word means no words.
fn unless_empty(words: &[Vec<u8>]) -> &[Vec<u8>] {
    match words {
        [word] if word.is_empty() => &[],
        words => words,
    }
}

fn joined(words: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    words.into_iter().collect::<Vec<_>>().join(&b' ')
}

/// A word as it is, unless it would not be read back so.
fn quote_if_needed(word: &[u8]) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_graphic() && !b"\"'\\".contains(b);
    if !word.is_empty() && word.iter().all(plain) {
        word.to_vec()
    } else {
        quote(word)
    }
}

fn line(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b" ", value].concat()
}

/// One line, forced if the value is not the default.
fn plain(name: &str, value: &[u8], default: &[u8]) -> Vec<Line> {
    vec![(line(name, value), value != default)]
}

pub(crate) const BIND: Rule = Rule {
    several: true,
    get: |config| joined(config.bind.iter().cloned()),
    set: |config, words| {
        if words.len() > MAX_ADDRESSES {
            return Err("Too many bind addresses specified.".into());
        }
        config.bind = unless_empty(words).to_vec();
        Ok(())
    },
    lines: |config, default| {
        if config.bind == default.bind {
            return vec![];
        }
        let text = joined(config.bind.iter().map(|address| quote_if_needed(address)));
        vec![(
            line("bind", if text.is_empty() { b"\"\"" } else { &text }),
            true,
        )]
    },
};

pub(crate) const SAVE: Rule = Rule {
    several: true,
    get: |config| {
        joined(
            config
                .save
                .iter()
                .map(|p| format!("{} {}", p.seconds, p.changes).into()),
        )
    },
    set: |config, words| {
        config.save = save_points(unless_empty(words)).ok_or("Invalid save parameters")?;
        Ok(())
    },
    lines: |config, _| {
        if config.save.is_empty() {
            return vec![(b"save \"\"".to_vec(), true)];
        }
        let line = |p: &SavePoint| (format!("save {} {}", p.seconds, p.changes).into(), true);
        config.save.iter().map(line).collect()
    },
};

fn save_points(words: &[Vec<u8>]) -> Option<Vec<SavePoint>> {
    let point = |pair: &[Vec<u8>]| {
        let [seconds, changes] = pair else {
            return None;
        };
        let (seconds, changes) = (lenient_i64(seconds)?, lenient_i64(changes)?);
        (seconds >= 1 && changes >= 0).then_some(SavePoint { seconds, changes })
    };
    words.chunks(2).map(point).collect()
}

/// A number with leading blanks and a plus sign allowed, as C reads it; nothing at all is 0.
fn lenient_i64(word: &[u8]) -> Option<i64> {
    let word = word.trim_ascii_start();
    let word = word.strip_prefix(b"+").unwrap_or(word);
    if word.is_empty() {
        return Some(0);
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

pub(crate) const OUTPUT_LIMITS: Rule = Rule {
    several: true,
    get: |config| {
        let class = |(name, l): (&str, OutputLimit)| -> Vec<u8> {
            format!("{name} {} {} {}", l.hard, l.soft, l.seconds).into()
        };
        joined(config.client_output_buffer_limit.classes().map(class))
    },
    set: |config, words| {
        if words.len() % 4 != 0 {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = config.client_output_buffer_limit;
        for words in words.chunks(4) {
            let class = match words[0].to_ascii_lowercase().as_slice() {
                b"normal" => &mut limits.normal,
                b"slave" | b"replica" => &mut limits.replica,
                b"pubsub" => &mut limits.pubsub,
                _ => {
                    let text = "Invalid client class specified in buffer limit configuration.";
                    return Err(text.into());
                }
            };
            *class = output_limit(&words[1..]).ok_or(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            )?;
        }
        config.client_output_buffer_limit = limits;
        Ok(())
    },
    lines: |config, default| {
        let limits = config.client_output_buffer_limit.classes();
        let defaults = default.client_output_buffer_limit.classes();
        let line = |((name, limit), (_, default)): ((&str, OutputLimit), (_, OutputLimit))| {
            let name = if name == "slave" { "replica" } else { name };
            let (hard, soft) = (with_unit(limit.hard), with_unit(limit.soft));
            let text = format!(
                "client-output-buffer-limit {name} {hard} {soft} {}",
                limit.seconds
            );
            (text.into_bytes(), limit != default)
        };
        limits.into_iter().zip(defaults).map(line).collect()
    },
};

fn output_limit(words: &[Vec<u8>]) -> Option<OutputLimit> {
    let [hard, soft, seconds] = words else {
        return None;
    };
    let (hard, soft) = (memory(hard)?, memory(soft)?);
    let seconds = lenient_i64(seconds).filter(|n| *n >= 0)?;
    Some(OutputLimit {
        hard,
        soft,
        seconds,
    })
}

/// Bytes in the largest unit that divides them.
pub(crate) fn with_unit(bytes: u64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

pub(crate) const OOM_VALUES: Rule = Rule {
    several: true,
    get: |config| joined(config.oom_score_adj_values.map(|n| n.to_string().into())),
    set: |config, words| {
        let [master, replica, child] = words else {
            return Err(WRONG_NUMBER.into());
        };
        let mut values = [0; 3];
        for (value, word) in values.iter_mut().zip([master, replica, child]) {
            *value = lenient_i64(word)
                .filter(|n| (-2000..=2000).contains(n))
                .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
        }
        config.oom_score_adj_values = values;
        Ok(())
    },
    lines: |config, default| {
        plain(
            "oom-score-adj-values",
            &(OOM_VALUES.get)(config),
            &(OOM_VALUES.get)(default),
        )
    },
};

pub(crate) const REPLICAOF: Rule = Rule {
    several: true,
    get: |config| match &config.replicaof {
        Some(master) => [
            master.host.as_slice(),
            b" ",
            master.port.to_string().as_bytes(),
        ]
        .concat(),
        None => vec![],
    },
    set: |config, words| {
        let [host, port] = words else {
            return Err(WRONG_NUMBER.into());
        };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            config.replicaof = None;
            return Ok(());
        }
        let port = lenient_i64(port).and_then(|n| u16::try_from(n).ok());
        let port = port.ok_or("Invalid master port")?;
        config.replicaof = Some(ReplicaOf {
            host: host.clone(),
            port,
        });
        Ok(())
    },
    lines: |config, _| match &config.replicaof {
        // In a cluster the cluster's own file says who replicates whom.
        Some(master) if !config.cluster_enabled => {
            let host = quote_if_needed(&master.host);
            let port = format!(" {}", master.port);
            vec![(line("replicaof", &[host, port.into_bytes()].concat()), true)]
        }
        _ => vec![],
    },
};

pub(crate) const NOTIFY: Rule = Rule {
    several: false,
    get: |config| config.notify_keyspace_events.text(),
    set: |config, words| {
        let [word] = words else {
            return Err(WRONG_NUMBER.into());
        };
        config.notify_keyspace_events = NotifyEvents::parse(word)
            .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
        Ok(())
    },
    lines: |config, default| {
        let text = config.notify_keyspace_events.whole_text();
        let force = config.notify_keyspace_events != default.notify_keyspace_events;
        vec![(line("notify-keyspace-events", &quote(&text)), force)]
    },
};

pub(crate) const PERCENTILES: Rule = Rule {
    several: true,
    get: |config| {
        joined(
            config
                .latency_tracking_info_percentiles
                .iter()
                .map(|p| decimals(*p).into()),
        )
    },
    set: |config, words| {
        let mut percentiles = Vec::new();
        for word in unless_empty(words) {
            let percentile = base::num::parse_f64(word)
                .ok_or("Invalid latency-tracking-info-percentiles parameters")?;
            if !(0.0..=100.0).contains(&percentile) {
                let text = "latency-tracking-info-percentiles parameters should sit between \
                            [0.0,100.0]";
                return Err(text.into());
            }
            // As it is shown, so that what is written back is the same.
            percentiles.push(decimals(percentile).parse().unwrap_or(percentile));
        }
        config.latency_tracking_info_percentiles = percentiles;
        Ok(())
    },
    lines: |config, _| {
        let text = (PERCENTILES.get)(config);
        let value = if text.is_empty() {
            b"\"\"".to_vec()
        } else {
            text
        };
        // Redis writes it even at its default.
        vec![(line("latency-tracking-info-percentiles", &value), true)]
    },
};

/// A number with six decimals at most.
fn decimals(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// Builds the rule of one of the two options that say how a signal shuts down.
macro_rules! shutdown_on {
    ($name:literal, $field:ident) => {
        Rule {
            several: true,
            get: |config| shutdown_words(config.$field),
            set: |config, words| {
                config.$field = shutdown_flags(words)?;
                Ok(())
            },
            lines: |config, default| {
                plain(
                    $name,
                    &shutdown_words(config.$field),
                    &shutdown_words(default.$field),
                )
            },
        }
    };
}

pub(crate) const ON_SIGINT: Rule = shutdown_on!("shutdown-on-sigint", shutdown_on_sigint);
pub(crate) const ON_SIGTERM: Rule = shutdown_on!("shutdown-on-sigterm", shutdown_on_sigterm);

fn shutdown_words(on: ShutdownOn) -> Vec<u8> {
    let set = |(_, bit): &&(&str, u8)| on.bits() & bit != 0;
    let words: Vec<&str> = ShutdownOn::NAMES
        .iter()
        .filter(set)
        .map(|(name, _)| *name)
        .collect();
    if words.is_empty() {
        "default".into()
    } else {
        words.join(" ").into()
    }
}

fn shutdown_flags(words: &[Vec<u8>]) -> Result<ShutdownOn, String> {
    let mut bits = 0;
    for word in words {
        let named = |(name, _): &&(&str, u8)| word.eq_ignore_ascii_case(name.as_bytes());
        let found = ShutdownOn::NAMES.iter().find(named);
        bits |= found
            .ok_or_else(|| one_of(&ShutdownOn::NAMES.map(|(name, _)| name)))?
            .1;
    }
    if words.is_empty() {
        return Err(one_of(&ShutdownOn::NAMES.map(|(name, _)| name)));
    }
    let on = ShutdownOn::from_bits(bits);
    if on.save() && on.nosave() {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(on)
}
