//! What needs no cluster: the help text, wrong words, addresses that lead nowhere.

use super::Pair;
use super::pair::{run_ours, run_ours_colored, run_real};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_help_text_is_redis_cli_s() {
    assert_eq!(run_real(&words("help"), &[]), run_ours(&words("help"), &[]));
}

#[test]
fn wrong_words_get_redis_cli_s_texts_and_exit_codes() {
    let port = testkit::reserve();
    let closed = format!("127.0.0.1:{}", port.number());
    let lines = [
        "nonsense".to_owned(),
        "create".to_owned(),
        "create nonsense".to_owned(),
        format!("create {closed}"),
        "check".to_owned(),
        "check nonsense".to_owned(),
        format!("check {closed}"),
        format!("check 127.0.0.1 {}", port.number()),
        format!("info {closed}"),
        format!("fix {closed}"),
        "reshard".to_owned(),
        format!("reshard {closed}"),
        format!("rebalance {closed}"),
        format!("rebalance {closed} --cluster-weight a=1 --cluster-weight b=2"),
        "add-node 127.0.0.1:1".to_owned(),
        format!("add-node nonsense {closed}"),
        format!("add-node {closed} nonsense"),
        format!("add-node {closed} {closed}"),
        format!("del-node {closed}"),
        format!("del-node nonsense {}", "0".repeat(40)),
        format!("del-node {closed} {}", "0".repeat(40)),
        format!("call {closed}"),
        format!("call {closed} ping"),
        "call nonsense ping".to_owned(),
        format!("set-timeout {closed} 50"),
        format!("set-timeout {closed} 5000"),
        format!("set-timeout {closed}"),
        format!("import {closed}"),
        format!("import {closed} --cluster-from nonsense"),
        format!("import {closed} --cluster-from {closed}"),
        format!("backup {closed}"),
        format!("backup {closed} ."),
        "help me".to_owned(),
    ];
    for line in lines {
        let (real, ours) = (run_real(&words(&line), &[]), run_ours(&words(&line), &[]));
        assert_eq!(real, ours, "--cluster {line} (left: real)");
    }
}

#[test]
fn a_server_outside_cluster_mode_is_refused() {
    let server = testkit::Server::of(testkit::Program::Redis70).start();
    let address = format!("127.0.0.1:{}", server.port());
    for line in [format!("check {address}"), format!("create {address}")] {
        let (real, ours) = (run_real(&words(&line), &[]), run_ours(&words(&line), &[]));
        assert_eq!(real, ours, "--cluster {line} (left: real)");
    }
}

#[test]
fn colours_surround_status_lines() {
    let pair = Pair::apart(2);
    let line = super::pair::filled(&pair.ours, &["create", "{addr0}", "{addr1}"]);
    let run = run_ours_colored(&line, "", true);
    let head = "\x1b[31;1m*** ERROR: Invalid configuration for cluster creation.\n";
    assert!(run.out.starts_with(head), "{run:?}");
    assert!(
        run.out
            .ends_with("\x1b[31;1m\n*** At least 3 nodes are required.\n\x1b[0m"),
        "{run:?}"
    );
}
