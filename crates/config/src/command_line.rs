//! The server's command line, in all the forms that Redis takes, as text of a configuration file.

use crate::words::{quote, split};

/// What a command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The configuration file, or a pattern of several.
    pub file: Option<Vec<u8>>,
    /// Read more of it from standard input.
    pub stdin: bool,
    /// Options, one to a line; they come last and win.
    pub options: Vec<u8>,
}

/// Reads the arguments behind the program's name. The first may be a file; `-` as the first or
/// last one stands for standard input; `--name value …` are options. What else the program takes
/// (`--help`, `--version`) is the caller's affair, and is to be looked for before.
///
/// Once an option has its name, the next argument is a value even if it begins with `--`, so that
/// any password can be passed; only `--save` and `--sentinel` may stand alone.
pub fn command_line<A: AsRef<[u8]>>(args: &[A]) -> CommandLine {
    let mut line = CommandLine::default();
    let arg = |index: usize| args.get(index).map(AsRef::as_ref);
    let last = args.len().saturating_sub(1);
    let mut index = 0;
    if let Some(first) = arg(0).filter(|first| !first.starts_with(b"-")) {
        line.file = Some(first.to_vec());
        index = 1;
    }
    let mut name_allowed = true;
    while let Some(word) = arg(index) {
        let is_last = index == last;
        if word == b"-" && (index == 0 || is_last) {
            line.stdin = true;
        } else if name_allowed && word.starts_with(b"--") {
            let next_is_name = arg(index + 1).is_some_and(|next| next.starts_with(b"--"));
            name_allowed = add_name(&mut line.options, word, is_last, next_is_name);
        } else {
            line.options.extend(quote(word));
            line.options.push(b' ');
            name_allowed = true;
        }
        index += 1;
    }
    line
}

/// Begins an option's line. Returns whether the next argument may be a name again.
fn add_name(options: &mut Vec<u8>, word: &[u8], is_last: bool, next_is_name: bool) -> bool {
    if !options.is_empty() {
        options.push(b'\n');
    }
    options.extend(&word[2..]);
    options.push(b' ');
    if split(word).is_none_or(|words| words.len() != 1) {
        // Name and value in one argument.
        return true;
    }
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if is("--save") && (next_is_name || is_last) {
        options.extend(b"\"\"");
    }
    next_is_name && (is("--save") || is("--sentinel"))
}
