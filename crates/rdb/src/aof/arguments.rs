//! Words of a manifest line: split at blanks, quoted where they hold blanks themselves.

/// Splits a line; `None` when a quote is not closed or something follows it directly.
pub(super) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some((&first, after)) = rest.split_first() {
            if first.is_ascii_whitespace() {
                break;
            }
            rest = match first {
                b'"' => double_quoted(after, &mut word)?,
                b'\'' => single_quoted(after, &mut word)?,
                plain => {
                    word.push(plain);
                    after
                }
            };
        }
        words.push(word);
    }
}

fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first()
        .is_none_or(u8::is_ascii_whitespace)
        .then_some(rest)
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'"', after @ ..] => return closed(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
                word.push(digit(*high) << 4 | digit(*low));
                after
            }
            [b'\\', escaped, after @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                after
            }
            [plain, after @ ..] => {
                word.push(*plain);
                after
            }
            [] => return None,
        }
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\'', after @ ..] => return closed(after),
            [b'\\', b'\'', after @ ..] => {
                word.push(b'\'');
                after
            }
            [plain, after @ ..] => {
                word.push(*plain);
                after
            }
            [] => return None,
        }
    }
}

/// Appends a word, quoted if it must be.
pub(super) fn put(word: &[u8], out: &mut Vec<u8>) {
    if word
        .iter()
        .all(|&b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'\''))
    {
        out.extend_from_slice(word);
        return;
    }
    base::quote(out, word);
}
