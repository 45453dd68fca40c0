//! Inline commands: a line of words, as a person types them. The quoting rules are those of
//! Redis's configuration files and of its command line too.

use crate::args::Range;

/// Splits one line (without its line end) into words, appended to `bytes`, with their ranges
/// relative to the length that `bytes` had. `false` when the quotes are unbalanced; what was
/// appended then has no meaning.
///
/// Between double quotes `\n \r \t \b \a \xHH` are escapes and any other `\c` is `c`; between
/// single quotes only `\'` is; a closing quote must end its word. Quotes may begin inside a word.
pub fn split(line: &[u8], bytes: &mut Vec<u8>, ranges: &mut Vec<Range>) -> bool {
    let base = bytes.len();
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|&c| is_space(c)) {
            at += 1;
        }
        if at == line.len() {
            return true;
        }
        let start = bytes.len() - base;
        match word(line, at, bytes) {
            Some(end) => at = end,
            None => return false,
        }
        // A line is at most as long as the query buffer, which stays below 4 GiB.
        ranges.push((start as u32, (bytes.len() - base) as u32));
    }
}

/// C's isspace. Only the unquoted end of a word uses a narrower set.
fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Appends the word that begins at `at`; where it ends, or `None` for unbalanced quotes.
fn word(line: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    while let Some(&c) = line.get(at) {
        at += 1;
        match c {
            // Vertical tab and form feed separate words but do not end one: so it is in Redis.
            b' ' | b'\n' | b'\r' | b'\t' => return Some(at),
            b'"' => return double_quoted(line, at, out),
            b'\'' => return single_quoted(line, at, out),
            _ => out.push(c),
        }
    }
    Some(at)
}

fn double_quoted(line: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    loop {
        let c = *line.get(at)?;
        at += 1;
        match c {
            b'\\' if line.get(at) == Some(&b'x') && hex_pair(line, at + 1).is_some() => {
                out.push(hex_pair(line, at + 1)?);
                at += 3;
            }
            b'\\' if at < line.len() => {
                out.push(match line[at] {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
                at += 1;
            }
            b'"' => return closed(line, at),
            _ => out.push(c),
        }
    }
}

fn single_quoted(line: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    loop {
        let c = *line.get(at)?;
        at += 1;
        match c {
            b'\\' if line.get(at) == Some(&b'\'') => {
                out.push(b'\'');
                at += 1;
            }
            b'\'' => return closed(line, at),
            _ => out.push(c),
        }
    }
}

fn closed(line: &[u8], at: usize) -> Option<usize> {
    line.get(at).is_none_or(|&c| is_space(c)).then_some(at)
}

fn hex_pair(line: &[u8], at: usize) -> Option<u8> {
    let high = char::from(*line.get(at)?).to_digit(16)?;
    let low = char::from(*line.get(at + 1)?).to_digit(16)?;
    Some((high * 16 + low) as u8)
}
