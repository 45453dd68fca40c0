//! Hints for who types a command: the arguments still to come, from the argument trees.
//!
//! The notation is redis-cli's: optional arguments in brackets, alternatives with bars, repetition
//! with dots. Words that are there already are matched against the tree first; optional arguments
//! may come in any order.

use crate::arg::{Arg, ArgKind};
use crate::argv::Argv;
use crate::lookup::resolve;
use crate::spec::Spec;

/// All arguments of a command.
pub fn syntax(spec: &Spec) -> String {
    let mut text = String::new();
    show_all(&mut text, &fresh(spec.args), " ");
    text
}

/// The arguments that may follow these words, which begin with a command and are all finished: a
/// word still being typed is left out. `None` if they name no command, or only a container; empty
/// if nothing can follow, or a word does not fit.
pub fn hint<A: Argv + ?Sized>(words: &A) -> Option<String> {
    let spec = resolve(words).ok()?;
    if spec.is_container() {
        return None;
    }
    let name_words = if spec.parent().is_some() { 2 } else { 1 };
    let rest: Vec<&[u8]> = (name_words..words.count())
        .map(|index| words.arg(index))
        .collect();
    let mut seen = fresh(spec.args);
    let mut text = String::new();
    if take_all(&rest, &mut seen) == rest.len() {
        show_all(&mut text, &seen, " ");
    }
    Some(text)
}

/// An argument, and how much of it was seen.
#[derive(Clone)]
struct Seen {
    arg: &'static Arg,
    /// Something of it was seen.
    begun: bool,
    /// Its token was seen.
    token: bool,
    /// What stands behind the token was seen, if it is one word.
    word: bool,
    /// All of it was seen, at least once, and nothing is missing.
    whole: bool,
    /// Nothing of it can follow.
    done: bool,
    members: Vec<Seen>,
}

fn fresh(args: &'static [Arg]) -> Vec<Seen> {
    args.iter().map(unseen).collect()
}

fn unseen(arg: &'static Arg) -> Seen {
    Seen {
        arg,
        begun: false,
        token: false,
        word: false,
        whole: false,
        done: false,
        members: fresh(arg.args),
    }
}

/// Matches words against arguments in order; how many words fit. None does if there are more, and
/// the next does not fit an argument that must come.
fn take_all(words: &[&[u8]], args: &mut [Seen]) -> usize {
    let mut taken = 0;
    let mut next = 0;
    while next < args.len() && taken < words.len() {
        let run = args[next..]
            .iter()
            .take_while(|seen| seen.arg.optional)
            .count();
        if run > 0 {
            taken += take_optional(&words[taken..], &mut args[next..next + run]);
            next += run;
            continue;
        }
        match take(&words[taken..], &mut args[next]) {
            0 => return 0,
            count => taken += count,
        }
        // Optional arguments have their place before it.
        for passed in args[..next].iter_mut().filter(|seen| seen.arg.optional) {
            passed.done = true;
        }
        next += 1;
    }
    taken
}

/// Matches words against neighbouring optional arguments, in any order.
fn take_optional(words: &[&[u8]], args: &mut [Seen]) -> usize {
    let mut taken = 0;
    let mut last: Option<usize> = None;
    while taken < words.len() {
        let rest = &words[taken..];
        let free = |index: &usize| !args[*index].begun || args[*index].whole;
        let found = (0..args.len()).filter(free).find_map(|index| {
            let mut tried = unseen(args[index].arg);
            match take(rest, &mut tried) {
                0 => None,
                count => Some((index, tried, count)),
            }
        });
        let Some((index, seen, count)) = found else {
            break;
        };
        taken += count;
        // Once another one has begun, an unfinished or repeatable one before it is over.
        if let Some(last) = last.replace(index) {
            args[last].done = true;
        }
        args[index] = seen;
    }
    taken
}

/// Matches words against one argument, as often as it may come.
fn take(words: &[&[u8]], seen: &mut Seen) -> usize {
    let mut taken = take_once(words, seen, false);
    if !seen.arg.multiple || taken == 0 {
        return taken;
    }
    while seen.done && taken < words.len() {
        let mut again = unseen(seen.arg);
        again.token = seen.arg.token.is_some() && !seen.arg.multiple_token;
        match take_once(&words[taken..], &mut again, true) {
            0 => break,
            count => taken += count,
        }
        *seen = again;
    }
    (seen.whole, seen.done) = (seen.done, false);
    taken
}

