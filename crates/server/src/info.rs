//! INFO: the server's state in the fields that clients and tools of Redis read.

mod memory;
mod section;

use crate::node::Node;
use engine::{Engine, Taken};
use resp::Args;
use section::Section;

/// The sections that INFO without arguments shows, in their order.
const DEFAULT: &[Section] = &[
    Section::Server,
    Section::Clients,
    Section::Memory,
    Section::Persistence,
    Section::Stats,
    Section::Replication,
    Section::Cpu,
    Section::Modules,
    Section::Errorstats,
    Section::Cluster,
    Section::Keyspace,
];

/// INFO [section ...]
pub(crate) fn info(node: &Node, engine: &Engine, args: Args<'_>) -> Taken {
    let words: Vec<&[u8]> = args.from(1).iter().collect();
    let sections = wanted(&words);
    let mut text = String::new();
    for (index, section) in sections.iter().enumerate() {
        if index > 0 {
            text.push_str("\r\n");
        }
        section.write(node, engine, &mut text);
    }
    Taken::Now(Box::new(move |reply| reply.verbatim(*b"txt", text)))
}

/// The sections that words ask for, each once, in the order of the sections.
fn wanted(words: &[&[u8]]) -> Vec<Section> {
    if words.is_empty() {
        return DEFAULT.to_vec();
    }
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let any = |name: &str| words.iter().any(|word| is(word, name));
    let asked = |section: &Section| {
        any(section.name())
            || (any("all") || any("everything")) && *section != Section::Debug
            || (any("default") && DEFAULT.contains(section))
    };
    Section::ALL.iter().copied().filter(asked).collect()
}
