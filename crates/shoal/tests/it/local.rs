//! `shoal cluster up`, `status`, `demo`, `down`, with real servers in place of ours.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Conn, Program, TempDir, Tool};

use super::names::{shoal, texts};

/// A cluster's directory and ports; stopped and removed at the end, however the test ends.
struct Local {
    port: u16,
    directory: PathBuf,
    server: PathBuf,
    _ports: Vec<testkit::Port>,
    _temp: TempDir,
}

impl Local {
    fn new(first: u16) -> Local {
        let temp = TempDir::new("local");
        let (server, _) = Program::Redis70.path(Tool::Server);
        Local {
            port: first,
            directory: temp.path().join("cluster"),
            server,
            _ports: testkit::reserve_exact(first..=first + 5),
            _temp: temp,
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = shoal();
        command
            .env("SHOAL_SERVER", &self.server)
            .arg("cluster")
            .args(words);
        command.arg("--dir").arg(&self.directory);
        command
    }

    fn run(&self, words: &[&str]) -> (bool, String) {
        let output = self.command(words).output().expect("shoal runs");
        let (out, err) = texts(&output);
        (output.status.success(), out + &err)
    }

    #[track_caller]
    fn must(&self, words: &[&str]) -> String {
        let (success, text) = self.run(words);
        assert!(success, "shoal cluster {words:?}:\n{text}");
        text
    }

    fn up(&self) -> String {
        self.must(&["up", "--port", &self.port.to_string()])
    }

    /// Numbers of the nodes' processes, from the status.
    fn processes(&self) -> Vec<String> {
        let status = self.must(&["status"]);
        let rows = status.lines().skip(1);
        rows.filter_map(|row| row.split_whitespace().nth(1).map(str::to_owned))
            .collect()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.command(&["down", "--wipe"]).output();
    }
}

#[test]
fn a_cluster_goes_up_shows_itself_and_goes_down() {
    let local = Local::new(11_900);
    let text = local.must(&["up", "--port", "11900", "--demo", "--failover"]);
    for wanted in [
        "The cluster is up: 3 masters, 3 replicas, all slots served.",
        "-> Redirected to slot [12714] located at 127.0.0.1:11902",
        "\"hello, cluster\"",
        "Killing the master 11902",
        "and the data is there:",
        "shoal cli -c -h 127.0.0.1 -p 11900",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
    // Going up again changes nothing.
    let before = local.processes();
    assert_eq!(before.len(), 6);
    assert!(local.up().contains("All 6 nodes run already."));
    assert_eq!(local.processes(), before);
    let text = local.must(&["demo"]);
    assert!(text.contains("Slots and roles:"), "{text}");
    // Only what is missing is started.
    let mut conn = Conn::open(11_903).expect("a connection");
    let _ = conn.try_call(&["SHUTDOWN"]);
    let gone = || !local.run(&["status"]).0;
    testkit::eventually("the node is gone", std::time::Duration::from_secs(20), gone);
    assert!(local.must(&["demo"]).contains("Starting 1 of 6 nodes"));
    // Data outlives down, and not down --wipe.
    let text = local.must(&["down"]);
    assert!(text.contains("Stopped 6 of 6 nodes."), "{text}");
    let (success, text) = local.run(&["status"]);
    assert!(
        !success && text.matches("does not run").count() == 6,
        "{text}"
    );
    assert!(local.up().contains("Starting 6 of 6 nodes"));
    assert!(local.must(&["demo"]).contains("\"hello, cluster\""));
    local.must(&["down", "--wipe"]);
    assert!(!local.directory.exists());
}

#[test]
fn a_cluster_without_replicas_and_its_plan() {
    let local = Local::new(11_910);
    local.must(&[
        "up",
        "--port",
        "11910",
        "--masters",
        "1",
        "--replicas",
        "0",
        "--workers",
        "1",
    ]);
    let mut conn = Conn::open(11_910).expect("a connection");
    conn.call(&["SET", "key", "value"]).expect_ok();
    let (success, text) = local.run(&["up", "--masters", "3"]);
    assert!(!success && text.contains("has --masters 1"), "{text}");
    let (success, text) = local.run(&["demo", "--failover"]);
    assert!(
        !success && text.contains("a failover needs replicas"),
        "{text}"
    );
    assert!(local.must(&["up"]).contains("All 1 nodes run already."));
}

/// Starting a cluster fails with a text that has all of `wanted`, and leaves no process.
#[track_caller]
fn refused(local: &Local, wanted: &[&str]) {
    let (success, text) = local.run(&["up", "--port", &local.port.to_string()]);
    assert!(!success, "{text}");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
    assert!(Conn::open(local.port).is_err());
}

#[test]
fn ports_in_use_are_named_before_anything_starts() {
    let local = Local::new(11_920);
    let holder = TcpListener::bind(("127.0.0.1", 21_922)).expect("the bus port of node 11922");
    refused(&local, &["bus port 21922 of node 11922", "--port"]);
    drop(holder);
    let holder = TcpListener::bind(("127.0.0.1", 11_924)).expect("the port of node 11924");
    refused(&local, &["port 11924 is in use by another program"]);
    drop(holder);
    assert!(!local.directory.exists());
}

#[test]
fn a_server_that_does_not_start_shows_its_log() {
    let mut local = Local::new(11_930);
    let script = local._temp.path().join("broken-server");
    std::fs::write(&script, "#!/bin/sh\necho 'no such luck'\nexit 3\n").expect("written");
    make_executable(&script);
    local.server = script;
    refused(
        &local,
        &["node 11930 ended at once", "no such luck", "server.log"],
    );
    local.server = PathBuf::from("/nonexistent/server");
    refused(&local, &["cannot start /nonexistent/server"]);
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("made executable");
}

#[test]
fn without_a_cluster_there_is_nothing_to_show_or_stop() {
    let temp = TempDir::new("local");
    for word in ["status", "down"] {
        let output = shoal()
            .args(["cluster", word, "--dir"])
            .arg(temp.path())
            .output();
        let output = output.expect("shoal runs");
        assert!(!output.status.success());
        assert!(
            texts(&output).1.contains("there is no cluster in"),
            "{output:?}"
        );
    }
}
