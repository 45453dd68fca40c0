//! Which arguments of a command are secrets: what the slow log, MONITOR and everything else that
//! shows arguments must leave out, and what no history file may keep.

use crate::argv::Argv;
use crate::spec::Spec;

/// Where a command's secrets are. Part of its row.
#[derive(Clone, Copy, Debug)]
pub enum Secrets {
    /// It has none.
    None,
    /// All arguments from this index on.
    From(usize),
    /// So many arguments behind each of these words, upper and lower case alike. The words are
    /// looked for from an index on and up to another word.
    Behind {
        /// Where the options begin.
        from: usize,
        /// The words, with how many secrets follow each.
        words: &'static [(&'static str, usize)],
        /// What ends the options; empty: nothing.
        end: &'static str,
    },
    /// From this index on, each argument behind the name of a server's option whose value is a
    /// secret.
    BehindOptions(usize),
}

/// Calls `visit` with the index of each argument that is a secret, in order and once.
/// `is_secret_option` says of which of the server's options the values are secrets.
///
/// A command that is wrong is looked at as one that is right: what would be a secret there is one
/// here. Where words could be read in two ways, both count.
pub fn secrets<A: Argv + ?Sized>(
    spec: &Spec,
    argv: &A,
    is_secret_option: impl Fn(&[u8]) -> bool,
    visit: &mut dyn FnMut(usize),
) {
    let first = match spec.secrets {
        Secrets::None => return,
        Secrets::From(first) => return (first..argv.count()).for_each(visit),
        Secrets::Behind { from, .. } | Secrets::BehindOptions(from) => from,
    };
    // Arguments before this index are secrets.
    let mut until = 0;
    for index in first..argv.count() {
        let arg = argv.arg(index);
        if index < until {
            visit(index);
        } else if ends(spec, arg) {
            return;
        }
        let announced = announced_by(spec, arg, &is_secret_option);
        until = until.max(index + 1 + announced);
    }
}

/// How many secrets follow an argument, by itself.
fn announced_by(spec: &Spec, arg: &[u8], is_secret_option: &dyn Fn(&[u8]) -> bool) -> usize {
    let count = match spec.secrets {
        Secrets::Behind { words, .. } => words
            .iter()
            .find(|(word, _)| word.as_bytes().eq_ignore_ascii_case(arg))
            .map(|(_, count)| *count),
        Secrets::BehindOptions(_) => is_secret_option(arg).then_some(1),
        Secrets::None | Secrets::From(_) => None,
    };
    count.unwrap_or(0)
}

fn ends(spec: &Spec, arg: &[u8]) -> bool {
    match spec.secrets {
        Secrets::Behind { end, .. } => !end.is_empty() && end.as_bytes().eq_ignore_ascii_case(arg),
        _ => false,
    }
}

/// Whether the arguments of a command, which may be wrong in any way, hold a word that announces a
/// secret, wherever it stands: for whoever would rather forget too much.
pub fn may_hold_secrets<A: Argv + ?Sized>(
    spec: &Spec,
    argv: &A,
    is_secret_option: impl Fn(&[u8]) -> bool,
) -> bool {
    let mut rest = (1..argv.count()).map(|index| argv.arg(index));
    match spec.secrets {
        Secrets::None => false,
        Secrets::From(_) => rest.next().is_some(),
        Secrets::Behind { .. } | Secrets::BehindOptions(_) => {
            rest.any(|arg| announced_by(spec, arg, &is_secret_option) > 0)
        }
    }
}
