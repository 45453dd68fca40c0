//! Which commands answer with a text for people.

/// Whether the reply is a report that is shown as it is, unquoted, whatever the format.
pub(crate) fn is_text(args: &[Vec<u8>]) -> bool {
    let word = |n: usize| {
        args.get(n)
            .map(|w| w.to_ascii_lowercase())
            .unwrap_or_default()
    };
    let (first, second) = (word(0), word(1));
    match (first.as_slice(), second.as_slice()) {
        (b"info" | b"lolwut", _) => true,
        (b"debug", b"htstats" | b"htstats-key" | b"client-eviction") => true,
        (b"memory", b"malloc-stats" | b"doctor") => true,
        (b"cluster", b"nodes" | b"info") => args.len() == 2,
        (b"client", b"list" | b"info") => true,
        (b"latency", b"graph") => args.len() == 3,
        (b"latency", b"doctor") => args.len() == 2,
        (b"proxy", b"info") => true,
        _ => false,
    }
}
