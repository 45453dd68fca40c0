//! The corpora of all fuzz targets, replayed on stable Rust: what once broke a decoder, and what
//! real servers wrote, must be taken without a panic.

use std::path::{Path, PathBuf};

/// What a fuzz target calls with its input.
type Run = fn(&[u8]);

/// Each target with the function that its fuzz target calls.
const TARGETS: &[(&str, Run)] = &[
    ("aof", rdb::fuzz::aof),
    ("aof_manifest", rdb::fuzz::manifest),
    ("bus_packet", bus::fuzz_one),
    ("client_reply", client::fuzz_one),
    ("command_keys", commands::fuzz_keys),
    ("config_file", config::fuzz_load),
    ("nodes_conf", cluster::fuzz_one),
    ("rdb_dump", rdb::fuzz::dump),
    ("rdb_file", rdb::fuzz::rdb),
    ("rdb_lzf", rdb::fuzz::lzf),
    ("rdb_packed", rdb::fuzz::packed),
    ("replica_link", replproto::fuzz::replica),
    ("replica_words", replproto::fuzz::primary),
    ("resp_request", resp::fuzz_request),
];

fn fuzz_folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/xtask lies two below the root")
        .join("fuzz")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn every_corpus_is_replayed() {
    for (target, run) in TARGETS {
        let folder = fuzz_folder().join("corpus").join(target);
        let inputs = names(&folder);
        assert!(!inputs.is_empty(), "{target} has no corpus");
        for input in inputs {
            println!("{target}/{input}");
            let data = std::fs::read(folder.join(&input)).unwrap();
            run(&data);
            // Cut off anywhere, as a connection or a disk may leave it.
            let step = (data.len() / 64).max(1);
            for length in (0..data.len()).step_by(step) {
                run(&data[..length]);
            }
        }
    }
}

#[test]
fn every_fuzz_target_is_replayed_and_every_corpus_has_a_target() {
    let mut known: Vec<String> = TARGETS
        .iter()
        .map(|(target, _)| target.to_string())
        .collect();
    known.sort();
    let targets = names(&fuzz_folder().join("fuzz_targets"));
    let targets: Vec<String> = targets
        .iter()
        .map(|file| file.trim_end_matches(".rs").to_string())
        .collect();
    assert_eq!(targets, known);
    assert_eq!(names(&fuzz_folder().join("corpus")), known);
}

/// Changes an input at random: bits, bytes, numbers that matter, pieces moved, parts of another.
fn mutate(dice: &mut testkit::Rng, data: &mut Vec<u8>, other: &[u8]) {
    const TELLING: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'-', b'$', b'*', b'\r', b'9'];
    for _ in 0..=dice.below(4) {
        let at = dice.below(data.len() as u64 + 1) as usize;
        let length = dice.below(16) as usize;
        let end = (at + length).min(data.len());
        match dice.below(7) {
            0 if at < data.len() => data[at] ^= 1 << dice.below(8),
            1 if at < data.len() => data[at] = *dice.pick(&TELLING),
            2 => data.insert(at, *dice.pick(&TELLING)),
            3 => drop(data.drain(at..end)),
            4 => {
                let piece = data[at..end].to_vec();
                data.splice(at..at, piece);
            }
            5 => data.truncate(at),
            _ => {
                let from = dice.below(other.len() as u64 + 1) as usize;
                data.splice(at..end, other[from..].iter().copied());
            }
        }
        data.truncate(100_000);
    }
}

/// How long each decoder gets mutated input, in milliseconds; more to look for trouble by hand.
const FUZZ_MS: &str = "SHOAL_FUZZ_MS";

#[test]
fn no_decoder_panics_on_mutations_of_its_corpus() {
    let mut dice = testkit::seed("no_decoder_panics_on_mutations_of_its_corpus");
    let given = std::env::var(FUZZ_MS).ok();
    let limit = given.and_then(|ms| ms.parse().ok()).unwrap_or(200);
    for (target, run) in TARGETS {
        let folder = fuzz_folder().join("corpus").join(target);
        let read = |name: &String| std::fs::read(folder.join(name)).unwrap();
        let corpus: Vec<Vec<u8>> = names(&folder).iter().map(read).collect();
        let end = std::time::Instant::now() + std::time::Duration::from_millis(limit);
        let mut rounds = 0;
        while std::time::Instant::now() < end {
            let mut data = dice.pick(&corpus).clone();
            let other = dice.pick(&corpus).clone();
            mutate(&mut dice, &mut data, &other);
            let shown = std::panic::catch_unwind(|| run(&data));
            let text = data.escape_ascii().to_string();
            let shown_text = text.get(..2000).unwrap_or(&text);
            assert!(
                shown.is_ok(),
                "{target}, {} bytes: {shown_text}",
                data.len()
            );
            rounds += 1;
        }
        println!("{target}: {rounds} inputs");
        assert!(rounds > 0);
    }
}
