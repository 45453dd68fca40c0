//! Tests of the log and of local time, which is compared with the system's `date`.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use config::{LogLevel, SyslogFacility};

use super::zone::Zone;
use super::{Log, Role, Syslog, Target};

/// A folder of its own for a test, removed with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("server-log-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn lines_have_the_format_of_redis() {
    let folder = Folder::new("format");
    let target = Target {
        file: Some(folder.0.join("log")),
        syslog: None,
    };
    let log = Log::start(target, LogLevel::Debug).unwrap();
    log.notice("starting");
    log.set_role(Role::Primary);
    log.debug("d");
    log.verbose("two\nlines");
    log.set_role(Role::Replica);
    log.warning("w".repeat(5000));
    log.flush();
    let lines = folder.lines("log");
    let pid = std::process::id();
    let expected = [
        ("C", "* starting".to_owned()),
        ("M", ". d".to_owned()),
        ("M", "- two lines".to_owned()),
        ("S", format!("# {}", "w".repeat(1024))),
    ];
    assert_eq!(lines.len(), expected.len());
    for (line, (role, text)) in lines.iter().zip(expected) {
        let rest = line.strip_prefix(&format!("{pid}:{role} ")).expect(line);
        // 23 Nov 2026 00:25:28.464
        let (stamp, rest) = rest.split_at(24);
        assert_eq!(rest, format!(" {text}"));
        let shape: String = stamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        let month = &stamp[3..6];
        assert_eq!(shape, format!("99 {month} 9999 99:99:99.999"));
    }
}

#[test]
fn levels() {
    let folder = Folder::new("levels");
    let target = Target {
        file: Some(folder.0.join("log")),
        syslog: None,
    };
    let log = Log::start(target, LogLevel::Notice).unwrap();
    log.verbose("no");
    log.notice("1");
    log.set_level(LogLevel::Warning);
    assert!(!log.takes(LogLevel::Notice));
    log.notice("no");
    log.warning("2");
    log.set_level(LogLevel::Nothing);
    log.warning("no");
    log.line(LogLevel::Nothing, "no");
    log.set_level(LogLevel::Verbose);
    log.verbose("3");
    log.flush();
    let ends: String = folder
        .lines("log")
        .iter()
        .filter_map(|line| line.chars().last())
        .collect();
    assert_eq!(ends, "123");
}

#[test]
fn the_file_may_be_moved_away() {
    let folder = Folder::new("moved");
    let target = Target {
        file: Some(folder.0.join("log")),
        syslog: None,
    };
    let log = Log::start(target, LogLevel::Notice).unwrap();
    log.notice("before");
    log.flush();
    std::fs::rename(folder.0.join("log"), folder.0.join("old")).unwrap();
    log.notice("after");
    log.flush();
    assert!(folder.lines("old")[0].ends_with("before"));
    assert!(folder.lines("log")[0].ends_with("after"));
}

#[test]
fn the_system_log_gets_the_text_alone() {
    let folder = Folder::new("syslog");
    let path = folder.0.join("socket");
    let file = folder.0.join("log");
    let syslog = Syslog::at(path.clone(), b"shoal", SyslogFacility::Local3);
    let log = Log::start(
        Target {
            file: Some(file),
            syslog: Some(syslog),
        },
        LogLevel::Debug,
    );
    let log = log.unwrap();
    // Nobody listens yet.
    log.notice("lost");
    log.flush();
    let socket = UnixDatagram::bind(&path).unwrap();
    log.notice("found");
    log.debug("detail");
    log.flush();
    let pid = std::process::id();
    for expected in [
        format!("<157>shoal[{pid}]: found"),
        format!("<159>shoal[{pid}]: detail"),
    ] {
        let mut packet = [0; 200];
        let len = socket.recv(&mut packet).unwrap();
        assert_eq!(String::from_utf8_lossy(&packet[..len]), expected);
    }
    assert_eq!(folder.lines("log").len(), 3);
}

/// Moments all over the years, among them some around changes of the clock.
fn moments() -> Vec<i64> {
    let mut moments = vec![0, 1, 951_782_400, 1_795_393_529, 4_102_444_800];
    for step in 0..150 {
        moments.push(step * 15_778_463 + step * step * 977);
    }
    // Hour by hour around the ends of March and October, and the northern American changes.
    for day in [
        1_774_742_400,
        1_792_886_400,
        1_772_956_800,
        1_793_520_000,
        1_775_318_400,
    ] {
        moments.extend((0..30).map(|hour| day + hour * 3600 - 3600));
    }
    moments
}

#[test]
fn local_time_is_what_date_says() {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Asia/Tehran",
        "Africa/Casablanca",
        ":Pacific/Auckland",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+0330>-3:30",
        "EST5EDT",
        "XYZ3ABC,J60/1,J300/25",
        "",
    ];
    for name in zones {
        let zone = Zone::named(name).expect(name);
        let moments = moments();
        let mut date = Command::new("date");
        date.env("TZ", name)
            .env("LC_ALL", "C")
            .args(["-f", "-", "+%d %b %Y %H:%M:%S"]);
        date.stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut date = date.spawn().unwrap();
        let input: String = moments
            .iter()
            .map(|moment| format!("@{moment}\n"))
            .collect();
        std::io::Write::write_all(&mut date.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = date.wait_with_output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.lines().count(), moments.len());
        for (moment, expected) in moments.iter().zip(output.lines()) {
            assert_eq!(
                zone.local_time(*moment).to_string(),
                expected,
                "{name} at {moment}"
            );
        }
    }
}

#[test]
fn broken_zone_files_are_refused() {
    let file = std::fs::read("/usr/share/zoneinfo/Europe/Berlin").unwrap();
    for end in 0..file.len() - 40 {
        assert_eq!(Zone::from_file(&file[..end]), None, "{end} bytes");
    }
    for at in 0..file.len() {
        let mut broken = file.clone();
        broken[at] = 0xff;
        let _ = Zone::from_file(&broken).map(|zone| zone.offset(1_795_393_529));
    }
    for bad in [
        "",
        "E",
        "EST",
        "EST5EDT,M13.1.0,M1.1.0",
        "EST5EDT,J0,J1",
        "EST5EDT,1",
        "EST5EDT,M1",
    ] {
        assert!(Zone::named(&format!(":no/{bad}")).is_none() || bad.is_empty());
    }
}
