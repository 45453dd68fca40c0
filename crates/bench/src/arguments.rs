//! Reads the words of the command line, by redis-benchmark's rules.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::options::Options;

/// What the words come to.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// Options and the command that follows them, if any.
    Run(Box<Options>, Vec<Vec<u8>>),
    Help,
    Version,
    /// A word that is no option, or an option without its value.
    Invalid(String),
    /// A message for standard error.
    Refused(String),
}

/// How an option was taken.
enum Taken {
    Yes,
    No,
    Help,
    Version,
    Refused(String),
}

/// The most requests in one batch and the most bytes of a value, as the server allows.
const SIZE_MAX: u64 = 1024 * 1024 * 1024;

/// Reads the words behind the program's name.
pub(crate) fn parse(args: Vec<OsString>) -> Parsed {
    let mut words: Vec<Vec<u8>> = args.into_iter().map(OsString::into_vec).collect();
    let mut options = Options::default();
    let mut at = 0;
    while at < words.len() && words[at].first() == Some(&b'-') {
        let name = String::from_utf8_lossy(&words[at]).into_owned();
        match switch(&mut options, &name) {
            Taken::Yes => {
                at += 1;
                continue;
            }
            Taken::Help => return Parsed::Help,
            Taken::Version => return Parsed::Version,
            Taken::Refused(text) => return Parsed::Refused(text),
            Taken::No => {}
        }
        let Some(value) = words.get(at + 1).cloned() else {
            return Parsed::Invalid(name);
        };
        match with_value(&mut options, &name, value) {
            Taken::Yes => at += 2,
            Taken::Refused(text) => return Parsed::Refused(text),
            _ => return Parsed::Invalid(name),
        }
    }
    Parsed::Run(Box::new(options), words.split_off(at))
}

fn switch(o: &mut Options, name: &str) -> Taken {
    match name {
        "--help" => return Taken::Help,
        "-v" | "--version" => return Taken::Version,
        "-3" => o.resp3 = true,
        "--cluster" => o.cluster = true,
        "--enable-tracking" => o.tracking = true,
        "-q" => o.quiet = true,
        "--csv" => o.csv = true,
        "-l" => o.forever = true,
        "-I" => o.idle = true,
        "-x" => o.last_from_stdin = true,
        "-e" => eprintln!(
            "WARNING: -e option has no effect. We now immediately exit on error to avoid false \
             results."
        ),
        _ => return Taken::No,
    }
    Taken::Yes
}

/// The number that a text begins with, as C reads it; not below `least`.
fn number(value: &[u8], least: u64) -> u64 {
    let text = String::from_utf8_lossy(value);
    let digits: String = text
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0).max(least)
}

fn count(value: &[u8], least: u64) -> usize {
    usize::try_from(number(value, least)).unwrap_or(usize::MAX)
}

fn with_value(o: &mut Options, name: &str, value: Vec<u8>) -> Taken {
    let text = String::from_utf8_lossy(&value).into_owned();
    match name {
        "-h" => o.host = text,
        "-p" => match u16::try_from(number(&value, 0)) {
            Ok(port) => o.port = port,
            Err(_) => return Taken::Refused("Invalid server port.".to_owned()),
        },
        "-s" => o.socket = Some(OsString::from_vec(value).into()),
        "-a" => o.password = Some(value),
        "--user" => o.user = Some(value),
        "-u" => return uri(o, &text),
        "-c" => o.clients = count(&value, 1),
        "-n" => o.requests = number(&value, 1),
        "-d" => o.size = usize::try_from(number(&value, 1).min(SIZE_MAX)).unwrap_or(1),
        "--dbnum" => o.database = u32::try_from(number(&value, 0)).unwrap_or(u32::MAX),
        "--threads" => match count(&value, 0) {
            n @ 0..=500 => o.threads = n,
            _ => {
                eprintln!("WARNING: Too many threads, limiting threads to 500.");
                o.threads = 500;
            }
        },
        "-k" => o.keep_alive = number(&value, 0) != 0,
        "-r" => o.keyspace = Some(number(&value, 1)),
        "-P" => o.pipeline = count(&value, 1),
        "--precision" => o.precision = u8::try_from(number(&value, 1).min(4)).unwrap_or(3),
        "--seed" => o.seed = Some(number(&value, 0)),
        "-t" => {
            let names = text.to_ascii_lowercase();
            o.tests = Some(names.split(',').map(str::to_owned).collect());
        }
        _ => return Taken::No,
    }
    Taken::Yes
}

/// `redis://user:password@host:port/database`.
fn uri(o: &mut Options, text: &str) -> Taken {
    let Some(rest) = text
        .strip_prefix("redis://")
        .or_else(|| text.strip_prefix("valkey://"))
    else {
        return Taken::Refused("Invalid URI scheme".to_owned());
    };
    let rest = match rest.rsplit_once('@') {
        Some((who, rest)) => {
            let (user, password) = match who.split_once(':') {
                Some((user, password)) => (Some(user), password),
                None => (None, who),
            };
            o.user = user
                .filter(|u| !u.is_empty())
                .map(|u| u.as_bytes().to_vec());
            o.password = Some(password.as_bytes().to_vec());
            rest
        }
        None => rest,
    };
    let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    if !host.is_empty() {
        o.host = host.to_owned();
    }
    if !port.is_empty() {
        let Ok(port) = port.parse() else {
            return Taken::Refused("Invalid server port.".to_owned());
        };
        o.port = port;
    }
    if !database.is_empty() {
        o.database = u32::try_from(number(database.as_bytes(), 0)).unwrap_or(u32::MAX);
    }
    Taken::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> (Options, Vec<Vec<u8>>) {
        match parse(line.split(' ').map(OsString::from).collect()) {
            Parsed::Run(options, command) => (*options, command),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_then_a_command() {
        let (o, command) = run("-n 10 -c 0 -q -P 4 -r 100 -t SET,get lpush -x __rand_int__");
        assert_eq!(
            (o.requests, o.clients, o.pipeline, o.keyspace),
            (10, 1, 4, Some(100))
        );
        assert!(
            o.quiet && o.selects(&["set"]) && o.selects(&["x", "get"]) && !o.selects(&["incr"])
        );
        assert_eq!(command.len(), 3);
        assert!(!o.last_from_stdin);
        let (o, _) = run("-u redis://me:pw@host:7/2");
        assert_eq!((o.host.as_str(), o.port, o.database), ("host", 7, 2));
        assert_eq!(o.user.as_deref(), Some(b"me".as_slice()));
    }

    #[test]
    fn what_is_no_option_is_named() {
        for line in ["--foo", "-n", "-q --threads"] {
            let parsed = parse(line.split(' ').map(OsString::from).collect());
            let last = line.rsplit(' ').next().unwrap();
            assert!(
                matches!(parsed, Parsed::Invalid(word) if word == last),
                "{line}"
            );
        }
    }
}
