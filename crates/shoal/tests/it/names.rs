//! What the binary is by its first word and by the name it is called by.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// The binary under test.
pub fn shoal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_shoal"))
}

/// Standard output and errors of a run.
pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn run(words: &[&str]) -> (Option<i32>, String, String) {
    let output = shoal().args(words).output().expect("shoal runs");
    let (out, err) = texts(&output);
    (output.status.code(), out, err)
}

#[test]
fn help_names_every_command() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for word in [
        "server",
        "check-rdb",
        "check-aof",
        "cluster up",
        "links DIR",
        "--wipe",
    ] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
    // Without words it is shown as well, as an error.
    let (code, out, err) = run(&[]);
    assert_eq!((code, out.as_str(), err), (Some(1), "", help));
}

#[test]
fn the_version_is_told() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!(
        (code, out),
        (Some(0), format!("shoal {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn unknown_words_are_refused() {
    for words in [
        &["nonsense"][..],
        &["cluster", "up", "--nonsense"],
        &["cluster", "nonsense"],
    ] {
        let (code, out, err) = run(words);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{words:?}");
        assert!(!err.is_empty(), "{words:?}");
    }
    for words in [
        &["cluster", "up", "--masters", "0"][..],
        &["cluster", "up", "--port"],
    ] {
        let (code, _, err) = run(words);
        assert_eq!(code, Some(1), "{words:?}");
        assert!(err.contains("wants a number from"), "{err}");
    }
}

#[test]
fn a_name_stands_for_its_program() {
    for family in ["redis", "valkey"] {
        let output = shoal()
            .arg0(format!("/some/where/{family}-server"))
            .arg("--version")
            .output()
            .expect("shoal runs");
        let by_word = shoal()
            .args(["server", "--version"])
            .output()
            .expect("shoal runs");
        assert!(output.status.success() && by_word.status.success());
        let version = |output: &Output| texts(output).0.contains("v=");
        assert!(
            version(&output) && version(&by_word),
            "{output:?} {by_word:?}"
        );
    }
    // Another name is the binary itself.
    let output = shoal()
        .arg0("redis-nonsense")
        .arg("--version")
        .output()
        .expect("shoal runs");
    assert!(texts(&output).0.starts_with("shoal "), "{output:?}");
}
