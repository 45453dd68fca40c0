//! The arguments of a command as one line of text: `key value [NX|XX] [GET]`.

use commands::{Arg, ArgKind, Spec};

/// The arguments of a command, as help and hints show them.
pub(crate) fn of(spec: &Spec) -> String {
    spec.args.iter().map(argument).collect::<Vec<_>>().join(" ")
}

pub(crate) fn argument(arg: &Arg) -> String {
    let one = single(arg);
    let shown = if arg.multiple {
        format!("{one} [{} ...]", again(arg))
    } else {
        one
    };
    if arg.optional {
        format!("[{shown}]")
    } else {
        shown
    }
}

/// The argument when it comes again.
pub(crate) fn again(arg: &Arg) -> String {
    if arg.multiple_token {
        single(arg)
    } else {
        body(arg)
    }
}

/// The argument once, with the word that announces it.
fn single(arg: &Arg) -> String {
    let body = body(arg);
    match arg.token {
        Some(token) if arg.kind != ArgKind::PureToken => {
            let token = if token.is_empty() { "\"\"" } else { token };
            format!("{token} {body}")
        }
        _ => body,
    }
}

/// The argument once, without the word that announces it.
pub(crate) fn body(arg: &Arg) -> String {
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

/// The command (or subcommand) that a line begins with, and how many words name it.
pub(crate) fn command_of(words: &[Vec<u8>]) -> Option<(&'static Spec, usize)> {
    let spec = commands::lookup(words.first()?)?;
    if let Some(second) = words.get(1)
        && let Some(sub) = spec.subcommand(second)
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
        of(command_of(&words).unwrap().0)
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
}
