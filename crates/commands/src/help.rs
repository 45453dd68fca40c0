//! What `CONFIG HELP` and the like reply.

use crate::hint::syntax;
use crate::spec::Spec;

/// The lines of a container's HELP: each subcommand with its arguments, and what it does below.
pub fn help(container: &Spec) -> Vec<String> {
    let name = container.name.to_ascii_uppercase();
    let head = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let mut lines = vec![head];
    let subcommands = || container.subcommands().iter();
    let others = subcommands().filter(|sub| sub.name != "help");
    let help = subcommands().filter(|sub| sub.name == "help");
    for sub in others.chain(help) {
        let line = format!("{} {}", sub.name.to_ascii_uppercase(), syntax(sub));
        lines.push(line.trim_end().into());
        lines.push(format!("    {}", sub.summary));
    }
    lines
}
