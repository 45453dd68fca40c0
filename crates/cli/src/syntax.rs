//! The arguments of a command as one line of text: `key value [NX|XX] [GET]`.

use commands::{Arg, ArgKind, Spec};

/// The arguments of a command, as help and hints show them.
pub(crate) fn of(spec: &Spec) -> String {
    spec.args.iter().map(argument).collect::<Vec<_>>().join(" ")
}

fn argument(arg: &Arg) -> String {
    let one = single(arg);
    let shown = if arg.multiple {
        let again = if arg.multiple_token {
            one.clone()
        } else {
            unannounced(arg)
        };
        format!("{one} [{again} ...]")
    } else {
        one
    };
    if arg.optional {
        format!("[{shown}]")
    } else {
        shown
    }
}

/// The argument once, with the word that announces it.
fn single(arg: &Arg) -> String {
    let body = unannounced(arg);
    match arg.token {
        Some(token) if arg.kind != ArgKind::PureToken => {
            let token = if token.is_empty() { "\"\"" } else { token };
            format!("{token} {body}")
        }
        _ => body,
    }
}

fn unannounced(arg: &Arg) -> String {
    let members = || arg.args.iter().map(argument).collect::<Vec<_>>();
    match arg.kind {
        ArgKind::PureToken => match arg.token {
            Some("") => "\"\"".to_owned(),
            Some(token) => token.to_owned(),
            None => arg.display.to_owned(),
        },
        ArgKind::OneOf => members().join("|"),
        ArgKind::Block => members().join(" "),
        _ => arg.display.to_owned(),
    }
}

/// What a hint shows after `typed` words behind the command's name: the plain arguments that were
/// typed are left out, up to the first optional one.
pub(crate) fn rest(spec: &Spec, typed: usize) -> String {
    let text = of(spec);
    let mut rest = text.as_str();
    for _ in 0..typed {
        if rest.is_empty() || rest.starts_with('[') {
            break;
        }
        rest = rest.split_once(' ').map_or("", |(_, after)| after);
    }
    rest.to_owned()
}

/// The command (or subcommand) that a line begins with, and how many words name it.
pub(crate) fn command_of(words: &[Vec<u8>]) -> Option<(&'static Spec, usize)> {
    let spec = commands::lookup(words.first()?)?;
    if let Some(second) = words.get(1)
        && let Some(sub) = spec
            .subcommands
            .iter()
            .find(|s| second.eq_ignore_ascii_case(s.name.as_bytes()))
    {
        return Some((sub, 2));
    }
    Some((spec, 1))
}

/// `CONFIG GET`, as help writes a name.
pub(crate) fn shown_name(spec: &Spec) -> String {
    spec.full_name.replace('|', " ").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(line: &str) -> String {
        let words = crate::words::split(line.as_bytes()).unwrap();
        let (spec, n) = command_of(&words).unwrap();
        rest(spec, words.len() - n)
    }

    #[test]
    fn shows_options_and_repetitions() {
        assert_eq!(syntax("lpush"), "key element [element ...]");
        assert_eq!(syntax("get"), "key");
        assert!(syntax("set").starts_with("key value [NX|XX] [GET] [EX seconds|"));
        assert_eq!(syntax("config get"), "parameter [parameter ...]");
        assert!(
            syntax("sort").contains("[GET pattern [GET pattern ...]]"),
            "{}",
            syntax("sort")
        );
    }

    #[test]
    fn a_hint_leaves_out_what_was_typed() {
        assert_eq!(syntax("lpush k"), "element [element ...]");
        assert_eq!(syntax("lpush k a b"), "[element ...]");
        assert_eq!(syntax("get k"), "");
        assert_eq!(syntax("get k more"), "");
    }
}
