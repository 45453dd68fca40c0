//! Words of a line: Redis's quoting, read and written.

/// Splits a line into words. Words stand between blanks; a double-quoted one may hold `\n`, `\r`,
/// `\t`, `\a`, `\b`, `\xHH` and any other character behind a backslash, a single-quoted one only
/// `\'`. `None` if a quote does not end, or ends in the middle of a word.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
        rest = &rest[blanks..];
        // A zero byte ends the line, as it did for the program whose rules these are.
        if rest.first().is_none_or(|b| *b == 0) {
            return Some(words);
        }
        let (word, taken) = word(rest)?;
        words.push(word);
        rest = &rest[taken..];
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The word at the start of `text`, and how many bytes it takes there.
fn word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut at = 0;
    loop {
        match text.get(at) {
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | 0) => return Some((word, at)),
            Some(quote @ (b'"' | b'\'')) => {
                at += 1;
                at += if *quote == b'"' {
                    double_quoted(&text[at..], &mut word)?
                } else {
                    single_quoted(&text[at..], &mut word)?
                };
                // Nothing but a blank may follow a closing quote.
                return match text.get(at) {
                    None | Some(0) => Some((word, at)),
                    Some(next) if is_blank(*next) => Some((word, at)),
                    Some(_) => None,
                };
            }
            Some(byte) => {
                word.push(*byte);
                at += 1;
            }
        }
    }
}

/// Reads up to the closing quote; returns the bytes taken, that quote included.
fn double_quoted(text: &[u8], word: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (0, _) => return None,
            (b'"', _) => return Some(at + 1),
            (b'\\', Some(b'x')) if hex_pair(text, at + 2).is_some() => {
                word.extend(hex_pair(text, at + 2));
                at += 4;
            }
            (b'\\', Some(0)) => return None,
            (b'\\', Some(escaped)) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                at += 2;
            }
            (byte, _) => {
                word.push(*byte);
                at += 1;
            }
        }
    }
}

fn hex_pair(text: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (high, low) = (digit(*text.get(at)?)?, digit(*text.get(at + 1)?)?);
    u8::try_from(high * 16 + low).ok()
}

fn single_quoted(text: &[u8], word: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (0, _) => return None,
            (b'\'', _) => return Some(at + 1),
            (b'\\', Some(b'\'')) => {
                word.push(b'\'');
                at += 2;
            }
            (byte, _) => {
                word.push(*byte);
                at += 1;
            }
        }
    }
}

/// Writes `text` as one double-quoted word that [`split`] reads back.
pub fn quote(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    base::quote(&mut out, text);
    out
}
