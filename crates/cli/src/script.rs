//! `--eval`: sends a file as a script.

use std::path::Path;

use crate::output::{self, Exit};
use crate::replica::plain;
use crate::session::{Outcome, Session};

/// Sends EVAL with the words before a lone comma as keys and those behind it as arguments.
///
/// # Errors
/// The exit code, where it is not 0.
pub(crate) fn run(session: &mut Session, path: &Path, words: &[Vec<u8>]) -> Result<(), Exit> {
    let source = std::fs::read(path).map_err(|fault| {
        let reason = plain(&fault);
        output::complain(&format!("Can't open file '{}': {reason}", path.display()));
        Exit(1)
    })?;
    let comma = words.iter().position(|w| w == b",");
    let keys = comma.unwrap_or(words.len());
    let mut args = vec![b"EVAL".to_vec(), source, keys.to_string().into_bytes()];
    args.extend(
        words
            .iter()
            .enumerate()
            .filter(|(n, _)| Some(*n) != comma)
            .map(|(_, w)| w.clone()),
    );
    match session.issue(&args, session.options.repeat)? {
        Outcome::Lost => Err(Exit(1)),
        Outcome::Done | Outcome::Redirected => Ok(()),
    }
}
