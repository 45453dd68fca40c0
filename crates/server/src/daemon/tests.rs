//! Tests of going to the background, with this test program as the one that does.

use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Origin, leave_terminal};

/// Names the file that the background process writes, and makes this test the foreground one.
const REPORT: &str = "SERVER_TEST_DAEMON_REPORT";

#[test]
fn the_second_process_goes_on_without_the_first() {
    let Some(report) = std::env::var_os(REPORT) else {
        return foreground();
    };
    let origin = Origin::capture().unwrap();
    if !Origin::is_background() {
        // What the configuration does to the folder must not matter.
        std::env::set_current_dir("/").unwrap();
        let mut child = origin.respawn(Some(b"maxclients 100")).unwrap();
        assert!(child.try_wait().is_ok());
        return;
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    leave_terminal().unwrap();
    let session = rustix::process::getsid(None).unwrap();
    let alone = session == rustix::process::getpid();
    let output = std::fs::read_link("/proc/self/fd/1").unwrap();
    let lines = [
        text,
        origin.dir.display().to_string(),
        alone.to_string(),
        output.display().to_string(),
        origin.args[0].to_string_lossy().into_owned(),
    ];
    let part = std::path::Path::new(&report).with_extension("part");
    std::fs::write(&part, lines.join("\n")).unwrap();
    std::fs::rename(part, report).unwrap();
}

fn foreground() {
    use std::os::unix::process::CommandExt;

    let report = std::env::temp_dir().join(format!("server-daemon-{}", std::process::id()));
    let dir = std::env::current_dir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .arg0("called-so")
        .args([
            "--exact",
            "daemon::tests::the_second_process_goes_on_without_the_first",
        ])
        .env(REPORT, &report)
        .output()
        .unwrap();
    assert!(status.status.success());
    let deadline = Instant::now() + Duration::from_secs(30);
    let text = loop {
        match std::fs::read_to_string(&report) {
            Ok(text) => break text,
            Err(_) => assert!(Instant::now() < deadline, "no report"),
        }
        std::thread::yield_now();
    };
    std::fs::remove_file(&report).unwrap();
    let expected = format!(
        "maxclients 100\n{}\ntrue\n/dev/null\ncalled-so",
        dir.display()
    );
    assert_eq!(text, expected);
}
