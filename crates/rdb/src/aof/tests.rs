//! Manifests and command files, sound and damaged.
use super::manifest::ManifestFlaw;
use super::*;
use crate::fuzz::Seeded;

const MANIFEST: &[u8] = b"file appendonly.aof.2.base.rdb seq 2 type b\n\
    file appendonly.aof.1.incr.aof seq 1 type h\n\
    # a comment\n\
    file appendonly.aof.2.incr.aof seq 2 type i\n\
    FILE appendonly.aof.3.incr.aof Seq 3 TYPE i startoffset 17\r\n";

fn flaw(text: &[u8]) -> ManifestFlaw {
    Manifest::parse(text).unwrap_err().flaw
}

#[test]
fn a_manifest_comes_back_in_its_order() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    assert_eq!(
        manifest.base.as_ref().unwrap().name,
        b"appendonly.aof.2.base.rdb"
    );
    assert_eq!(manifest.history.len(), 1);
    assert_eq!(
        manifest.incr.iter().map(|i| i.seq).collect::<Vec<_>>(),
        [2, 3]
    );
    let text = manifest.encode();
    assert_eq!(
        String::from_utf8(text.clone()).unwrap(),
        "file appendonly.aof.2.base.rdb seq 2 type b\n\
         file appendonly.aof.1.incr.aof seq 1 type h\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n\
         file appendonly.aof.3.incr.aof seq 3 type i\n"
    );
    assert_eq!(Manifest::parse(&text), Ok(manifest));
}

#[test]
fn a_rewrite_moves_files_into_history() {
    let mut manifest = Manifest::default();
    manifest.begin_base("log", false);
    manifest.begin_incr("log");
    manifest.begin_incr("log");
    manifest.begin_base("log", true);
    manifest.retire_incr(1);
    assert_eq!(
        String::from_utf8(manifest.encode()).unwrap(),
        "file log.2.base.rdb seq 2 type b\nfile log.1.base.aof seq 1 type h\n\
         file log.1.incr.aof seq 1 type h\nfile log.2.incr.aof seq 2 type i\n"
    );
    assert_eq!(Manifest::file_name("log"), "log.manifest");
}

#[test]
fn names_with_blanks_are_quoted() {
    let mut manifest = Manifest::default();
    manifest.begin_incr("my \"log\" \x07\x01\\");
    let text = manifest.encode();
    assert_eq!(
        String::from_utf8_lossy(&text),
        "file \"my \\\"log\\\" \\a\\x01\\\\.1.incr.aof\" seq 1 type i\n"
    );
    // A backslash in a name is taken for a path, as real servers do.
    assert_eq!(flaw(&text), ManifestFlaw::Path);
    let single = b"file 'a \\' b' seq 1 type i\n";
    assert_eq!(Manifest::parse(single).unwrap().incr[0].name, b"a ' b");
}

#[test]
fn manifest_flaws_have_the_texts_of_real_servers() {
    assert_eq!(flaw(b"").to_string(), "Found an empty AOF manifest");
    assert!(Manifest::parse(b"# only\n").is_ok());
    let format = "Invalid AOF manifest file format";
    for text in [
        &b"\n"[..],
        b"file a seq 1\n",
        b"file a seq 1 type i extra\n",
        b"file a seq 0 type i\n",
        b"file a seq x type i\n",
        b"file \"a seq 1 type i\n",
        b"file \"a\"b seq 1 type i\n",
        b"fil a seq 1 type i\n",
        b"file a seq 1 type \"\"\n",
    ] {
        assert_eq!(flaw(text).to_string(), format, "{}", text.escape_ascii());
    }
    assert_eq!(
        flaw(b"file a/b seq 1 type i\n").to_string(),
        "File can't be a path, just a filename"
    );
    assert_eq!(
        flaw(b"file a seq 1 type b\nfile b seq 2 type b\n").to_string(),
        "Found duplicate base file information"
    );
    assert_eq!(
        flaw(b"file a seq 2 type i\nfile b seq 2 type i\n").to_string(),
        "Found a non-monotonic sequence number"
    );
    assert_eq!(
        flaw(b"file a seq 2 type x\n").to_string(),
        "Unknown AOF file type"
    );
    let long = "The AOF manifest file contains too long line";
    assert_eq!(flaw(b"file a seq 2 type i").to_string(), long);
    assert_eq!(flaw(&[b'x'; 5000]).to_string(), long);
    let error = Manifest::parse(b"file a seq 1 type i\nfile b\n").unwrap_err();
    assert_eq!(error.line, Some((2, b"file b".to_vec())));
    assert_eq!(error.log_lines().len(), 4);
}