/// Matches one argument once. A `repeated` one may have shown its token already.
fn take_once(words: &[&[u8]], seen: &mut Seen, repeated: bool) -> usize {
    let Some(first) = words.first() else { return 0 };
    let mut taken = 0;
    if let Some(token) = seen.arg.token
        && !(repeated && seen.token)
    {
        if !first.eq_ignore_ascii_case(token.as_bytes()) {
            return 0;
        }
        (seen.token, seen.begun) = (true, true);
        taken = 1;
        if seen.arg.kind == ArgKind::PureToken {
            seen.done = true;
            return taken;
        }
        if words.len() == 1 {
            return taken;
        }
    }
    match take_body(&words[taken..], seen) {
        // A block keeps its token even if what follows does not fit, as it does in redis-cli.
        0 if seen.arg.kind == ArgKind::Block => taken,
        0 => 0,
        count => {
            seen.begun = true;
            taken + count
        }
    }
}

fn take_body(words: &[&[u8]], seen: &mut Seen) -> usize {
    let Some(first) = words.first() else { return 0 };
    let text = std::str::from_utf8(first).unwrap_or_default();
    let fits = match seen.arg.kind {
        ArgKind::Block => {
            let taken = take_all(words, &mut seen.members);
            seen.done = seen.members.iter().all(|member| member.done);
            return taken;
        }
        ArgKind::OneOf => {
            for member in &mut seen.members {
                let taken = take(words, member);
                if taken > 0 {
                    seen.done = member.done;
                    return taken;
                }
            }
            return 0;
        }
        ArgKind::Integer | ArgKind::UnixTime => text.parse::<i64>().is_ok(),
        ArgKind::Double => text.parse::<f64>().is_ok(),
        ArgKind::String | ArgKind::Key | ArgKind::Pattern | ArgKind::PureToken => true,
    };
    (seen.word, seen.done) = (fits, fits);
    usize::from(fits)
}

/// Shows what of these arguments may still come. Of optional neighbours, the one begun comes
/// first.
fn show_all(text: &mut String, args: &[Seen], separator: &str) {
    let mut next = 0;
    while next < args.len() {
        let run = args[next..]
            .iter()
            .take_while(|seen| seen.arg.optional)
            .count();
        if run == 0 {
            show(text, &args[next], separator);
            next += 1;
            continue;
        }
        let run = &args[next..next + run];
        let begun = run.iter().position(|seen| seen.begun && !seen.done);
        if let Some(begun) = begun {
            show(text, &run[begun], separator);
        }
        for (index, seen) in run.iter().enumerate() {
            if Some(index) != begun {
                show(text, seen, separator);
            }
        }
        next += run.len();
    }
}

fn show(text: &mut String, seen: &Seen, separator: &str) {
    if seen.done {
        return;
    }
    let mut part = String::new();
    if let Some(token) = seen.arg.token
        && !seen.token
    {
        add(
            &mut part,
            if token.is_empty() { "\"\"" } else { token },
            " ",
        );
    }
    show_body(&mut part, seen);
    if seen.arg.multiple {
        let again = unseen(seen.arg);
        let mut more = String::new();
        if seen.arg.multiple_token
            && let Some(token) = seen.arg.token
        {
            add(&mut more, token, " ");
        }
        show_body(&mut more, &again);
        add(&mut part, &format!("[{more} ...]"), " ");
    }
    let open = seen.arg.optional && !seen.begun;
    // A repeated one that has begun keeps its closing bracket, as it does in redis-cli.
    let close = open || (seen.arg.optional && seen.arg.multiple);
    let (open, close) = (if open { "[" } else { "" }, if close { "]" } else { "" });
    if !part.is_empty() {
        add(text, &format!("{open}{part}{close}"), separator);
    }
}

fn show_body(text: &mut String, seen: &Seen) {
    let mut part = String::new();
    match seen.arg.kind {
        ArgKind::OneOf => match seen.members.iter().find(|member| member.begun) {
            Some(member) => show(&mut part, member, " "),
            None => {
                for member in &seen.members {
                    show(&mut part, member, "|");
                }
            }
        },
        ArgKind::Block => show_all(&mut part, &seen.members, " "),
        ArgKind::PureToken => {}
        _ if !seen.word => part.push_str(seen.arg.display),
        _ => {}
    }
    if !part.is_empty() {
        add(text, &part, " ");
    }
}

fn add(text: &mut String, part: &str, separator: &str) {
    if !text.is_empty() {
        text.push_str(separator);
    }
    text.push_str(part);
}
