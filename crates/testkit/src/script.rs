//! Scripts of commands with what they answer, which the engine runs in process and real servers
//! confirm.
//!
//! A line is a command as it is typed, ` => ` and its reply in the notation of [`Reply::notation`].
//! Below it may stand `3> REPLY`, where RESP3 has another reply, and `-> COMMAND` for each command
//! that it sends to replicas (`-> ?`: one with a time that depends on the clock), and `@ CLASS NAME
//! KEY` for each event that it causes, with the letter that
//! `notify-keyspace-events` has for the class, and with ` in DB` behind it where that is another
//! database than 0. A line `## NAME` begins a section, in an empty database. Lines that begin with
//! `# ` are comments.

use crate::Reply;

/// A command of a script.
#[derive(Debug)]
pub struct Step {
    /// The number of its line, from 1.
    pub number: usize,
    /// Its words.
    pub words: Vec<Vec<u8>>,
    /// What it answers, in RESP2.
    pub reply: String,
    /// What it answers in RESP3.
    pub resp3: String,
    /// The commands that it sends to replicas, each as a line; `?` for one that is not said.
    pub effects: Vec<String>,
    /// The events that it causes, each as [`event_line`] has it.
    pub events: Vec<String>,
}

/// Commands that belong together.
#[derive(Debug)]
pub struct Section {
    /// What they show.
    pub name: String,
    /// They.
    pub steps: Vec<Step>,
}

/// All scripts, by family.
pub const ALL: &[(&str, &str)] = &[
    ("bitmap", include_str!("../scripts/bitmap.txt")),
    ("expire", include_str!("../scripts/expire.txt")),
    ("generic", include_str!("../scripts/generic.txt")),
    ("hash", include_str!("../scripts/hash.txt")),
    ("list", include_str!("../scripts/list.txt")),
    ("string", include_str!("../scripts/string.txt")),
    ("transactions", include_str!("../scripts/transactions.txt")),
];

/// A command as a script has it: words in quotes where they need them.
pub fn command_line<'a>(words: impl Iterator<Item = &'a [u8]>) -> String {
    let plain = |word: &[u8]| {
        let quotes = |byte: &u8| !byte.is_ascii_graphic() || b"\"'\\".contains(byte);
        !word.is_empty() && !word.iter().any(quotes)
    };
    let words = words.map(|word| match plain(word) {
        true => String::from_utf8_lossy(word).into_owned(),
        false => format!("\"{}\"", word.escape_ascii()),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// An event as a script has it.
pub fn event_line(class: char, name: &str, key: &[u8], db: u16) -> String {
    let key = command_line(std::iter::once(key));
    match db {
        0 => format!("{class} {name} {key}"),
        _ => format!("{class} {name} {key} in {db}"),
    }
}

/// Reads a script.
///
/// # Panics
/// When a line is none of those that a script has.
pub fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if let Some(name) = line.strip_prefix("## ") {
            sections.push(Section {
                name: name.into(),
                steps: Vec::new(),
            });
            continue;
        }
        let section = sections.last_mut();
        let steps = &mut section
            .unwrap_or_else(|| panic!("line {number} is in no section"))
            .steps;
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("3> ") {
            above(steps, number).resp3 = rest.into();
        } else if let Some(rest) = line.strip_prefix("-> ") {
            above(steps, number).effects.push(rest.into());
        } else if let Some(rest) = line.strip_prefix("@ ") {
            above(steps, number).events.push(rest.into());
        } else {
            let (command, reply) = line
                .split_once(" => ")
                .unwrap_or_else(|| panic!("line {number} has no reply: {line}"));
            steps.push(Step {
                number,
                words: words(command, number),
                reply: reply.into(),
                resp3: reply.into(),
                effects: Vec::new(),
                events: Vec::new(),
            });
        }
    }
    sections
}

fn above(steps: &mut [Step], number: usize) -> &mut Step {
    steps
        .last_mut()
        .unwrap_or_else(|| panic!("line {number} belongs to no command"))
}

fn words(command: &str, number: usize) -> Vec<Vec<u8>> {
    let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
    let whole = resp::split_inline(command.as_bytes(), &mut bytes, &mut ranges);
    assert!(whole, "line {number} has an open quote");
    ranges
        .into_iter()
        .map(|(start, end)| bytes[start as usize..end as usize].to_vec())
        .collect()
}

impl Reply {
    /// The reply in a line: `+OK`, `-ERR text`, `:1`, `"bytes"`, `nil`, `[1 2]`, `{key value}`,
    /// `~{1 2}`, `>[1 2]`, `,1.5`, `#true`, `(1`, `=txt:"bytes"`.
    pub fn notation(&self) -> String {
        let quoted = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
        let list = |items: &[Reply]| {
            let items: Vec<String> = items.iter().map(Reply::notation).collect();
            items.join(" ")
        };
        match self {
            Reply::Simple(text) => format!("+{text}"),
            Reply::Error(text) => format!("-{text}"),
            Reply::Int(number) => format!(":{number}"),
            Reply::Bulk(bytes) => quoted(bytes),
            Reply::Nil => "nil".into(),
            Reply::Array(items) => format!("[{}]", list(items)),
            Reply::Set(items) => format!("~{{{}}}", list(items)),
            Reply::Push(items) => format!(">[{}]", list(items)),
            Reply::Map(pairs) => {
                let pair = |(key, value): &(Reply, Reply)| {
                    format!("{} {}", key.notation(), value.notation())
                };
                let pairs: Vec<String> = pairs.iter().map(pair).collect();
                format!("{{{}}}", pairs.join(" "))
            }
            Reply::Double(text) => format!(",{text}"),
            Reply::Bool(truth) => format!("#{truth}"),
            Reply::Big(text) => format!("({text}"),
            Reply::Verbatim(format, bytes) => format!("={format}:{}", quoted(bytes)),
        }
    }
}
