//! What may follow the words that were typed, by matching them with the command's arguments.
//!
//! Optional arguments that stand side by side may come in any order. A word that fits nowhere ends
//! all hints, so that nobody is told what the server would refuse.

use commands::{Arg, ArgKind};

use crate::syntax::{again, argument, body};

/// What matching an argument with the words came to.
#[derive(Debug)]
enum Match {
    /// The first word does not fit.
    No,
    /// It took so many words, and more of them follow or nothing more can.
    Took(usize),
    /// The words ran out; this is what may follow within the argument.
    Open(String),
}

/// The text behind `words`, which are complete; `None` where they do not fit, empty where nothing
/// can follow.
pub(crate) fn after(args: &[Arg], words: &[Vec<u8>]) -> Option<String> {
    match list(args, words) {
        Match::No => None,
        Match::Took(n) => (n == words.len()).then(String::new),
        Match::Open(text) => Some(text),
    }
}

fn join(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    parts.join(" ")
}

/// Arguments one after the other.
fn list(args: &[Arg], words: &[Vec<u8>]) -> Match {
    let (mut at, mut taken) = (0, 0);
    while at < args.len() {
        if taken == words.len() {
            return Match::Open(join(args[at..].iter().map(argument)));
        }
        if args[at].optional {
            let group = args[at..].iter().take_while(|a| a.optional).count();
            match any_order(&args[at..at + group], &words[taken..]) {
                Match::Open(text) => {
                    let rest = args[at + group..].iter().map(argument);
                    return Match::Open(join(std::iter::once(text).chain(rest)));
                }
                Match::Took(n) => taken += n,
                Match::No => {}
            }
            at += group;
            continue;
        }
        match repeated(&args[at], &words[taken..]) {
            Match::No => return Match::No,
            Match::Took(n) => taken += n,
            Match::Open(text) => {
                let rest = args[at + 1..].iter().map(argument);
                return Match::Open(join(std::iter::once(text).chain(rest)));
            }
        }
        at += 1;
    }
    Match::Took(taken)
}

/// Optional arguments, each at most once.
fn any_order(group: &[Arg], words: &[Vec<u8>]) -> Match {
    let mut left: Vec<&Arg> = group.iter().collect();
    let mut taken = 0;
    loop {
        let mut found = None;
        for (n, arg) in left.iter().enumerate() {
            match repeated(arg, &words[taken..]) {
                Match::No | Match::Took(0) => {}
                matched => {
                    found = Some((n, matched));
                    break;
                }
            }
        }
        let Some((n, matched)) = found else {
            return Match::Took(taken);
        };
        left.remove(n);
        let rest = left.iter().map(|a| argument(a));
        match matched {
            Match::Took(count) => taken += count,
            Match::Open(text) => return Match::Open(join(std::iter::once(text).chain(rest))),
            Match::No => {}
        }
        if taken == words.len() {
            let text = join(left.iter().map(|a| argument(a)));
            return Match::Open(text);
        }
    }
}

/// An argument as often as it comes.
fn repeated(arg: &Arg, words: &[Vec<u8>]) -> Match {
    let more = || format!("[{} ...]", again(arg));
    let mut taken = match announced(arg, words) {
        Match::Took(n) => n,
        Match::Open(text) if arg.multiple => return Match::Open(join([text, more()])),
        other => return other,
    };
    if !arg.multiple {
        return Match::Took(taken);
    }
    while taken < words.len() {
        let next = match arg.multiple_token {
            true => announced(arg, &words[taken..]),
            false => bare(arg, &words[taken..]),
        };
        match next {
            Match::No | Match::Took(0) => return Match::Took(taken),
            Match::Took(n) => taken += n,
            Match::Open(text) => return Match::Open(join([text, more()])),
        }
    }
    Match::Open(more())
}

