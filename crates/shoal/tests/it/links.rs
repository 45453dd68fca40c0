//! `shoal links`.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::TempDir;

use super::names::{shoal, texts};

fn links(directory: &Path, more: &[&str]) -> (bool, String) {
    let output = shoal()
        .arg("links")
        .arg(directory)
        .args(more)
        .output()
        .expect("shoal runs");
    let (out, err) = texts(&output);
    (output.status.success(), out + &err)
}

fn target(path: &Path) -> String {
    fs::read_link(path).expect("a link").display().to_string()
}

#[test]
fn links_lead_to_the_binary_and_run_as_their_names() {
    let temp = TempDir::new("links");
    let directory = temp.path().join("made/now");
    let (success, text) = links(&directory, &[]);
    assert!(success, "{text}");
    let own = fs::canonicalize(env!("CARGO_BIN_EXE_shoal")).expect("the binary");
    for name in [
        "redis-server",
        "valkey-server",
        "redis-check-rdb",
        "valkey-check-aof",
    ] {
        assert_eq!(target(&directory.join(name)), own.display().to_string());
    }
    let output = Command::new(directory.join("redis-server"))
        .arg("--version")
        .output();
    let (out, _) = texts(&output.expect("the link runs"));
    assert!(out.contains("v="), "{out}");
    // A link called through another link still finds the binary.
    let second = temp.path().join("second");
    let output = Command::new(env!("CARGO_BIN_EXE_shoal"))
        .arg("links")
        .arg(&second)
        .output();
    assert!(output.expect("shoal runs").status.success());
    assert_eq!(
        target(&second.join("redis-server")),
        own.display().to_string()
    );
}

#[test]
fn a_second_run_changes_nothing() {
    let temp = TempDir::new("links");
    assert!(links(temp.path(), &[]).0);
    let (success, text) = links(temp.path(), &[]);
    assert!(success && text.contains("(0 made now)"), "{text}");
    // A link to a shoal that was elsewhere is led here.
    let path = temp.path().join("redis-server");
    fs::remove_file(&path).expect("removed");
    std::os::unix::fs::symlink("/old/place/shoal", &path).expect("linked");
    let (success, text) = links(temp.path(), &[]);
    assert!(success && text.contains("(1 made now)"), "{text}");
    assert_ne!(target(&path), "/old/place/shoal");
}

#[test]
fn files_of_others_stay_unless_forced() {
    let temp = TempDir::new("links");
    let path = temp.path().join("redis-server");
    fs::write(&path, "somebody's").expect("written");
    let (success, text) = links(temp.path(), &[]);
    assert!(
        !success && text.contains("redis-server") && text.contains("--force"),
        "{text}"
    );
    assert_eq!(
        fs::read_to_string(&path).expect("still there"),
        "somebody's"
    );
    assert!(!temp.path().join("valkey-server").exists(), "no half sets");
    assert!(links(temp.path(), &["--force"]).0);
    assert!(path.is_symlink());
    let entries = fs::read_dir(temp.path()).expect("readable");
    assert!(
        entries
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
    );
}

#[test]
fn a_directory_is_wanted() {
    let output = shoal().arg("links").output().expect("shoal runs");
    assert!(!output.status.success() && texts(&output).1.starts_with("Usage: shoal links DIR"));
}
