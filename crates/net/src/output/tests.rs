//! The output queue against a plain model: bytes, how many are sent, which are withheld.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{BufferPool, Output};
use crate::stream::Stream;

struct Model {
    all: Vec<u8>,
    /// Position and sequence, as given.
    marks: Vec<(usize, u64)>,
    released: u64,
    reply_at: usize,
}

impl Model {
    /// How much may have been sent.
    fn free(&self) -> usize {
        let held = self.marks.iter().filter(|(_, seq)| *seq > self.released);
        held.map(|(at, _)| *at).min().unwrap_or(self.all.len())
    }
}

fn pair() -> (Stream, Stream) {
    let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    (
        Stream::new(OwnedFd::from(a), false),
        Stream::new(OwnedFd::from(b), false),
    )
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
}

/// Reads some of what has arrived.
fn drain(stream: &Stream, got: &mut Vec<u8>, most: usize) {
    let mut place = vec![0; most];
    if let Ok(read) = stream.read_into(&mut place) {
        got.extend_from_slice(&place[..read]);
    }
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let (here, there) = pair();
    let mut pool = BufferPool::default();
    let mut out = Output::default();
    let mut model = Model {
        all: Vec::new(),
        marks: Vec::new(),
        released: 0,
        reply_at: 0,
    };
    let mut got = Vec::new();
    let mut stamp = 0u8;
    for _ in 0..300 {
        stamp = stamp.wrapping_add(1);
        match random.below(12) {
            0..=3 => {
                out.lend(&mut pool);
                out.begin();
                model.reply_at = model.all.len();
                let bytes = vec![stamp; random.below(3000) as usize];
                out.push().raw(&bytes);
                model.all.extend_from_slice(&bytes);
            }
            4 => {
                let bytes: Arc<[u8]> = vec![stamp; random.below(200_000) as usize].into();
                out.push_shared(&bytes);
                model.all.extend_from_slice(&bytes);
            }
            5 => {
                let seq = model.released + random.below(6);
                out.mark(seq);
                model.marks.push((model.all.len(), seq));
            }
            6 => {
                // What is sent already cannot be withheld.
                let seq = model.released + random.below(6);
                out.mark_reply(seq);
                let sent = model.all.len() - out.len();
                model.marks.push((model.reply_at.max(sent), seq));
            }
            7 => model.released += random.below(4),
            8 => drain(&there, &mut got, 1 + random.below(300_000) as usize),
            _ => {
                out.release(model.released);
                let before = model.all.len() - out.len();
                let (sent, all) = out.flush(&here).unwrap();
                assert_eq!(model.all.len() - out.len(), before + sent);
                if all {
                    assert_eq!(before + sent, model.free().max(before));
                }
                out.reclaim(&mut pool);
            }
        }
        assert_eq!(out.position(), model.all.len() as u64);
        assert!(model.all.len() - out.len() >= got.len());
    }
    out.release(u64::MAX);
    if random.below(2) == 0 {
        let mut before = usize::MAX;
        while before != got.len() {
            before = got.len();
            drain(&there, &mut got, 1 << 20);
        }
        got.extend(out.take_unsent());
    } else {
        while !out.flush(&here).unwrap().1 || got.len() < model.all.len() {
            drain(&there, &mut got, 1 << 20);
        }
        assert!(out.is_empty());
        assert_eq!(out.withheld(), 0);
    }
    assert!(got == model.all);
}

#[test]
fn everything_arrives_once_in_order_and_no_mark_is_overtaken() {
    for seed in 0..300 {
        println!("seed {seed}");
        run(seed);
    }
}

#[test]
fn replies_can_be_taken_back_and_laid_aside() {
    let mut out = Output::default();
    out.push().raw(b"before");
    out.begin();
    out.reply().raw(b"reply");
    let reply = out.take_reply();
    assert_eq!(reply, b"reply");
    out.push().raw(b"push");
    out.put_reply(&reply);
    assert_eq!(out.reply_position(), 10);
    out.begin();
    out.reply().raw(b"gone");
    out.rewind_reply();
    assert_eq!(out.take_unsent(), b"beforepushreply");
    assert!(out.is_empty());
}

#[test]
fn discarding_keeps_pushes() {
    let mut out = Output::default();
    out.set_resp3(true);
    out.set_discard(true);
    out.reply().null();
    out.push().push(1);
    out.push().status("x");
    out.set_discard(false);
    out.reply().null();
    assert_eq!(out.take_unsent(), b">1\r\n+x\r\n_\r\n");
    assert!(out.is_resp3());
}

#[test]
fn buffers_are_borrowed_only_while_there_is_something_to_send() {
    let (here, there) = pair();
    let mut pool = BufferPool::default();
    let mut out = Output::default();
    assert_eq!(out.memory(), 0);
    out.lend(&mut pool);
    out.push().raw(b"x");
    assert!(out.memory() > 0);
    out.flush(&here).unwrap();
    out.reclaim(&mut pool);
    assert_eq!((out.memory(), pool.free.len()), (0, 1));
    // Very large ones are not kept.
    out.lend(&mut pool);
    out.push().raw(&vec![0; 1 << 20]);
    let mut got = Vec::new();
    while !out.flush(&here).unwrap().1 {
        drain(&there, &mut got, 1 << 20);
    }
    out.reclaim(&mut pool);
    assert_eq!((out.memory(), pool.free.len()), (0, 0));
}
