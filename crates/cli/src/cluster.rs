//! `redis-cli --cluster`: creates, checks, repairs and reshapes a cluster.
//!
//! Texts, prompts, the order of requests and exit codes are those of redis-cli 7.0, because
//! people and scripts read them. Where redis-cli leaves an open question to chance (the order of
//! a hash table, a random replica) or waits for ever (an answer after the end of input), this one
//! is orderly; each such place says so.

mod affinity;
mod backup;
mod call;
mod check;
mod commands;
mod console;
mod coverage;
mod create;
mod import;
mod join;
mod keys;
mod line;
mod members;
mod node;
mod open_slot;
mod options;
mod owners;
mod rebalance;
mod reshard;
mod session;
mod slots;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

pub use commands::HELP_WORDS;
pub use console::Console;
pub use create::slot_ranges;
pub use line::{main, run_request};
pub use options::{Options, Taken};

use session::Session;

/// The reason was already shown; the command ends with exit code 1.
#[derive(Debug)]
struct Failed;

/// What a step of the manager gives, or that it failed and said so.
type Outcome<T = ()> = Result<T, Failed>;

/// Runs one `--cluster` command on standard input and output.
///
/// `args` begins with the command's name (`create`, `check`, ...); exit code 0 or 1 as redis-cli.
pub fn run(options: &Options, args: &[String]) -> ExitCode {
    let (mut out, mut err, mut input) = (std::io::stdout(), std::io::stderr(), std::io::stdin());
    let colors = std::env::var("TERM").is_ok_and(|term| term.contains("xterm"));
    let console = Console::new(&mut out, &mut err, &mut input, colors);
    if run_on(console, options, args) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// As [`run`], on any console; whether the command succeeded.
pub fn run_on(mut console: Console<'_>, options: &Options, args: &[String]) -> bool {
    let command = match commands::find(args) {
        Ok(command) => command,
        Err(text) => {
            console.complain(text);
            return false;
        }
    };
    let mut session = Session::new(console, options);
    let done = (command.run)(&mut session, &args[1..]).is_ok();
    session.console.flush();
    done
}
