//! Numbers as C's `atoi` and `atof` read them, whose leniency scripts have come to rely on.

/// The integer that a text begins with, 0 if there is none.
pub(crate) fn leading_int(text: &str) -> i64 {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    text[..sign + digits].parse().unwrap_or(0)
}

/// The decimal number that a text begins with, 0 if there is none.
pub(crate) fn leading_float(text: &str) -> f64 {
    let text = text.trim_start();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (0..=end)
        .rev()
        .find_map(|n| text[..n].parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{leading_float, leading_int};

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(["12abc", " -3", "x", ""].map(leading_int), [12, -3, 0, 0]);
        let texts = ["0.5s", "1e-1", "1.5e", "e", "é", ""];
        assert_eq!(texts.map(leading_float), [0.5, 0.1, 1.5, 0.0, 0.0, 0.0]);
    }
}
