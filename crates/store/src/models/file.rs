//! Who writes the append-only file, and what its readers see.

use super::*;

/// How a worker of [`file_model`] has what it appended written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// As it is.
    Offered,
    /// Whoever finds another at it leaves, and nobody looks again.
    Tried,
}

/// Lets others go on, for a random while.
fn pass_time() {
    let time = thread_rng().gen_range(0..60);
    (0..time).for_each(|_| thread::yield_now());
}

/// Workers that append and write the file one at a time without waiting for each other, the file's
/// thread to whom they leave what comes again and again, and a peer's reader, which sees no record
/// before it is written. A record that nobody writes shows as a deadlock.
fn file_model(writing: Writing) {
    const RECORDS: u64 = 4;
    let journal = Arc::new(Journal::default());
    journal.set_active(Audience::ALL, true);
    journal.set_gated(true);
    let mut peer = journal.reader(None).unwrap();
    let mut reader = journal.reader(None).unwrap();
    reader.see_everything();
    let baton = Arc::new(Baton::new(reader));
    let left = Arc::new(Alarm::default());
    let write = |journal: &Journal, reader: &mut Reader| {
        let mut written = 0;
        while let Some(batch) = reader.next_batch() {
            written = batch.records().last().map_or(0, |record| record.sequence);
        }
        // The system takes its time.
        pass_time();
        journal.release(written);
    };
    let worker = || {
        let (journal, baton, left) = (journal.clone(), baton.clone(), left.clone());
        thread::spawn(move || {
            for _ in 0..2 {
                pass_time();
                journal.append_verbatim(
                    &[Effect {
                        db: 0,
                        audience: Audience::ALL,
                        command: b"x",
                    }],
                    0,
                );
                journal.wake_peers();
                if writing == Writing::Tried {
                    baton.try_once(|reader| write(&journal, reader));
                } else if !baton.offer(|reader| write(&journal, reader)) {
                    left.ring();
                }
            }
        })
    };
    let workers = [worker(), worker()];
    let file = {
        let (journal, baton, left) = (journal.clone(), baton.clone(), left.clone());
        thread::spawn(move || {
            while journal.released() < RECORDS {
                left.wait();
                while baton.hold(|reader| write(&journal, reader)).1 {}
            }
        })
    };
    let mut seen = 0;
    while seen < RECORDS {
        let Some(batch) = peer.next_batch() else {
            peer.wait(Duration::from_secs(1));
            continue;
        };
        for record in batch.records() {
            assert!(record.sequence <= journal.released(), "ahead of the file");
            seen = record.sequence;
        }
    }
    workers
        .into_iter()
        .for_each(|worker| worker.join().unwrap());
    assert_eq!(journal.released(), RECORDS);
    left.ring();
    file.join().unwrap();
}

#[test]
fn what_workers_append_is_written_and_seen_only_then() {
    check(2_000, || file_model(Writing::Offered));
    assert!(
        fails(2_000, || file_model(Writing::Tried)),
        "the model is blind"
    );
}
