//! A panic ends the process, and its log says where and in which command.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use testkit::{Program, Server};

const LIMIT: Duration = Duration::from_secs(30);
const ABORTED: i32 = 6;

#[test]
fn a_panic_ends_the_process_and_names_the_command() {
    for wanted in ["yes", "no"] {
        let mut server = Server::of(Program::Shoal)
            .option("enable-debug-command", "yes")
            .option("crash-log-enabled", wanted)
            .option("logfile", "server.log")
            .start();
        let mut conn = server.connect();
        conn.call(&["SET", "secret-key", "secret-value"])
            .expect_ok();
        assert!(conn.try_call(&["DEBUG", "PANIC"]).is_err());
        let status = server.process().wait(LIMIT);
        assert_eq!(status.signal(), Some(ABORTED), "{status}");
        let log = std::fs::read_to_string(server.directory().join("server.log")).expect("a log");
        for part in [
            "=== SHOAL BUG REPORT START",
            "Panic: called by DEBUG PANIC, at crates/engine/",
            "which executed last: 'debug'",
            "STACK TRACE",
            "=== SHOAL BUG REPORT END ===",
        ] {
            assert_eq!(log.contains(part), wanted == "yes", "{part}: {log}");
        }
        assert!(!log.contains("secret"), "{log}");
    }
}
