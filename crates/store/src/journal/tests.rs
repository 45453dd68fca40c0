//! Tests of the journal: order, offsets, readers, backlog.

use super::{Audience, Effect, Journal};
use std::sync::Arc;

fn effect(db: u16, command: &[u8]) -> Effect<'_> {
    Effect {
        db,
        audience: Audience::ALL,
        command,
    }
}

fn stream(reader: &mut super::Reader) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(batch) = reader.next_batch() {
        let mut skip = batch.skip;
        for record in batch.records().filter(|record| record.audience.replicas()) {
            out.extend_from_slice(&record.command[std::mem::take(&mut skip)..]);
        }
    }
    out
}

#[test]
fn without_a_reader_nothing_is_written() {
    let journal = Journal::default();
    assert_eq!(journal.append(&[effect(0, b"x")]), 0);
    assert_eq!((journal.offset(), journal.retained()), (0, 0));
}

#[test]
fn the_stream_selects_databases_and_wraps_units() {
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    let mut reader = journal.reader(None).unwrap();
    journal.append(&[effect(0, b"A")]);
    journal.append(&[effect(0, b"B"), effect(3, b"C")]);
    journal.append(&[effect(4, b"D"), effect(4, b"E")]);
    let text = String::from_utf8(stream(&mut reader)).unwrap();
    let select = |db: u16| format!("*2\r\n$6\r\nSELECT\r\n$1\r\n{db}\r\n");
    let wanted = format!(
        "{}A*1\r\n$5\r\nMULTI\r\nB{}C*1\r\n$4\r\nEXEC\r\n\
         *1\r\n$5\r\nMULTI\r\n{}DE*1\r\n$4\r\nEXEC\r\n",
        select(0),
        select(3),
        select(4)
    );
    assert_eq!(text, wanted);
    assert_eq!(journal.offset(), wanted.len() as i64);
}

#[test]
fn any_offset_in_the_backlog_can_be_resumed() {
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    journal.set_backlog(1 << 20);
    let mut whole = journal.reader(None).unwrap();
    for n in 0..20_000u32 {
        journal.append(&[effect((n % 3) as u16, format!("command {n};").as_bytes())]);
    }
    let all = stream(&mut whole);
    assert_eq!(all.len() as i64, journal.offset());
    for offset in (0..all.len()).step_by(997).chain([all.len()]) {
        let mut reader = journal.reader_from_offset(offset as i64).unwrap();
        assert_eq!(stream(&mut reader), all[offset..], "from {offset}");
    }
    assert!(journal.reader_from_offset(all.len() as i64 + 1).is_none());
}

#[test]
fn the_backlog_is_bounded_and_says_where_it_begins() {
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    journal.set_backlog(100_000);
    for _ in 0..50_000 {
        journal.append(&[effect(0, b"0123456789")]);
    }
    let (first, next) = journal.backlog().unwrap();
    assert_eq!(next, journal.offset());
    assert!(
        (100_000..300_000).contains(&(next - first)),
        "{first} {next}"
    );
    assert!(journal.reader_from_offset(first - 1).is_none());
    assert!(journal.reader_from_offset(first).is_some());
    assert!(journal.retained() < 600_000);
}

#[test]
fn a_backlog_that_was_made_smaller_gives_up_what_it_held() {
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    // A slow reader keeps all of it in memory.
    let _reader = journal.reader(None).unwrap();
    journal.set_backlog(1 << 20);
    journal.append(&[effect(0, &vec![b'x'; 300_000])]);
    assert_eq!(journal.backlog().unwrap().0, 0);
    assert!(journal.reader_from_offset(0).is_some());
    journal.set_backlog(100);
    let (first, next) = journal.backlog().unwrap();
    assert!(next - first < 100_000, "{first} {next}");
    assert!(journal.reader_from_offset(0).is_none());
    assert!(journal.reader_from_offset(first).is_some());
}

#[test]
fn a_slow_reader_keeps_what_it_has_not_read() {
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    let mut reader = journal.reader(None).unwrap();
    for _ in 0..10_000 {
        journal.append(&[effect(0, &[b'x'; 100])]);
    }
    assert!(reader.lag() > 1_000_000 && journal.retained() > 1_000_000);
    let records: usize = std::iter::from_fn(|| reader.next_batch())
        .map(|batch| batch.records().count())
        .sum();
    assert_eq!(records, 10_001);
    assert!(journal.retained() <= super::CHUNK);
}

/// Threads that append units of one to three records while a reader reads: every record once, in
/// the order of the numbers, units whole, and each thread's in the order that it wrote them.
#[test]
fn what_threads_append_at_once_is_read_in_one_order() {
    const THREADS: u32 = 4;
    const UNITS: u32 = 5_000;
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    journal.set_backlog(1 << 16);
    let mut reader = journal.reader(None).unwrap();
    let write = |thread: u32| {
        for unit in 0..UNITS {
            let size = 1 + (thread + unit) % 3;
            let records: Vec<String> = (0..size)
                .map(|nth| {
                    format!(
                        "{thread} {unit} {nth} {size}{}",
                        "x".repeat(unit as usize % 97)
                    )
                })
                .collect();
            let effects: Vec<_> = records.iter().map(|r| effect(0, r.as_bytes())).collect();
            // A unit of a primary has no frame of ours.
            journal.append_verbatim(&effects, 0);
            journal.wake_readers();
        }
    };
    std::thread::scope(|scope| {
        (0..THREADS).for_each(|thread| drop(scope.spawn(move || write(thread))));
        let (mut sequence, mut offset, mut open) = (0, 0, None);
        let mut next = [0; THREADS as usize];
        while next != [UNITS; THREADS as usize] {
            let Some(batch) = reader.next_batch() else {
                reader.wait(std::time::Duration::from_secs(10));
                continue;
            };
            for record in batch.records() {
                sequence += 1;
                assert_eq!(record.sequence, sequence);
                offset += record.command.len() as i64;
                let text = std::str::from_utf8(record.command).unwrap();
                let numbers = text.trim_end_matches('x').split(' ');
                let numbers: Vec<u32> = numbers.map(|number| number.parse().unwrap()).collect();
                let &[thread, unit, nth, size] = &numbers[..] else {
                    panic!("{text}")
                };
                let place = &mut next[thread as usize];
                assert_eq!(*place, unit);
                assert_eq!(
                    open.unwrap_or((thread, 0)),
                    (thread, nth),
                    "units are whole"
                );
                open = (nth + 1 < size).then_some((thread, nth + 1));
                *place += u32::from(open.is_none());
            }
        }
        let cut = journal.cut();
        assert_eq!((cut.sequence, cut.offset), (sequence, offset));
        assert_eq!(reader.lag(), 0);
        assert_eq!(journal.backlog().map(|(_, next)| next), Some(offset));
    });
}
