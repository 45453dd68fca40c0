//! `--stat`: a line of figures about the server, again and again.

use std::time::Duration;

use client::{Connection, Error};

use crate::options::Options;
use crate::output::{self, Exit};

const HEADER: &str = "\
------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections          
";

/// How often the header is repeated.
const ROWS: u64 = 20;

/// Shows a row per interval, for ever.
///
/// # Errors
/// The exit code, when the server refuses or is gone.
pub(crate) fn run(connection: &mut Connection, options: &Options) -> Result<(), Exit> {
    let interval = if options.interval.is_zero() {
        Duration::from_secs(1)
    } else {
        options.interval
    };
    let mut before = None;
    for row in 0.. {
        let info = match connection.query(&["INFO"]) {
            Ok(reply) => reply.as_text().unwrap_or_default().into_owned(),
            Err(Error::Server(text)) => {
                output::complain(&format!("ERROR: {text}"));
                return Err(Exit(1));
            }
            Err(fault) => {
                output::complain(&format!("Error: {fault}"));
                return Err(Exit(1));
            }
        };
        if row % ROWS == 0 {
            output::print(HEADER)?;
        }
        let (line, requests) = figures(&info, before);
        before = Some(requests);
        output::print(&line)?;
        std::thread::sleep(interval);
    }
    Ok(())
}

/// One row, and the number of requests so far.
fn figures(info: &str, before: Option<i64>) -> (String, i64) {
    let field = |name: &str| -> i64 {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    };
    let keys: i64 = info
        .lines()
        .filter(|line| line.starts_with("db"))
        .filter_map(|line| {
            let count = line.split_once(":keys=")?.1;
            count.split(',').next()?.parse::<i64>().ok()
        })
        .sum();
    let requests = field("total_commands_processed");
    let more = requests - before.unwrap_or(requests);
    let saving = field("rdb_bgsave_in_progress") != 0 || field("aof_rewrite_in_progress") != 0;
    let child = if field("loading") != 0 {
        "LOAD"
    } else if !saving {
        ""
    } else if field("rdb_bgsave_in_progress") == 0 {
        "AOF"
    } else if field("aof_rewrite_in_progress") == 0 {
        "SAVE"
    } else {
        "SAVE+AOF"
    };
    let line = format!(
        "{keys:<11}{:<8} {:<8}{:<8}{:<19} {:<12}{child}\n",
        human(field("used_memory")),
        field("connected_clients"),
        field("blocked_clients"),
        format!("{requests} (+{more})"),
        field("total_connections_received"),
    );
    (line, requests)
}

/// Bytes with a unit, as `INFO` writes its `_human` fields.
fn human(bytes: i64) -> String {
    let units = ["B", "K", "M", "G"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes}B")
    } else {
        format!("{amount:.2}{}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_under_its_header() {
        let info = "used_memory:3387000\r\nconnected_clients:1\r\nblocked_clients:0\r\n\
             total_commands_processed:905561\r\ntotal_connections_received:549\r\n\
             db0:keys=90,expires=0\r\ndb3:keys=1,expires=0\r\n";
        let (line, requests) = figures(info, Some(905_560));
        assert_eq!(requests, 905_561);
        assert_eq!(
            line,
            "91         3.23M    1       0       905561 (+1)         549         \n"
        );
        assert_eq!(human(1023), "1023B");
    }
}
