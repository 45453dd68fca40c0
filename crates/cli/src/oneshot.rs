//! A command given on the command line.

use std::io::{self, Read as _};

use crate::output::{self, Exit};
use crate::session::{Outcome, Session};
use crate::{help, words};

/// Runs the command `repeat` times.
///
/// # Errors
/// The exit code, where it is not 0.
pub(crate) fn run(
    session: &mut Session,
    mut args: Vec<Vec<u8>>,
    program: &str,
) -> Result<(), Exit> {
    if session.options.quoted_input {
        let unquoted: Option<Vec<_>> = args.iter().map(|a| words::unquote(a)).collect();
        match unquoted {
            Some(plain) => args = plain,
            None => {
                output::print("Invalid quoted string\n")?;
                return Err(Exit(1));
            }
        }
    }
    if session.options.last_from_stdin {
        args.push(read_input());
    } else if let Some(tag) = &session.options.stdin_tag {
        match args.iter_mut().find(|a| *a == tag) {
            Some(place) => *place = read_input(),
            None => {
                output::complain("Using -X option but stdin tag not match.");
                return Err(Exit(1));
            }
        }
    }
    if matches!(args[0].to_ascii_lowercase().as_slice(), b"help" | b"?") {
        return help::show(&args[1..], program);
    }
    let repeat = session.options.repeat;
    match session.issue(&args, repeat)? {
        Outcome::Done | Outcome::Redirected => Ok(()),
        Outcome::Lost => Err(Exit(1)),
    }
}

/// All of standard input; what cannot be read is not there.
pub(crate) fn read_input() -> Vec<u8> {
    let mut input = Vec::new();
    let _ = io::stdin().read_to_end(&mut input);
    input
}
