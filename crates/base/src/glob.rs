//! Glob patterns over bytes, by the rules of Redis: `*`, `?`, `[a-c]`, `[^a]`, `\x`.
//!
//! Matching is iterative and takes at most `pattern × text` steps, so that no pattern can hang a
//! worker or overflow its stack (CVE-2022-36021, CVE-2024-31228). Since the latter Redis gives up
//! on patterns of more than a thousand stars, so that they match nothing; so do we.

/// Most stars before the last characters of a pattern.
const STARS: u32 = 1000;

/// Whether `text` as a whole matches `pattern`. With `nocase`, ASCII letters match both cases.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when the characters after the last star do not fit: that star takes one more.
    let mut retry: Option<(usize, usize)> = None;
    let mut stars = 0;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            while p < pattern.len() && pattern[p] == b'*' {
                p += 1;
            }
            if p == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > STARS {
                return false;
            }
            retry = Some((p, t));
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        if t < text.len()
            && p < pattern.len()
            && let Some(next) = match_one(pattern, p, text[t], nocase)
        {
            p = next;
            t += 1;
            continue;
        }
        match retry {
            Some((after_star, from)) if from < text.len() => {
                retry = Some((after_star, from + 1));
                p = after_star;
                t = from + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one byte against the pattern element at `p`; returns where the next element begins.
fn match_one(pattern: &[u8], p: usize, byte: u8, nocase: bool) -> Option<usize> {
    match pattern[p] {
        b'?' => Some(p + 1),
        b'[' => match_class(pattern, p + 1, byte, nocase),
        b'\\' if p + 1 < pattern.len() => same(pattern[p + 1], byte, nocase).then_some(p + 2),
        literal => same(literal, byte, nocase).then_some(p + 1),
    }
}

/// Matches one byte against the class whose first byte (after `[`) is at `p`. A class that is not
/// closed extends to the end of the pattern, as in Redis.
fn match_class(pattern: &[u8], mut p: usize, byte: u8, nocase: bool) -> Option<usize> {
    let negate = pattern.get(p) == Some(&b'^');
    if negate {
        p += 1;
    }
    let mut found = false;
    loop {
        match pattern.get(p) {
            None => break,
            Some(b'\\') if p + 1 < pattern.len() => {
                p += 1;
                found |= same(pattern[p], byte, nocase);
            }
            Some(b']') => {
                p += 1;
                break;
            }
            Some(&from) if p + 2 < pattern.len() && pattern[p + 1] == b'-' => {
                found |= in_range(from, pattern[p + 2], byte, nocase);
                p += 2;
            }
            Some(&literal) => found |= same(literal, byte, nocase),
        }
        p += 1;
        if p > pattern.len() {
            p = pattern.len();
        }
    }
    (found != negate).then_some(p)
}

fn same(a: u8, b: u8, nocase: bool) -> bool {
    if nocase {
        a.eq_ignore_ascii_case(&b)
    } else {
        a == b
    }
}

fn in_range(from: u8, to: u8, byte: u8, nocase: bool) -> bool {
    let (from, to) = if from > to { (to, from) } else { (from, to) };
    if nocase {
        let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        (from..=to).contains(&byte.to_ascii_lowercase())
    } else {
        (from..=to).contains(&byte)
    }
}