/// An argument once, with the word that announces it.
fn announced(arg: &Arg, words: &[Vec<u8>]) -> Match {
    let Some(token) = arg.token.filter(|_| arg.kind != ArgKind::PureToken) else {
        return bare(arg, words);
    };
    match words.split_first() {
        None => Match::No,
        Some((first, _)) if !first.eq_ignore_ascii_case(token.as_bytes()) => Match::No,
        Some((_, [])) => Match::Open(body(arg)),
        Some((_, rest)) => match bare(arg, rest) {
            Match::Took(n) => Match::Took(n + 1),
            other => other,
        },
    }
}

/// An argument once, without the word that announces it.
fn bare(arg: &Arg, words: &[Vec<u8>]) -> Match {
    let Some(first) = words.first() else {
        return Match::No;
    };
    let text = String::from_utf8_lossy(first);
    let fits = match arg.kind {
        ArgKind::OneOf => {
            let matches = arg.args.iter().map(|member| repeated(member, words));
            return matches
                .into_iter()
                .find(|m| !matches!(m, Match::No))
                .unwrap_or(Match::No);
        }
        ArgKind::Block => return list(arg.args, words),
        ArgKind::PureToken => arg
            .token
            .is_some_and(|t| first.eq_ignore_ascii_case(t.as_bytes())),
        ArgKind::Integer | ArgKind::UnixTime => text.parse::<i64>().is_ok(),
        ArgKind::Double => text.parse::<f64>().is_ok(),
        ArgKind::String | ArgKind::Key | ArgKind::Pattern => true,
    };
    if fits { Match::Took(1) } else { Match::No }
}

#[cfg(test)]
mod tests {
    use crate::help::hint;

    /// The hint behind a line, an empty one for none.
    fn behind(line: &str) -> String {
        hint(line).unwrap_or_default()
    }

    #[test]
    fn plain_arguments_are_left_out_as_they_are_typed() {
        assert_eq!(behind("GET "), "key");
        assert_eq!(behind("GET abc "), "");
        assert_eq!(behind("DECRBY xyz "), "decrement");
        assert_eq!(behind("LPOP key "), "[count]");
        assert_eq!(behind("LPOP key 3 "), "");
        assert_eq!(behind("MGET k k "), "[key ...]");
        assert_eq!(behind("CONFIG SET param "), "value [parameter value ...]");
        assert_eq!(behind("CONFIG SET param val "), "[parameter value ...]");
    }

    #[test]
    fn options_come_in_any_order() {
        assert_eq!(behind("SCAN 2 MATCH "), "pattern [COUNT count] [TYPE type]");
        assert_eq!(behind("SCAN 2 COUNT 5 "), "[MATCH pattern] [TYPE type]");
        assert_eq!(behind("SET key value xx "), behind("SET key value XX "));
        assert!(behind("SET key value EX ").starts_with("seconds [NX|XX] [GET]"));
        assert_eq!(behind("SET key value EX 23 "), "[NX|XX] [GET]");
        assert!(behind("SET key value KEEPTTL XX ").starts_with("[GET]"));
        let sort = behind("SORT k DESC ");
        assert!(
            sort.contains("[LIMIT offset count]") && !sort.contains("ASC"),
            "{sort}"
        );
    }

    #[test]
    fn repeated_options_and_choices() {
        let block = "[GET encoding offset [GET encoding offset ...]]";
        assert_eq!(behind("BITFIELD_RO k "), block);
        assert_eq!(
            behind("BITFIELD_RO k GET "),
            "encoding offset [GET encoding offset ...]"
        );
        assert_eq!(
            behind("BITFIELD_RO k GET u8 1 "),
            "[GET encoding offset ...]"
        );
        assert_eq!(behind("LMOVE a b LEFT "), "LEFT|RIGHT");
        assert_eq!(behind("HRANDFIELD k 3 "), "[WITHVALUES]");
        assert!(behind("MIGRATE ").starts_with("host port key|\"\" destination-db timeout"));
    }

    #[test]
    fn a_word_that_does_not_fit_ends_the_hints() {
        for line in [
            "SET key value FOOBAR ",
            "SET key value EX sec ",
            "HRANDFIELD k cnt ",
            "GET a b ",
        ] {
            assert_eq!(behind(line), "", "{line}");
        }
    }
}
