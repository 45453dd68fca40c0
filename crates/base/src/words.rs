//! A command as the journal, the append-only file and a client's request have it: a RESP array of
//! bulk strings.

use crate::num;

/// Appends a command of these words.
#[inline]
pub fn put<W: AsRef<[u8]>>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = W>) {
    begin(out, words.len());
    words.for_each(|word| put_word(out, word.as_ref()));
}

/// Appends the head of a command of so many words, which follow.
#[inline]
pub fn begin(out: &mut Vec<u8>, words: usize) {
    number(out, b'*', words);
}

/// Appends one word.
#[inline]
pub fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    begin_word(out, word.len());
    out.extend_from_slice(word);
    end_word(out);
}

/// Appends the head of a word of so many bytes, which follow, and [`end_word`] behind them.
#[inline]
pub fn begin_word(out: &mut Vec<u8>, bytes: usize) {
    number(out, b'$', bytes);
}

/// Ends a word whose bytes were appended.
#[inline]
pub fn end_word(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn number(out: &mut Vec<u8>, mark: u8, number: usize) {
    out.push(mark);
    num::write_i64(out, number as i64);
    out.extend_from_slice(b"\r\n");
}
