//! Writes replies as redis-cli writes them.

use client::Value;

use crate::options::{Format, Options};
use base::quote;

/// Writes one reply with what ends it. `verbatim` is for commands whose reply is a report for
/// people (INFO, CLIENT LIST): its text is written as it is, whatever the format.
pub fn reply(value: &Value, options: &Options, verbatim: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if verbatim {
        raw(&mut out, value, &options.bulk_delimiter);
        return out;
    }
    match options.format {
        Format::Standard => out = standard(value, ""),
        Format::Raw => {
            raw(&mut out, value, &options.bulk_delimiter);
            out.extend(&options.reply_delimiter);
        }
        Format::Csv => {
            csv(&mut out, value);
            out.push(b'\n');
        }
        Format::Json | Format::QuotedJson => {
            json(&mut out, value, options.format);
            out.push(b'\n');
        }
    }
    out
}

/// For people. Every line but the first of an aggregate begins with `indent`.
pub fn standard(value: &Value, indent: &str) -> Vec<u8> {
    let text = |prefix: &str, text: &[u8]| [prefix.as_bytes(), text, b"\n"].concat();
    match value {
        Value::Error(e) => text("(error) ", e),
        Value::Status(s) => text("", s),
        Value::Verbatim { text: t, .. } => text("", t),
        Value::Int(n) => format!("(integer) {n}\n").into_bytes(),
        Value::Double(d) => text("(double) ", d),
        Value::BigNumber(n) => text("(big number) ", n),
        Value::Null => b"(nil)\n".to_vec(),
        Value::Bool(b) => format!("({b})\n").into_bytes(),
        Value::Bulk(s) => {
            let mut out = Vec::with_capacity(s.len() + 3);
            quote(&mut out, s);
            out.push(b'\n');
            out
        }
        Value::Array(items) => list(items, indent, ')', "array"),
        Value::Push(items) => list(items, indent, ')', "push"),
        Value::Set(items) => list(items, indent, '~', "set"),
        Value::Map(pairs) => map(pairs, indent),
    }
}

/// Width of the largest index.
fn width(count: usize) -> usize {
    count.to_string().len()
}

fn list(items: &[Value], indent: &str, mark: char, name: &str) -> Vec<u8> {
    if items.is_empty() {
        return format!("(empty {name})\n").into_bytes();
    }
    let width = width(items.len());
    let deeper = format!("{indent}{:1$}", "", width + 2);
    let mut out = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let lead = if n == 0 { "" } else { indent };
        out.extend(format!("{lead}{:>width$}{mark} ", n + 1).bytes());
        out.extend(standard(item, &deeper));
    }
    out
}

fn map(pairs: &[(Value, Value)], indent: &str) -> Vec<u8> {
    if pairs.is_empty() {
        return b"(empty hash)\n".to_vec();
    }
    let width = width(pairs.len());
    let deeper = format!("{indent}{:1$}", "", width + 2);
    let mut out = Vec::new();
    for (n, (key, value)) in pairs.iter().enumerate() {
        let lead = if n == 0 { "" } else { indent };
        out.extend(format!("{lead}{:>width$}# ", n + 1).bytes());
        out.extend(standard(key, &deeper));
        out.pop();
        out.extend(b" => ");
        let shown = standard(value, &deeper);
        // An aggregate of several lines begins on a line of its own.
        let aggregate = matches!(value, Value::Map(_)) || value.items().is_some();
        if aggregate && shown.iter().filter(|&&b| b == b'\n').count() > 1 {
            out.push(b'\n');
            out.extend(deeper.bytes());
        }
        out.extend(shown);
    }
    out
}

/// The bytes themselves, elements joined by `delimiter`.
fn raw(out: &mut Vec<u8>, value: &Value, delimiter: &[u8]) {
    match value {
        Value::Null => {}
        Value::Error(e) => {
            out.extend(e);
            out.push(b'\n');
        }
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Bool(b) => out.extend(format!("({b})").bytes()),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.extend(delimiter);
                }
                raw(out, item, delimiter);
            }
        }
        Value::Map(pairs) => {
            for (n, (key, value)) in pairs.iter().enumerate() {
                if n > 0 {
                    out.extend(delimiter);
                }
                raw(out, key, delimiter);
                out.push(b' ');
                raw(out, value, delimiter);
            }
        }
        string => out.extend(string.as_bytes().unwrap_or_default()),
    }
}

