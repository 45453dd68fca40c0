//! `help` and the texts it shows.

use commands::Spec;

use crate::output::{self, Exit};
use crate::{hint, syntax, words};

/// The names of the groups that `help @group` knows, in the order of the documentation.
pub(crate) const GROUPS: [&str; 15] = [
    "generic",
    "string",
    "list",
    "set",
    "sorted-set",
    "hash",
    "pubsub",
    "transactions",
    "connection",
    "server",
    "scripting",
    "hyperloglog",
    "cluster",
    "geo",
    "stream",
];

/// Shows what `help` and the words behind it ask for.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn show(args: &[Vec<u8>], program: &str) -> Result<(), Exit> {
    let Some(first) = args.first() else {
        return output::print(&general(program));
    };
    let mut text = "\r\n".to_owned();
    if let Some(group) = first.strip_prefix(b"@") {
        for spec in all() {
            if group.eq_ignore_ascii_case(spec.group.name().as_bytes()) {
                text.push_str(&entry(spec, false));
            }
        }
        return output::print(&text);
    }
    for spec in all() {
        let name: Vec<&str> = spec.full_name.split('|').collect();
        let matches = args.len() <= name.len()
            && args
                .iter()
                .zip(&name)
                .all(|(arg, part)| arg.eq_ignore_ascii_case(part.as_bytes()));
        if matches {
            text.push_str(&entry(spec, true));
        }
    }
    output::print(&text)
}

/// Commands and subcommands by name.
fn all() -> Vec<&'static Spec> {
    let mut specs: Vec<&Spec> = commands::all().collect();
    specs.sort_by_key(|spec| spec.full_name);
    specs
}

fn entry(spec: &Spec, with_group: bool) -> String {
    let name = syntax::shown_name(spec);
    let arguments = syntax::of(spec);
    let mut text = format!(
        "  \x1b[1m{name}\x1b[0m \x1b[90m{arguments}\x1b[0m\r\n  \
         \x1b[33msummary:\x1b[0m {}\r\n  \x1b[33msince:\x1b[0m {}\r\n",
        spec.summary.trim_end_matches('.'),
        spec.since
    );
    if with_group {
        text.push_str(&format!(
            "  \x1b[33mgroup:\x1b[0m {}\r\n",
            spec.group.name()
        ));
    }
    text.push_str("\r\n");
    text
}

fn general(program: &str) -> String {
    format!(
        "{}\n\
         To get help about Redis commands type:\n      \
         \"help @<group>\" to get a list of commands in <group>\n      \
         \"help <command>\" for help on <command>\n      \
         \"help <tab>\" to get a list of possible help topics\n      \
         \"quit\" to exit\n\
         \n\
         To set redis-cli preferences:\n      \
         \":set hints\" enable online hints\n      \
         \":set nohints\" disable online hints\n\
         Set your preferences in ~/.redisclirc\n",
        crate::usage::version(program)
    )
}

/// What Tab may turn `line` into.
pub(crate) fn completions(line: &str) -> Vec<String> {
    let (prefix, topic) = match line.get(..5) {
        Some(start) if start.eq_ignore_ascii_case("help ") => (start, &line[5..]),
        _ => ("", line),
    };
    let mut found = Vec::new();
    if !prefix.is_empty() {
        let groups = GROUPS.iter().map(|g| format!("@{g}"));
        found.extend(
            groups
                .filter(|g| starts_with(g, topic))
                .map(|g| format!("{prefix}{g}")),
        );
    }
    for spec in all() {
        let name = syntax::shown_name(spec);
        if starts_with(&name, topic) {
            // Who types small letters goes on in small letters.
            let small = topic.chars().next().is_some_and(|c| c.is_ascii_lowercase());
            let name = if small {
                name.to_ascii_lowercase()
            } else {
                name
            };
            found.push(format!("{prefix}{name}"));
        }
    }
    found
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|s| s.eq_ignore_ascii_case(start))
}

/// The grey text behind a line that is being typed.
pub(crate) fn hint(line: &str) -> Option<String> {
    let typed = words::split(line.as_bytes())?;
    let (spec, named) = syntax::command_of(&typed)?;
    if spec.is_container() {
        return None;
    }
    let ends_with_space = line.ends_with(' ');
    // The word at the cursor is still being typed.
    let arguments = &typed[named..];
    let complete = arguments.len() - usize::from(!ends_with_space && !arguments.is_empty());
    let rest = hint::after(spec.args, &arguments[..complete])?;
    // With a plain argument half typed, what is shown begins behind it.
    let rest = match ends_with_space || complete == arguments.len() {
        true => rest,
        false => hint::after(spec.args, arguments).unwrap_or(rest),
    };
    if rest.is_empty() {
        return None;
    }
    Some(if ends_with_space {
        rest
    } else {
        format!(" {rest}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_completes_commands_and_topics() {
        assert!(completions("lpu").contains(&"lpush".to_owned()));
        assert!(completions("CONFIG G").contains(&"CONFIG GET".to_owned()));
        assert!(completions("help @li").contains(&"help @list".to_owned()));
        assert!(completions("help ge").contains(&"help get".to_owned()));
        assert!(completions("nosuch").is_empty());
    }

    #[test]
    fn hints_follow_the_cursor() {
        assert_eq!(hint("get").as_deref(), Some(" key"));
        assert_eq!(hint("get ").as_deref(), Some("key"));
        assert_eq!(hint("lpush k").as_deref(), Some(" element [element ...]"));
        assert_eq!(hint("lpush k ").as_deref(), Some("element [element ...]"));
        assert_eq!(hint("get k"), None);
        assert_eq!(hint("nosuch"), None);
        assert_eq!(hint("get \"open"), None);
    }
}
