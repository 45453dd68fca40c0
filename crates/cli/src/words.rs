//! Splits a line into words, with the quotes and escapes of the server's inline commands.

/// Splits a line. Double quotes know `\n \r \t \b \a`, `\xHH` and any other escaped character as
/// itself; single quotes know `\'` only. `None` where a quote stays open or something follows a
/// closing quote without a space.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = line;
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start_c();
        if rest.is_empty() || rest[0] == 0 {
            return Some(words);
        }
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after;
    }
}

/// What C calls a space.
trait CSpace {
    fn trim_ascii_start_c(&self) -> &Self;
}

impl CSpace for [u8] {
    fn trim_ascii_start_c(&self) -> &[u8] {
        let n = self.iter().take_while(|b| is_space(**b)).count();
        &self[n..]
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// One word and what follows it.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        match text.get(at) {
            None | Some(0) => return Some((out, &text[text.len()..])),
            Some(&b) if is_space(b) => return Some((out, &text[at..])),
            Some(b'"') => {
                at = double_quoted(text, at + 1, &mut out)?;
                return ends(text, at).then(|| (out, &text[at..]));
            }
            Some(b'\'') => {
                at = single_quoted(text, at + 1, &mut out)?;
                return ends(text, at).then(|| (out, &text[at..]));
            }
            Some(&b) => {
                out.push(b);
                at += 1;
            }
        }
    }
}

fn ends(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|&b| is_space(b) || b == 0)
}

/// Reads to behind the closing quote.
fn double_quoted(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'\\', Some(b'x')) if hex_pair(text, at + 2).is_some() => {
                out.push(hex_pair(text, at + 2)?);
                at += 4;
            }
            (b'\\', Some(&escaped)) => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                at += 2;
            }
            (b'"', _) => return Some(at + 1),
            (&plain, _) => {
                out.push(plain);
                at += 1;
            }
        }
    }
}

fn single_quoted(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'\\', Some(b'\'')) => {
                out.push(b'\'');
                at += 2;
            }
            (b'\'', _) => return Some(at + 1),
            (&plain, _) => {
                out.push(plain);
                at += 1;
            }
        }
    }
}

fn hex_pair(text: &[u8], at: usize) -> Option<u8> {
    let digit = |n: usize| (*text.get(n)? as char).to_digit(16);
    Some((digit(at)? * 16 + digit(at + 1)?) as u8)
}

/// The one word that a quoted text stands for.
pub fn unquote(text: &[u8]) -> Option<Vec<u8>> {
    let mut words = split(text)?;
    match words.len() {
        1 => words.pop(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(line: &str) -> Option<Vec<String>> {
        let words = split(line.as_bytes())?;
        Some(
            words
                .iter()
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .collect(),
        )
    }

    #[test]
    fn words_quotes_and_escapes() {
        assert_eq!(texts("  set a\tb ").unwrap(), ["set", "a", "b"]);
        assert_eq!(texts(r#"set "a b" 'c d'"#).unwrap(), ["set", "a b", "c d"]);
        assert_eq!(texts(r#""\x41\n\q\"" '\n\''"#).unwrap(), ["A\nq\"", "\\n'"]);
        assert_eq!(texts(r#"set key"" bar"#).unwrap(), ["set", "key", "bar"]);
        assert_eq!(texts(r#""\xzz""#).unwrap(), ["xzz"]);
        assert_eq!(texts("").unwrap(), Vec::<String>::new());
        for bad in [
            r#"get ""key"#,
            r#"get "key"x"#,
            r#""open"#,
            "'open",
            r#""a\"#,
        ] {
            assert_eq!(texts(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_comes_back(text: Vec<u8>) {
            let mut quoted = Vec::new();
            base::quote(&mut quoted, &text);
            prop_assert_eq!(unquote(&quoted), Some(text));
        }
    }
}
