//! The command line of `shoal cluster COMMAND ...`: the manager without `redis-cli --cluster`
//! before it.

use std::ffi::OsString;
use std::process::ExitCode;

use super::{Options, Taken, run};

/// Runs `shoal cluster` with these words (the program's and the sub-command's names left out).
///
/// Options may stand anywhere, with or without their `cluster-`: `--replicas 1` is
/// `--cluster-replicas 1`. Besides them there are `-a`, `--pass`, `--user` and `--verbose`. After
/// the address of `call` every word belongs to the command that is called.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let words: Vec<String> = args
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut options = Options {
        password: std::env::var("REDISCLI_AUTH").ok(),
        ..Options::default()
    };
    options.take_environment();
    match split(&mut options, &words) {
        Ok(command) => run(&options, &command),
        Err(text) => {
            eprint!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `redis-cli --cluster COMMAND ...` as its command line was read.
pub fn run_request(line: &crate::Options) -> ExitCode {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let mut options = Options {
        user: line.user.as_ref().map(text),
        password: line.password.as_ref().map(text),
        verbose: line.verbose,
        ..Options::default()
    };
    options.take_environment();
    for flag in &line.cluster_flags {
        let name = format!("--cluster-{}", flag.name);
        let words = [std::slice::from_ref(&name), &flag.values].concat();
        let refused = match options.take(&words) {
            Taken::Words(count) if count == words.len() => continue,
            Taken::Refused(text) => text.to_owned(),
            _ => format!("Unrecognized option or bad number of args for: '{name}'\n"),
        };
        eprint!("{refused}");
        return ExitCode::FAILURE;
    }
    let request = line.cluster.clone().unwrap_or_default();
    run(&options, &[vec![request.command], request.args].concat())
}

/// Sorts options from the words of the command.
fn split(options: &mut Options, words: &[String]) -> Result<Vec<String>, String> {
    let mut command: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let is_called = command.len() >= 2 && command[0] == "call";
        if !word.starts_with("--") && word != "-a" || is_called && !word.starts_with("--cluster-") {
            command.push(word.clone());
            at += 1;
            continue;
        }
        at += take(options, &words[at..])?;
    }
    Ok(command)
}

/// Reads the option at the head of `words`; how many of them it took.
fn take(options: &mut Options, words: &[String]) -> Result<usize, String> {
    let value = words.get(1).cloned();
    match words[0].as_str() {
        "--verbose" => {
            options.verbose = true;
            return Ok(1);
        }
        "-a" | "--pass" if value.is_some() => options.password = value,
        "--user" if value.is_some() => options.user = value,
        other => {
            let mut words = words.to_vec();
            if let Some(name) = other.strip_prefix("--")
                && !name.starts_with("cluster-")
            {
                words[0] = format!("--cluster-{name}");
            }
            return match options.take(&words) {
                Taken::Words(count) => Ok(count),
                Taken::Refused(text) => Err(text.to_owned()),
                Taken::Not => Err(format!(
                    "Unrecognized option or bad number of args for: '{other}'\n"
                )),
            };
        }
    }
    Ok(2)
}

#[cfg(test)]
pub(super) fn split_for_test(options: &mut Options, words: &[&str]) -> Result<Vec<String>, String> {
    split(
        options,
        &words.iter().map(ToString::to_string).collect::<Vec<_>>(),
    )
}
