//! Arguments that nobody but the server is to see.

use commands::Spec;
use resp::Args;

/// What is shown in place of a secret.
pub(crate) const REDACTED: &[u8] = b"(redacted)";

/// The indexes of the arguments that nobody is to see, in order: as the command's row and the
/// table of options have it.
pub(crate) fn secrets(spec: &Spec, args: Args<'_>) -> Vec<usize> {
    let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
    let mut found = Vec::new();
    commands::secrets(spec, &argv, config::is_secret, &mut |index| {
        found.push(index);
    });
    found
}