fn csv(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"NULL"),
        Value::Error(e) => {
            out.extend(b"ERROR,");
            quote(out, e);
        }
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Bool(b) => out.extend(b.to_string().bytes()),
        Value::Double(text) | Value::BigNumber(text) => out.extend(text),
        Value::Status(s) | Value::Bulk(s) | Value::Verbatim { text: s, .. } => quote(out, s),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                csv(out, item);
            }
        }
        Value::Map(pairs) => {
            for (n, (key, value)) in pairs.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                csv(out, key);
                out.push(b',');
                csv(out, value);
            }
        }
    }
}

fn json(out: &mut Vec<u8>, value: &Value, format: Format) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Error(e) => {
            out.extend(b"error:");
            json_string(out, e, format);
        }
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Bool(b) => out.extend(b.to_string().bytes()),
        Value::Double(text) | Value::BigNumber(text) => out.extend(text),
        Value::Status(s) | Value::Bulk(s) | Value::Verbatim { text: s, .. } => {
            json_string(out, s, format);
        }
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                json(out, item, format);
            }
            out.push(b']');
        }
        Value::Map(pairs) => {
            out.push(b'{');
            for (n, (key, value)) in pairs.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                json_key(out, key, format);
                out.push(b':');
                json(out, value, format);
            }
            out.push(b'}');
        }
    }
}

/// JSON's keys are strings: what is none becomes the text it is written as.
fn json_key(out: &mut Vec<u8>, key: &Value, format: Format) {
    match key {
        Value::Error(_) | Value::Status(_) | Value::Bulk(_) | Value::Verbatim { .. } => {
            json(out, key, format);
        }
        other => {
            let mut text = Vec::new();
            json(&mut text, other, format);
            json_string(out, &text, format);
        }
    }
}

fn json_string(out: &mut Vec<u8>, text: &[u8], format: Format) {
    if format == Format::QuotedJson {
        // redis-cli doubles the backslashes of its quoted form and leaves the quotes alone.
        let mut quoted = Vec::new();
        quote(&mut quoted, text);
        for byte in quoted {
            out.push(byte);
            if byte == b'\\' {
                out.push(byte);
            }
        }
        return;
    }
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            0..=0x1f => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    #[test]
    fn nested_arrays_are_numbered_and_aligned() {
        let inner = Value::Array((0..10).map(Value::Int).collect());
        let value = Value::Array(vec![bulk("a"), inner, Value::Array(vec![])]);
        let shown = String::from_utf8(standard(&value, "")).unwrap();
        assert!(
            shown.starts_with("1) \"a\"\n2)  1) (integer) 0\n    2) (integer) 1\n"),
            "{shown}"
        );
        assert!(
            shown.ends_with("   10) (integer) 9\n3) (empty array)\n"),
            "{shown}"
        );
    }

    #[test]
    fn a_map_within_a_map_starts_a_line() {
        let deep = Value::Map(vec![(bulk("c"), Value::Int(1)), (bulk("d"), Value::Int(2))]);
        let value = Value::Map(vec![(bulk("a"), Value::Map(vec![(bulk("b"), deep)]))]);
        let shown = String::from_utf8(standard(&value, "")).unwrap();
        assert_eq!(
            shown,
            "1# \"a\" => \n   1# \"b\" => \n      1# \"c\" => (integer) 1\n      2# \"d\" => (integer) 2\n"
        );
    }

    #[test]
    fn json_keys_are_strings() {
        let value = Value::Map(vec![
            (Value::Int(0), Value::Bool(false)),
            (bulk("\u{1}"), bulk("é")),
        ]);
        let mut out = Vec::new();
        json(&mut out, &value, Format::Json);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"0\":false,\"\\u0001\":\"é\"}"
        );
    }
}
