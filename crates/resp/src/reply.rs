//! Replies: appended to a byte vector, in RESP2 or RESP3 as the connection speaks.

use base::num;

use crate::shared;

/// Writes one reply, or part of one, to the end of a vector.
///
/// Each method writes what the protocol has for the thing: a map is an array of twice as many
/// elements in RESP2, a double is a bulk string there, and so on.
#[derive(Debug)]
pub struct Reply<'a> {
    buf: &'a mut Vec<u8>,
    resp3: bool,
}

/// The place of an aggregate whose number of elements is not known yet. Give it back to
/// [`Reply::set_array`] or its kin; until then the bytes written are no reply.
#[must_use = "an aggregate without its length is no reply"]
#[derive(Debug)]
pub struct Deferred {
    at: usize,
}

impl<'a> Reply<'a> {
    /// A writer that appends to `buf`.
    #[inline]
    pub fn new(buf: &'a mut Vec<u8>, resp3: bool) -> Self {
        Reply { buf, resp3 }
    }

    /// Whether the reply that begins at `position` is an error.
    pub fn is_error_at(&self, position: usize) -> bool {
        self.buf.get(position) == Some(&b'-')
    }

    /// Changes the version of the protocol, as HELLO does before its own reply.
    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
    }

    /// Whether the connection speaks RESP3.
    #[inline]
    pub fn is_resp3(&self) -> bool {
        self.resp3
    }

    /// The same writer, for handing on.
    #[inline]
    pub fn reborrow(&mut self) -> Reply<'_> {
        Reply {
            buf: self.buf,
            resp3: self.resp3,
        }
    }

    /// Bytes in the vector so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.buf.len()
    }

    /// Takes back everything after `position`.
    pub fn rewind(&mut self, position: usize) {
        self.buf.truncate(position);
    }

    /// Appends bytes that are a reply already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.raw(shared::OK);
    }

    /// A status line; line ends inside become spaces.
    pub fn status(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'+', text.as_ref());
    }

    /// An error: `text` begins with its code, as in `ERR syntax error`. Line ends at either side
    /// are dropped and those inside become spaces, so that no text can smuggle in a reply.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'-', text.as_ref());
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        let is_end = |c: &u8| matches!(c, b'\r' | b'\n');
        let start = text.iter().position(|c| !is_end(c)).unwrap_or(text.len());
        let end = text
            .iter()
            .rposition(|c| !is_end(c))
            .map_or(start, |at| at + 1);
        self.buf.reserve(end - start + 3);
        self.buf.push(kind);
        let clean = text[start..end]
            .iter()
            .map(|c| if is_end(c) { b' ' } else { *c });
        self.buf.extend(clean);
        self.buf.extend_from_slice(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match value {
            0 => self.raw(shared::ZERO),
            1 => self.raw(shared::ONE),
            _ => self.header(b':', value),
        }
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.buf.reserve(bytes.len() + 16);
        self.header(b'$', bytes.len() as i64);
        self.buf.extend_from_slice(bytes);
        self.buf.extend_from_slice(b"\r\n");
    }

    /// A bulk string that is an integer's text.
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value));
    }

    /// Nothing, where a bulk string could be.
    #[inline]
    pub fn null(&mut self) {
        self.raw(if self.resp3 {
            shared::NULL
        } else {
            shared::NULL_BULK
        });
    }

    /// Nothing, where an array could be.
    #[inline]
    pub fn null_array(&mut self) {
        self.raw(if self.resp3 {
            shared::NULL
        } else {
            shared::NULL_ARRAY
        });
    }

    /// An array; its `len` elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len as i64);
    }

    /// A map; its `len` pairs follow, each key before its value.
    #[inline]
    pub fn map(&mut self, len: usize) {
        match self.resp3 {
            true => self.header(b'%', len as i64),
            false => self.header(b'*', 2 * len as i64),
        }
    }

    /// A set; its `len` elements follow.
    #[inline]
    pub fn set(&mut self, len: usize) {
        self.header(if self.resp3 { b'~' } else { b'*' }, len as i64);
    }

    /// An out-of-band message; its `len` elements follow.
    #[inline]
    pub fn push(&mut self, len: usize) {
        self.header(if self.resp3 { b'>' } else { b'*' }, len as i64);
    }

    /// An attribute of the reply that comes next, with `len` pairs to follow. RESP2 has none:
    /// then nothing is written, the answer is `false`, and the pairs must be left out.
    #[must_use]
    pub fn attribute(&mut self, len: usize) -> bool {
        if self.resp3 {
            self.header(b'|', len as i64);
        }
        self.resp3
    }

    /// A double, printed as Redis 7.2 prints it.
    pub fn double(&mut self, value: f64) {
        let text = num::format_f64(value);
        match self.resp3 {
            true => self.line(b',', text.as_bytes()),
            false => self.bulk(text),
        }
    }

    /// A truth value.
    pub fn bool(&mut self, value: bool) {
        self.raw(match (self.resp3, value) {
            (true, true) => b"#t\r\n",
            (true, false) => b"#f\r\n",
            (false, true) => shared::ONE,
            (false, false) => shared::ZERO,
        });
    }

    /// A number of any size; `digits` is its text.
    pub fn big_number(&mut self, digits: impl AsRef<[u8]>) {
        match self.resp3 {
            true => self.line(b'(', digits.as_ref()),
            false => self.bulk(digits),
        }
    }

    /// Text with a note of its format, such as `txt` or `mkd`.
    pub fn verbatim(&mut self, format: [u8; 3], text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        if !self.resp3 {
            return self.bulk(text);
        }
        self.header(b'=', text.len() as i64 + 4);
        self.raw(&format);
        self.raw(b":");
        self.raw(text);
        self.raw(b"\r\n");
    }

    /// Opens an aggregate whose kind and length are given later.
    pub fn deferred_array(&mut self) -> Deferred {
        let at = self.buf.len();
        // Most turn out to have fewer than ten elements: then nothing has to move.
        self.raw(shared::EMPTY_ARRAY);
        Deferred { at }
    }

    /// Makes the deferred aggregate an array of `len` elements.
    pub fn set_array(&mut self, place: Deferred, len: usize) {
        self.settle(place, b'*', len);
    }

    /// Makes it a map of `len` pairs.
    pub fn set_map(&mut self, place: Deferred, len: usize) {
        match self.resp3 {
            true => self.settle(place, b'%', len),
            false => self.settle(place, b'*', 2 * len),
        }
    }

    /// Makes it a set of `len` elements.
    pub fn set_set(&mut self, place: Deferred, len: usize) {
        self.settle(place, if self.resp3 { b'~' } else { b'*' }, len);
    }

    /// Makes it a push of `len` elements.
    pub fn set_push(&mut self, place: Deferred, len: usize) {
        self.settle(place, if self.resp3 { b'>' } else { b'*' }, len);
    }

    fn settle(&mut self, place: Deferred, kind: u8, len: usize) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(len).as_bytes();
        let at = place.at;
        self.buf[at] = kind;
        if let [digit] = digits {
            self.buf[at + 1] = *digit;
        } else {
            self.buf.splice(at + 1..at + 2, digits.iter().copied());
        }
    }

    #[inline]
    fn header(&mut self, kind: u8, value: i64) {
        let mut head = [0; 24];
        head[0] = kind;
        let len = match value {
            0..=9 => {
                head[1] = b'0' + value as u8;
                2
            }
            10..=99 => {
                head[1] = b'0' + (value / 10) as u8;
                head[2] = b'0' + (value % 10) as u8;
                3
            }
            _ => {
                let mut digits = itoa::Buffer::new();
                let digits = digits.format(value).as_bytes();
                head[1..=digits.len()].copy_from_slice(digits);
                1 + digits.len()
            }
        };
        head[len] = b'\r';
        head[len + 1] = b'\n';
        self.buf.extend_from_slice(&head[..len + 2]);
    }
}
