//! Tests of the decoder: every type, every split, and bytes that are no reply.

use super::*;
use proptest::prelude::*;

/// Gives a stream in pieces of one size.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(self.0.len()).min(out.len());
        out[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

#[test]
fn reads_every_type_whatever_the_pieces() {
    let stream = b"+OK\r\n-ERR no\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,3.10\r\n\
        (123456789012345678901234567890\r\n=7\r\ntxt:abc\r\n!6\r\nERR no\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n\
        ~1\r\n+a\r\n%1\r\n+k\r\n:2\r\n>1\r\n+p\r\n|1\r\n+x\r\n*1\r\n:0\r\n:7\r\n";
    let expected = vec![
        Value::Status("OK".into()),
        Value::Error("ERR no".into()),
        Value::Int(-12),
        bulk("a\r\n"),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Bool(true),
        Value::Double("3.10".into()),
        Value::BigNumber("123456789012345678901234567890".into()),
        Value::Verbatim {
            format: *b"txt",
            text: "abc".into(),
        },
        Value::Error("ERR no".into()),
        Value::Array(vec![Value::Int(1), Value::Array(vec![bulk("")])]),
        Value::Set(vec![Value::Status("a".into())]),
        Value::Map(vec![(Value::Status("k".into()), Value::Int(2))]),
        Value::Push(vec![Value::Status("p".into())]),
        Value::Int(7),
    ];
    // "$3" holds a, CR, LF.
    for piece in 1..=stream.len() {
        let mut decoder = Decoder::new(Pieces(stream, piece));
        for value in &expected {
            assert_eq!(decoder.reply().unwrap(), *value, "pieces of {piece}");
        }
        assert!(
            matches!(decoder.reply(), Err(Fault::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof)
        );
    }
}

#[test]
fn names_what_is_wrong() {
    let cases: [(&[u8], DecodeError); 6] = [
        (b"hello\r\n", DecodeError::Type(b'h')),
        (b":12a\r\n", DecodeError::Number("integer value")),
        (b"$-2\r\n", DecodeError::Number("bulk string length")),
        (b"$1\r\nabc\r\n", DecodeError::Terminator),
        (b"*1\r\n#x\r\n", DecodeError::Number("bool value")),
        (b"=2\r\nab\r\n", DecodeError::Number("verbatim string")),
    ];
    for (bytes, fault) in cases {
        match Decoder::new(bytes).reply() {
            Err(Fault::Decode(e)) => assert_eq!(e, fault),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
    assert_eq!(
        DecodeError::Type(b'|').to_string(),
        "got \"|\" as reply type byte"
    );
    assert_eq!(
        DecodeError::Type(0).to_string(),
        "got \"\\x00\" as reply type byte"
    );
}

#[test]
fn bounds_depth_and_size() {
    let deep = b"*1\r\n".repeat(100_000);
    assert!(matches!(
        Decoder::new(deep.as_slice()).reply(),
        Err(Fault::Decode(DecodeError::Depth))
    ));
    // A length that nothing follows must cost nothing.
    for header in [
        "$9000000000000000000\r\n",
        "*9000000000000000000\r\n",
        "%4000000000\r\n",
    ] {
        assert!(
            matches!(Decoder::new(header.as_bytes()).reply(), Err(Fault::Io(_))),
            "{header}"
        );
    }
}

proptest! {
    #[test]
    fn never_panics(data: Vec<u8>) {
        fuzz_one(&data);
    }

    #[test]
    fn never_panics_on_near_replies(data in "[*$:+,%~>_#|!=(0-9\\-]{0,4}(\r\n)?{0,40}") {
        fuzz_one(data.as_bytes());
    }
}