fn sample() -> Vec<u8> {
    let mut out = Vec::new();
    put_timestamp(&mut out, 1_700_000_000);
    put_command(&mut out, &[b"SELECT", b"0"]);
    put_command(&mut out, &[b"SET", b"k", b"line\r\nend"]);
    put_command(&mut out, &[b"MULTI"]);
    put_command(&mut out, &[b"RPUSH", b"l", b""]);
    put_command(&mut out, &[b"exec"]);
    put_command(&mut out, &[b"DEL", b"k"]);
    out
}

#[test]
fn commands_come_in_order() {
    let bytes = sample();
    let mut commands = Commands::new(&bytes[..], 0, Vec::new());
    let mut names = Vec::new();
    while let Some(item) = commands.next_item().unwrap() {
        names.push(match item {
            Item::Command(arguments) => String::from_utf8(arguments[0].clone()).unwrap(),
            Item::Timestamp(seconds) => seconds.to_string(),
            Item::Annotation(_) => unreachable!("none was written"),
        });
    }
    assert_eq!(
        names,
        [
            "1700000000",
            "SELECT",
            "SET",
            "MULTI",
            "RPUSH",
            "exec",
            "DEL"
        ]
    );
    assert_eq!(commands.valid_up_to(), bytes.len() as u64);
}

#[test]
fn a_file_cut_anywhere_is_whole_up_to_a_unit() {
    let bytes = sample();
    let multi = find(&bytes, b"*1\r\n$5\r\nMULTI");
    let after_exec = find(&bytes, b"*2\r\n$3\r\nDEL");
    let starts = [
        0,
        find(&bytes, b"*2\r\n$6"),
        find(&bytes, b"*3\r\n$3"),
        multi,
        after_exec,
    ];
    for cut in 0..bytes.len() {
        let mut commands = Commands::new(&bytes[..cut], 0, Vec::new());
        let ended = loop {
            match commands.next_item() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let whole = *starts.iter().rfind(|&&s| s <= cut).unwrap();
        assert_eq!(commands.valid_up_to(), whole as u64, "cut at {cut}");
        match ended {
            None => assert_eq!(whole, cut),
            Some(error) => assert!(error.is_truncation(), "cut at {cut}: {error}"),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).unwrap()
}

#[test]
fn what_is_no_command_is_a_format_error_with_its_place() {
    let place = |bytes: &[u8]| {
        let mut commands = Commands::new(bytes, 100, Vec::new());
        loop {
            match commands.next_item() {
                Err(AofError::Format { offset, .. }) => return offset,
                Ok(Some(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(place(b"*1\r\n$4\r\nPING\r\nx"), 114);
    assert_eq!(place(b"*0\r\n"), 100);
    assert_eq!(place(b"*-1\r\n"), 100);
    assert_eq!(place(b"*1\n$4\r\nPING\r\n"), 100);
    assert_eq!(place(b"*1\r\n:4\r\n"), 104);
    assert_eq!(place(b"*1\r\n$-4\r\n"), 104);
    assert_eq!(place(b"*1\r\n$4\r\nPINGxx"), 112);
    assert_eq!(place(b"*1\r\n$4\r\nEXEC\r\n"), 100);
    assert_eq!(place(b"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n"), 115);
    assert_eq!(place(&[b'#'; 2000]), 100);
}

#[test]
fn a_huge_announcement_takes_no_memory() {
    for text in [
        &b"*2147483647\r\n$1\r\na\r\n"[..],
        b"*1\r\n$9223372036854775807\r\nabc",
    ] {
        let mut commands = Commands::new(text, 0, Vec::new());
        assert!(matches!(
            commands.next_item(),
            Err(AofError::Truncated { .. })
        ));
    }
}

#[test]
fn bytes_read_ahead_come_first() {
    let bytes = sample();
    for split in [0, 1, 20, bytes.len()] {
        let mut commands = Commands::new(&bytes[split..], 9, bytes[..split].to_vec());
        let mut count = 0;
        while commands.next_item().unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, commands.offset()), (7, 9 + bytes.len() as u64));
    }
}

#[test]
fn damaged_files_never_panic() {
    let commands = sample();
    for seed in 0..20_000 {
        let mut rng = Seeded::new(seed);
        let mut data = if rng.below(2) == 0 {
            commands.clone()
        } else {
            MANIFEST.to_vec()
        };
        rng.mutate(&mut data);
        let caught = std::panic::catch_unwind(|| {
            crate::fuzz::aof(&data);
            crate::fuzz::manifest(&data);
        });
        assert!(caught.is_ok(), "seed {seed}");
    }
}
