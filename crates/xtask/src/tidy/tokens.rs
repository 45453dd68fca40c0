//! Rules that need to know code from comments and strings: they look at a file's tokens.
//!
//! Tokens see into macro bodies, which a syntax tree does not.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{Finding, Source};

/// Lines of one function, from its `fn` to its closing brace.
const FUNCTION_LIMIT: usize = 80;

/// Lines of tests that may stand at the end of the product file they test.
const INLINE_TESTS: usize = 100;

/// Where `unsafe` may stand: a whole crate, or one room of it.
const UNSAFE_ROOMS: &[&str] = &["crates/ds/", "crates/net/src/sys"];

/// Findings in one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let tokens: TokenStream = match source.text.parse() {
        Ok(tokens) => tokens,
        Err(error) => {
            let what = format!("the file is no Rust: {error}");
            return vec![source.finding(1, "parse", what, "Make it compile first.")];
        }
    };
    let lines: Vec<&str> = source.text.lines().collect();
    let mut walk = Walk {
        source,
        lines: &lines,
        found: Vec::new(),
        forbids_unsafe: false,
    };
    walk.stream(tokens, &[]);
    let forbids = walk.forbids_unsafe;
    let mut found = walk.found;
    found.extend(root_forbids_unsafe(source, forbids));
    found
}

/// A crate's root file must rule unsafe code out for the whole crate, unless it has a room for it.
fn root_forbids_unsafe(source: &Source, forbids: bool) -> Option<Finding> {
    let package = source.package()?;
    let root = ["lib.rs", "main.rs"]
        .iter()
        .any(|file| source.path == format!("crates/{package}/src/{file}"));
    if !root || forbids || package == "ds" {
        return None;
    }
    let what = "the crate does not rule out unsafe code";
    let mend = "Put `#![forbid(unsafe_code)]` under the header (`deny` in `net`).";
    Some(source.finding(1, "unsafe", what, mend))
}

struct Walk<'a> {
    source: &'a Source,
    lines: &'a [&'a str],
    found: Vec<Finding>,
    forbids_unsafe: bool,
}

impl Walk<'_> {
    /// Walks one level of tokens; `starts` are the lines on which the statements around it begin.
    fn stream(&mut self, stream: TokenStream, starts: &[usize]) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut start = None;
        for (at, token) in tokens.iter().enumerate() {
            let line = token.span().start().line;
            let begin = *start.get_or_insert(line);
            let around: Vec<usize> = starts.iter().copied().chain([begin]).collect();
            match token {
                TokenTree::Ident(word) => {
                    self.word(&word.to_string(), line, &tokens[at + 1..], &around);
                }
                TokenTree::Punct(punct) => match punct.as_char() {
                    '#' => self.attribute(&tokens[at + 1..]),
                    ';' | ',' => start = None,
                    _ => {}
                },
                TokenTree::Group(group) => {
                    let block = group.delimiter() == Delimiter::Brace;
                    self.stream(group.stream(), if block { &[] } else { &around });
                    if block {
                        start = None;
                    }
                }
                TokenTree::Literal(_) => {}
            }
        }
    }

    fn word(&mut self, word: &str, line: usize, after: &[TokenTree], around: &[usize]) {
        match word {
            "fn" => self.function(line, after),
            "unsafe" => self.unsafe_code(line, after, around),
            // Written in halves, so that a search for stubs does not find this file.
            _ => {
                let stubs = [
                    concat!("to", "do"),
                    concat!("unimple", "mented"),
                    concat!("db", "g"),
                ];
                if stubs.contains(&word) && is_punct(after.first(), '!') {
                    let mend = "What is not done is absent: leave it out until it is real.";
                    let what = format!("`{word}!`");
                    self.found
                        .push(self.source.finding(line, "word", what, mend));
                }
            }
        }
    }

    fn function(&mut self, line: usize, after: &[TokenTree]) {
        let Some(TokenTree::Ident(name)) = after.first() else {
            return; // a function pointer's type
        };
        let body = after
            .iter()
            .take_while(|token| !is_punct(Some(token), ';'))
            .find_map(brace);
        let Some(body) = body else {
            return; // declared without a body
        };
        let length = body.span_close().end().line + 1 - line;
        if length > FUNCTION_LIMIT && !self.source.is_test() {
            let what = format!("fn {name} has {length} lines, the limit is {FUNCTION_LIMIT}");
            let mend = "Give its parts names of their own.";
            self.found
                .push(self.source.finding(line, "function", what, mend));
        }
    }

    fn unsafe_code(&mut self, line: usize, after: &[TokenTree], around: &[usize]) {
        if !UNSAFE_ROOMS
            .iter()
            .any(|room| self.source.path.starts_with(room))
        {
            let what = "`unsafe` outside of the rooms for it";
            let mend = "Put a safe function into `ds` or `net::sys`, and call that.";
            self.found
                .push(self.source.finding(line, "unsafe", what, mend));
        }
        let next = after.first();
        let block = next.and_then(brace).is_some();
        let implements = matches!(next, Some(TokenTree::Ident(word)) if *word == "impl");
        let told = around
            .iter()
            .chain([&line])
            .any(|line| self.safety_above(*line));
        if (block || implements) && !told {
            let what = "`unsafe` without a `// SAFETY:` comment directly above";
            let mend = "Say why every condition of the operation holds here.";
            self.found
                .push(self.source.finding(line, "unsafe", what, mend));
        }
    }

    /// True if the comment that ends above `line` (attributes may stand between) has SAFETY.
    fn safety_above(&self, line: usize) -> bool {
        let above = self.lines[..line - 1]
            .iter()
            .rev()
            .map(|text| text.trim_start());
        above
            .take_while(|text| text.starts_with("//") || text.starts_with("#["))
            .any(|text| {
                text.trim_start_matches('/')
                    .trim_start()
                    .starts_with("SAFETY:")
            })
    }

    /// Looks at what follows a `#`: skipped tests, tests inside product files, the unsafe lint.
    fn attribute(&mut self, after: &[TokenTree]) {
        let inner = is_punct(after.first(), '!');
        let rest = &after[usize::from(inner)..];
        let Some(TokenTree::Group(group)) = rest.first() else {
            return;
        };
        let text = group.stream().to_string();
        let line = group.span_open().start().line;
        if inner {
            let lint = text.starts_with("forbid") || text.starts_with("deny");
            self.forbids_unsafe |= lint && text.contains("unsafe_code");
        }
        let skipped = concat!("ig", "nore");
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        let conditional = words.first() == Some(&"cfg_attr") && words.contains(&skipped);
        if words.first() == Some(&skipped) || conditional {
            let mend = "A test that does not run proves nothing: mend it, or take it out.";
            self.found
                .push(self.source.finding(line, "word", "a test is skipped", mend));
        }
        let for_tests = words.first() == Some(&"cfg") && words.contains(&"test");
        let module = rest[1..]
            .iter()
            .take_while(|token| !is_punct(Some(token), ';'));
        let words: Vec<&TokenTree> = module.take(3).collect();
        let named = matches!(words.first(), Some(TokenTree::Ident(word)) if *word == "mod");
        let body = words.iter().find_map(|token| brace(token));
        let lines = body.map_or(0, |body| body.span_close().end().line + 1 - line);
        if for_tests && named && lines > INLINE_TESTS {
            let mend = "Put them into `tests.rs` beside the code, with `mod tests;` here.";
            let what = format!("{lines} lines of tests inside of a product file");
            self.found
                .push(self.source.finding(line, "tests", what, mend));
        }
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn brace(token: &TokenTree) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
        _ => None,
    }
}
