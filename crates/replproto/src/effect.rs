//! Small things that effects of both machines hold.

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Part of what goes on.
    Notice,
    /// Something went wrong.
    Warning,
}

/// One command as RESP.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    base::words::put(&mut out, words.iter());
    out
}
