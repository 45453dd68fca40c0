//! A command that does not exist, and what the client is told.

use crate::argv::Argv;
use crate::spec::Spec;

/// Which part of a command's name is unknown.
#[derive(Clone, Copy, Debug)]
pub enum Unknown {
    /// There is no such command.
    Command,
    /// This container has no such subcommand.
    Subcommand(&'static Spec),
}

/// How much of what the client sent an error repeats, in bytes.
const REPEATED: usize = 128;

impl Unknown {
    /// The error text, without the leading `-ERR `, that Redis sends. Names end at a zero byte,
    /// as they do there, and line ends become blanks.
    pub fn text<A: Argv + ?Sized>(&self, argv: &A) -> Vec<u8> {
        let mut text = Vec::with_capacity(64);
        match self {
            Unknown::Command => {
                text.extend_from_slice(b"unknown command '");
                text.extend_from_slice(printable(first(argv)));
                text.extend_from_slice(b"', with args beginning with: ");
                let start = text.len();
                for index in 1..argv.count() {
                    let used = text.len() - start;
                    if used >= REPEATED {
                        break;
                    }
                    let arg = printable(argv.arg(index));
                    text.push(b'\'');
                    text.extend_from_slice(&arg[..arg.len().min(REPEATED - used)]);
                    text.extend_from_slice(b"' ");
                }
            }
            Unknown::Subcommand(_) => {
                text.extend_from_slice(b"unknown subcommand '");
                text.extend_from_slice(printable(argv.arg(1)));
                text.extend_from_slice(b"'. Try ");
                text.extend_from_slice(&until_zero(first(argv)).to_ascii_uppercase());
                text.extend_from_slice(b" HELP.");
            }
        }
        for byte in &mut text {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        text
    }
}

/// The error text, without the leading `-ERR `, for a subcommand with more or other arguments than
/// it takes, where its arity in the table does not tell: Redis names it as the client wrote it.
pub fn wrong_subcommand<A: Argv + ?Sized>(argv: &A) -> Vec<u8> {
    let mut text = b"unknown subcommand or wrong number of arguments for '".to_vec();
    if argv.count() > 1 {
        text.extend_from_slice(printable(argv.arg(1)));
    }
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(&until_zero(first(argv)).to_ascii_uppercase());
    text.extend_from_slice(b" HELP.");
    for byte in &mut text {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    text
}

fn first<A: Argv + ?Sized>(argv: &A) -> &[u8] {
    if argv.count() == 0 { b"" } else { argv.arg(0) }
}

fn until_zero(arg: &[u8]) -> &[u8] {
    arg.split(|b| *b == 0).next().unwrap_or_default()
}

fn printable(arg: &[u8]) -> &[u8] {
    let arg = &arg[..arg.len().min(REPEATED)];
    until_zero(arg)
}
