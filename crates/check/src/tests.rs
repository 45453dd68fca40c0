//! What needs no file: times, usage, missing files.
use super::*;
use crate::console::stamp;

/// Runs a program on `args`; returns exit code, standard output and standard error.
fn run(check: fn(&[OsString], &mut Console<'_>) -> i32, args: &[&str]) -> (i32, String, String) {
    let args: Vec<OsString> = args.iter().map(Into::into).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = check(
        &args,
        &mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut std::io::empty(),
            now_ms: 0,
        },
    );
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

#[test]
fn times_are_those_of_log_lines() {
    assert_eq!(stamp(0), "01 Jan 1970 00:00:00.000");
    assert_eq!(stamp(1_709_164_800_123), "29 Feb 2024 00:00:00.123");
    assert_eq!(stamp(1_709_251_199_999), "29 Feb 2024 23:59:59.999");
    assert_eq!(stamp(1_709_251_200_000), "01 Mar 2024 00:00:00.000");
    assert_eq!(stamp(1_798_761_599_000), "31 Dec 2026 23:59:59.000");
    assert_eq!(stamp(4_102_444_800_000), "01 Jan 2100 00:00:00.000");
    assert_eq!(stamp(-1), "31 Dec 1969 23:59:59.999");
}

#[test]
fn wrong_use_is_told() {
    let (code, out, err) = run(check_rdb, &["redis-check-rdb"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, "Usage: redis-check-rdb <rdb-file-name>\n");
    let usage = "Usage: redis-check-aof [--fix|--truncate-to-timestamp $timestamp] \
                 <file.manifest|file.aof>\n";
    for args in [
        &["redis-check-aof"][..],
        &["redis-check-aof", "--foo", "file"],
        &["redis-check-aof", "--truncate-to-timestamp", "file"],
        &["redis-check-aof", "a", "b", "c", "d"],
    ] {
        assert_eq!(run(check_aof, args), (1, usage.to_string(), String::new()));
    }
    let late = run(
        check_aof,
        &["redis-check-aof", "--truncate-to-timestamp", "1x", "file"],
    );
    assert_eq!(
        (late.0, late.1.as_str()),
        (1, "Invalid timestamp, aborting...\n")
    );
    let long = run(check_aof, &["redis-check-aof", &"x".repeat(5000)]);
    assert_eq!(
        long.1,
        format!("Error: filepath is too long (exceeds PATH_MAX)\n{usage}")
    );
}

#[test]
fn versions_are_told() {
    let (code, out, _) = run(check_rdb, &["/usr/bin/redis-check-rdb", "-v"]);
    assert!(out.starts_with("redis-check-rdb v=7.2.4 sha="), "{out}");
    assert_eq!(code, 0);
    let (code, out, _) = run(check_aof, &["valkey-check-aof", "--version"]);
    assert!(out.starts_with("valkey-check-aof v=7.2.4 sha="), "{out}");
    assert_eq!(code, 0);
}

#[test]
fn what_is_not_there_is_told() {
    let (code, out, err) = run(check_rdb, &["redis-check-rdb", "/no/such.rdb"]);
    assert_eq!(
        (code, out.as_str()),
        (1, "[offset 0] Checking RDB file /no/such.rdb\n")
    );
    assert_eq!(err, "Cannot open file: No such file or directory\n");
    let (code, out, _) = run(check_aof, &["redis-check-aof", "/no/such.aof"]);
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "Cannot open file /no/such.aof: No such file or directory\n"
        )
    );
}
