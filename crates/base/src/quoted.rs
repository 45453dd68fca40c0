//! Bytes between double quotes, as Redis writes them in replies of its command line, in MONITOR, in
//! configuration files and in the annotations of append-only files.

/// Appends `text` in double quotes: `\` and `"` with a backslash before them, the control
/// characters that have a letter by it, other bytes that do not print as `\xHH`.
pub fn quote(out: &mut Vec<u8>, text: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digit = |four: u8| DIGITS[usize::from(four)];
                out.extend([b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.push(b'"');
}
