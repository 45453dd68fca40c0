//! Counts replies in a stream without keeping them.
//!
//! A load generator must know when a reply ends and of which type it is, and nothing else. The
//! skimmer needs no stack for nested replies: it counts the elements that are still due.

/// What stopped the skimmer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skim {
    /// A reply ended.
    Reply {
        /// Bytes used.
        used: usize,
        /// The first byte of the reply: its type.
        kind: u8,
    },
    /// The input ended inside a reply; what was not used is wanted again, with more behind it.
    More {
        /// Bytes used.
        used: usize,
    },
    /// The bytes are no reply.
    Bad,
}

/// Where in a reply the stream stands.
#[derive(Clone, Debug, Default)]
pub struct Skimmer {
    /// Whether a reply has begun.
    inside: bool,
    /// Elements due before the reply ends.
    due: u64,
    /// Bytes of a string still to be passed over.
    skip: u64,
    kind: u8,
}

impl Skimmer {
    /// A skimmer between two replies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on to the end of the current reply.
    pub fn advance(&mut self, input: &[u8]) -> Skim {
        let mut at = 0;
        if !self.inside {
            let Some(first) = input.first() else {
                return Skim::More { used: 0 };
            };
            *self = Skimmer {
                inside: true,
                due: 1,
                skip: 0,
                kind: *first,
            };
        }
        loop {
            if self.skip > 0 {
                let step = self.skip.min((input.len() - at) as u64);
                self.skip -= step;
                at += step as usize;
                if self.skip > 0 {
                    return Skim::More { used: at };
                }
            }
            if self.due == 0 {
                self.inside = false;
                return Skim::Reply {
                    used: at,
                    kind: self.kind,
                };
            }
            let Some(n) = input[at..].iter().position(|&b| b == b'\n') else {
                return Skim::More { used: at };
            };
            let line = &input[at..at + n];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            at += n + 1;
            if self.element(line).is_none() {
                return Skim::Bad;
            }
        }
    }

    fn element(&mut self, line: &[u8]) -> Option<()> {
        let (kind, rest) = line.split_first()?;
        self.due -= 1;
        let length = || -> Option<i64> { std::str::from_utf8(rest).ok()?.parse().ok() };
        match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {}
            b'$' | b'!' | b'=' => {
                let n = length()?;
                if n >= 0 {
                    self.skip = u64::try_from(n).ok()?.checked_add(2)?;
                }
            }
            b'*' | b'~' | b'>' => self.due = self.due.checked_add(length()?.max(0) as u64)?,
            b'%' | b'|' => {
                let extra = (length()?.max(0) as u64).checked_mul(2)?;
                // An attribute stands before an element and is none itself.
                let own = u64::from(*kind == b'|');
                self.due = self.due.checked_add(extra)?.checked_add(own)?;
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends(stream: &[u8], piece: usize) -> Vec<(usize, bool)> {
        let mut skimmer = Skimmer::new();
        let mut found = Vec::new();
        let (mut from, mut to) = (0, piece.min(stream.len()));
        loop {
            match skimmer.advance(&stream[from..to]) {
                Skim::Reply { used, kind } => {
                    from += used;
                    found.push((from, kind == b'-'));
                }
                Skim::More { used } => {
                    from += used;
                    if to == stream.len() {
                        return found;
                    }
                    to = (to + piece).min(stream.len());
                }
                Skim::Bad => panic!("bad at {from}"),
            }
        }
    }

    #[test]
    fn finds_the_end_of_each_reply_whatever_the_pieces() {
        let replies: [(&str, bool); 8] = [
            ("+OK\r\n", false),
            ("-ERR x\r\n", true),
            ("$5\r\na\r\nbc\r\n", false),
            ("$-1\r\n", false),
            ("*2\r\n*1\r\n:1\r\n$0\r\n\r\n", false),
            ("*0\r\n", false),
            ("%1\r\n+a\r\n~2\r\n:1\r\n-e\r\n", false),
            ("|1\r\n+a\r\n+b\r\n:1\r\n", false),
        ];
        let stream: String = replies.iter().map(|r| r.0).collect();
        let mut end = 0;
        let expected: Vec<_> = replies
            .iter()
            .map(|(text, error)| {
                end += text.len();
                (end, *error)
            })
            .collect();
        for piece in 1..=stream.len() {
            assert_eq!(
                ends(stream.as_bytes(), piece),
                expected,
                "pieces of {piece}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(data in "[*$:+%|!a0-9\r\n-]{0,60}") {
            let mut skimmer = Skimmer::new();
            let mut rest = data.as_bytes();
            while let Skim::Reply { used, .. } = skimmer.advance(rest) {
                rest = &rest[used..];
            }
        }
    }
}
