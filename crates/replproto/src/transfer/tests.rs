//! Headers, and ends found whatever the pieces.
use super::*;

const MARK: &Mark = b"aab0000000000000000000000000000000000000";

#[test]
fn headers_come_back() {
    for framing in [
        Framing::Length(0),
        Framing::Length(1 << 40),
        Framing::Mark(*MARK),
    ] {
        let header = framing.header();
        let line = header.strip_suffix(b"\r\n").unwrap();
        assert_eq!(Framing::parse(line), Some(framing));
    }
    assert_eq!(Framing::parse(b"$-1"), None);
    assert_eq!(Framing::parse(b"+OK"), None);
    assert_eq!(Framing::parse(b"$EOF:short"), None);
    assert_eq!(Framing::parse(b""), None);
}

fn receive(framing: Framing, wire: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>) {
    let mut receiver = Receiver::new(framing);
    let (mut held, mut got) = (Vec::new(), Vec::new());
    let mut pieces = wire.chunks(piece);
    loop {
        match receiver.look(&held) {
            Part::Data(n) => {
                got.extend(held.drain(..n));
                receiver.take(n);
            }
            Part::End(n) => {
                held.drain(..n);
                held.extend(pieces.flatten());
                assert_eq!(receiver.progress().0, got.len() as u64);
                return (got, held);
            }
            Part::Wait => held.extend_from_slice(pieces.next().expect("the end is there")),
        }
        assert!(held.len() < piece + MARK.len());
    }
}

#[test]
fn the_end_is_found_in_any_pieces() {
    let mut data = b"aaaaaabaab".repeat(30);
    data.extend_from_slice(&MARK[..39]);
    data.extend_from_slice(b"tail aa");
    for piece in [1, 2, 3, 7, 39, 40, 41, 100, 10_000] {
        let wire = [&data[..], MARK, b"*1\r\n"].concat();
        let expected = (data.clone(), b"*1\r\n".to_vec());
        assert_eq!(
            receive(Framing::Mark(*MARK), &wire, piece),
            expected,
            "{piece}"
        );
        let wire = [&data[..], b"*1\r\n"].concat();
        assert_eq!(
            receive(Framing::Length(data.len() as u64), &wire, piece),
            expected
        );
    }
    assert_eq!(
        receive(Framing::Mark(*MARK), MARK, 3),
        (Vec::new(), Vec::new())
    );
}
