//! What is written, beside what the real one writes.

use testkit::{Program, Server};

use crate::{Done, ours, theirs};

/// The text with the line that is written over itself left out, and digits as one sign.
fn shape(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let shown = line.rsplit('\r').next().unwrap_or(line);
        let mut shape = String::new();
        for c in shown.chars() {
            match c.is_ascii_digit() {
                true if shape.ends_with('#') => {}
                true => shape.push('#'),
                false => shape.push(c),
            }
        }
        // How many lines a distribution has depends on the run; widths on the figures.
        let shape = shape
            .split(' ')
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if lines.last() != Some(&shape) {
            lines.push(shape);
        }
    }
    lines
}

fn alike(ours: &Done, theirs: &Done) {
    assert_eq!(
        shape(&ours.out),
        shape(&theirs.out),
        "{}\n{}",
        ours.out,
        theirs.out
    );
    assert_eq!(shape(&ours.err), shape(&theirs.err));
    assert_eq!(ours.code, theirs.code);
}

#[test]
fn reports_have_the_same_shape() {
    let server = Server::of(Program::Redis70).start();
    let p = server.port();
    for options in [
        "-t set,get",
        "-t set,get -q",
        "-t ping,mset,lrange --csv",
        "-t get --threads 2",
        "-t get --threads 2 -q --precision 2",
        "-t set -k 0 -d 100",
        "-q set k v",
        "lpush l x",
        "--csv sadd s m",
        "-t nosuch",
        "-e -q get k",
    ] {
        let words = format!("-p {p} -n 300 -c 3 {options}");
        alike(&ours(&words), &theirs(&words));
    }
}

#[test]
fn errors_end_the_benchmark() {
    let server = Server::of(Program::Redis70).start();
    let p = server.port();
    server.line("SET k v").expect_ok();
    for options in ["foo bar", "-q lpush k x", "--csv get", "--cluster -t get"] {
        let words = format!("-p {p} -n 100 -c 2 {options}");
        let (ours, theirs) = (ours(&words), theirs(&words));
        assert_eq!(
            (ours.code, &ours.err),
            (theirs.code, &theirs.err),
            "{options}"
        );
        assert_eq!(ours.code, Some(1));
    }
    let locked = Server::of(Program::Redis70).password("secret").start();
    for options in ["", "-a wrong", "--user nobody -a x"] {
        let words = format!("-p {} -n 100 -q -t get {options}", locked.port());
        let (ours, theirs) = (ours(&words), theirs(&words));
        assert_eq!(
            (ours.code, ours.err),
            (theirs.code, theirs.err),
            "{options}"
        );
    }
    // The real one calls for ever where nobody answers.
    let nobody = ours("-p 1 -n 10 -q");
    assert_eq!(nobody.code, Some(1));
    assert_eq!(
        nobody.err,
        "Could not connect to Redis at 127.0.0.1:1: Connection refused\n"
    );
}

#[test]
fn wrong_words_are_named() {
    for words in ["--foo", "-n", "-q --threads"] {
        let (ours, theirs) = (ours(words), theirs(words));
        assert_eq!(ours.code, theirs.code);
        assert_eq!(ours.out.lines().next(), theirs.out.lines().next());
    }
    for words in ["--help", "-v", "--version"] {
        let done = ours(words);
        assert!(done.code == Some(0) && !done.out.is_empty(), "{done:?}");
    }
}
