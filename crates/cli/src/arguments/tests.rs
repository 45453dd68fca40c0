//! Tests of the command line's words.

use super::*;

fn run(words: &[&str]) -> (Options, Vec<String>) {
    match parse(words.iter().map(OsString::from).collect(), true) {
        Parsed::Run(options, command) => {
            let command = command
                .iter()
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .collect();
            (*options, command)
        }
        other => panic!("{words:?}: {other:?}"),
    }
}

fn refusal(words: &[&str]) -> String {
    match parse(words.iter().map(OsString::from).collect(), true) {
        Parsed::Refused(text) => text,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn options_end_at_the_first_plain_word() {
    let (o, command) = run(&[
        "-h", "host", "-p", "7001", "-n", "2", "-c", "set", "-x", "v",
    ]);
    assert_eq!((o.host.as_str(), o.port, o.database), ("host", 7001, 2));
    assert!(o.follow_redirects && !o.last_from_stdin);
    assert_eq!(command, ["set", "-x", "v"]);
    assert_eq!(run(&["", "x"]).1, ["", "x"]);
}

#[test]
fn a_last_option_that_wants_a_value_is_unknown() {
    for name in [
        "-p",
        "-a",
        "--rdb",
        "--cluster-replicas",
        "--foo",
        "-",
        "--",
    ] {
        let text = format!("Unrecognized option or bad number of args for: '{name}'");
        assert_eq!(refusal(&[name]), text);
    }
    assert!(matches!(parse(vec!["-h".into()], true), Parsed::Help));
    assert!(matches!(
        parse(vec!["--cluster".into()], true),
        Parsed::Usage
    ));
}

#[test]
fn the_first_mode_in_order_wins() {
    assert_eq!(
        run(&["--scan", "--bigkeys", "--stat"]).0.mode,
        Some(Mode::BigKeys)
    );
    assert_eq!(
        run(&["--latency-history", "--latency"]).0.mode,
        Some(Mode::LatencyHistory)
    );
    let memkeys = run(&["--memkeys", "--memkeys-samples", "7"]).0.mode;
    assert!(matches!(memkeys, Some(Mode::MemKeys(_))));
}

#[test]
fn cluster_words_and_flags() {
    let (o, _) = run(&[
        "--cluster",
        "create",
        "a:1",
        "b:2",
        "--cluster-replicas",
        "1",
        "--cluster-weight",
        "x=1",
        "y=2",
        "--cluster-yes",
        "-a",
        "pw",
    ]);
    let request = o.cluster.clone().unwrap();
    assert_eq!(
        (request.command.as_str(), request.args.len()),
        ("create", 2)
    );
    assert_eq!(o.cluster_flag("replicas").unwrap(), ["1"]);
    assert_eq!(o.cluster_flag("weight").unwrap(), ["x=1", "y=2"]);
    assert!(o.cluster_flag("yes").is_some() && o.cluster_flag("simulate").is_none());
    assert_eq!(o.password.as_deref(), Some(b"pw".as_slice()));
}

#[test]
fn json_asks_for_resp3_unless_told_otherwise() {
    assert_eq!(run(&["--json"]).0.dialect, Dialect::Resp3IfKnown);
    assert_eq!(run(&["-2", "--json"]).0.dialect, Dialect::Resp2);
    assert_eq!(run(&["--json", "-2"]).0.dialect, Dialect::Resp2);
}

#[test]
fn a_port_has_sixteen_bits() {
    assert_eq!(refusal(&["-p", "70000", "ping"]), "Invalid server port.");
}
