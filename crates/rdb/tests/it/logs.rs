//! Append-only files cut by a real server beside ours, and manifests that it refuses.
use rdb::aof::{AofError, Commands, Manifest, put_command};
use testkit::{Program, Server, ServerPlan, TempDir};

fn plan(directory: &TempDir) -> ServerPlan {
    Server::of(Program::Redis70)
        .option("appendonly", "yes")
        .option("aof-load-truncated", "yes")
        .directory(directory.path())
}

/// Lays out a log of one increment with these bytes.
fn lay_out(bytes: &[u8], manifest: &[u8]) -> TempDir {
    let directory = TempDir::new("aof");
    let log = directory.path().join("appendonlydir");
    std::fs::create_dir(&log).unwrap();
    std::fs::write(log.join("appendonly.aof.manifest"), manifest).unwrap();
    std::fs::write(log.join("appendonly.aof.1.incr.aof"), bytes).unwrap();
    directory
}

const MANIFEST: &[u8] = b"file appendonly.aof.1.incr.aof seq 1 type i\n";

fn sample() -> (Vec<u8>, std::ops::Range<usize>) {
    let mut out = Vec::new();
    rdb::aof::put_timestamp(&mut out, 1_700_000_000);
    put_command(&mut out, &[b"SELECT", b"0"]);
    put_command(&mut out, &[b"SET", b"k", b"line\r\nend"]);
    let start = out.len();
    put_command(&mut out, &[b"MULTI"]);
    put_command(&mut out, &[b"RPUSH", b"l", b"x"]);
    put_command(&mut out, &[b"EXEC"]);
    let end = out.len();
    put_command(&mut out, &[b"DEL", b"k"]);
    (out, start..end)
}

/// How far `bytes` are whole, and whether they end inside a unit.
fn ours(bytes: &[u8]) -> (u64, bool) {
    let mut commands = Commands::new(bytes, 0, Vec::new());
    loop {
        match commands.next_item() {
            Ok(Some(_)) => {}
            Ok(None) => return (commands.valid_up_to(), false),
            Err(error) => {
                assert!(error.is_truncation(), "{error}");
                return (commands.valid_up_to(), true);
            }
        }
    }
}

#[test]
fn a_real_server_cuts_a_log_where_we_say() {
    let (bytes, transaction) = sample();
    // A real server leaves a torn annotation in the file, where the next command would be taken for
    // its rest; we cut it.
    let annotation = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
    let (torn, short) = ours(&bytes[..annotation - 1]);
    assert_eq!((torn, short), (0, true));
    // Each cut is a server's start: every third is enough, and all around the transaction's
    // borders.
    let first_command = annotation + 23;
    let cuts = (first_command..=bytes.len()).filter(|cut| {
        let near = |place: usize| place.abs_diff(*cut) < 2;
        cut % 3 == 0 || near(transaction.start) || near(transaction.end)
    });
    for cut in cuts {
        let directory = lay_out(&bytes[..cut], MANIFEST);
        let server = plan(&directory).start();
        let log = directory
            .path()
            .join("appendonlydir/appendonly.aof.1.incr.aof");
        let left = std::fs::metadata(log).unwrap().len();
        let (whole, short) = ours(&bytes[..cut]);
        // Whatever stands between MULTI and EXEC goes: a real server keeps what of it is whole, if
        // the cut is inside a command, and then appends behind an open MULTI.
        if !(transaction.start + 1..transaction.end).contains(&cut) {
            assert_eq!(left, whole, "cut at {cut}");
            assert_eq!(short, cut as u64 != whole);
        } else {
            assert_eq!(whole, transaction.start as u64, "cut at {cut}");
        }
        let kept = server.line("EXISTS l").int();
        assert_eq!(kept == 1, whole >= transaction.end as u64, "cut at {cut}");
    }
}

#[test]
fn a_real_server_refuses_what_we_call_no_command() {
    let (bytes, _) = sample();
    for bad in [&b"hello\r\n"[..], b"*0\r\n", b"*1\r\n:4\r\nPING\r\n"] {
        let bytes = [&bytes, bad].concat();
        let directory = lay_out(&bytes, MANIFEST);
        let error = plan(&directory).try_start().unwrap_err().to_string();
        assert!(
            error.contains("Bad file format reading the append only file"),
            "{error}"
        );
        let mut commands = Commands::new(&bytes[..], 0, Vec::new());
        let ours = loop {
            match commands.next_item() {
                Ok(item) => assert!(item.is_some(), "it is no clean end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(ours, AofError::Format { .. }), "{ours}");
    }
}

#[test]
fn a_real_server_refuses_the_same_manifests_with_the_same_words() {
    for manifest in [
        &b""[..],
        b"\n",
        b"file a seq 1\n",
        b"file a seq 0 type i\n",
        b"file \"a seq 1 type i\n",
        b"file a seq 1 type\n",
        b"file a/b seq 1 type i\n",
        b"file a seq 1 type b\nfile b seq 2 type b\n",
        b"file a seq 2 type i\nfile b seq 2 type i\n",
        b"file a seq 2 type x\n",
        b"file a seq 2 type i",
    ] {
        let text = manifest.escape_ascii();
        let directory = lay_out(b"", manifest);
        let theirs = plan(&directory).try_start().unwrap_err().to_string();
        let ours = Manifest::parse(manifest).expect_err("it refuses too");
        for line in ours.log_lines() {
            assert!(theirs.contains(line.trim()), "{text}: {theirs}");
        }
    }
    // Quotes, comments, pairs it does not know, and another order of the pairs are fine with both.
    let odd = b"# why not\nseq 1 type i more 5 file 'appendonly.aof.1.incr.aof'\n";
    let (bytes, _) = sample();
    let directory = lay_out(&bytes, odd);
    let server = plan(&directory).start();
    assert_eq!(server.line("EXISTS l").int(), 1);
    let manifest = Manifest::parse(odd).unwrap();
    assert_eq!(manifest.incr[0].name, b"appendonly.aof.1.incr.aof");
    // What the server makes of it is what we make of it, once it rewrote.
    server.line("BGREWRITEAOF");
    let mut conn = server.connect();
    testkit::eventually("the rewrite", std::time::Duration::from_secs(20), || {
        conn.info("aof_rewrite_in_progress").unwrap().unwrap() == "0"
            && conn.info("aof_base_size").unwrap().unwrap() != "0"
    });
    let path = directory
        .path()
        .join("appendonlydir/appendonly.aof.manifest");
    let written = std::fs::read(path).unwrap();
    assert_eq!(Manifest::parse(&written).unwrap().encode(), written);
}
