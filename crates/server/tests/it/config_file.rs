//! A configuration file that does not answer, as on a disk that is stalled: who waits for it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use testkit::{Conn, Port, Process, Program, TempDir, Tool, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
/// O_NONBLOCK: to open a pipe for writing fails as long as nobody reads it.
const NO_WAIT: i32 = 0o4000;

/// A server with a configuration file.
pub(crate) struct Configured {
    place: TempDir,
    port: Port,
    _process: Process,
}

/// A CONFIG REWRITE that waits for its file.
pub(crate) struct Rewrite {
    asking: Conn,
    pipe: File,
}

impl Configured {
    pub(crate) fn start() -> Configured {
        let (place, port) = (TempDir::new("configured"), testkit::reserve());
        let text = format!("port {}\nsave \"\"\n", port.number());
        std::fs::write(place.path().join("server.conf"), text).expect("it is written");
        let mut command = Program::Shoal.command(Tool::Server);
        command.arg("server.conf").current_dir(place.path());
        let log = place.path().join("log");
        let process = Process::start("server", &mut command, &log);
        let server = Configured {
            place,
            port,
            _process: process,
        };
        wait_for("it answers", LIMIT, || {
            Conn::open(server.port.number()).ok()
        });
        server
    }

    pub(crate) fn connect(&self) -> Conn {
        Conn::open(self.port.number()).expect("it answers")
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("server.conf")
    }

    /// Begins CONFIG REWRITE. The file is a pipe, which nothing comes out of for now.
    pub(crate) fn stall_rewrite(&self) -> Rewrite {
        let file = self.file();
        std::fs::remove_file(&file).expect("it was there");
        let made = Command::new("mkfifo").arg(&file).status();
        assert!(made.expect("there is mkfifo").success());
        let mut asking = self.connect();
        asking.send(&["CONFIG", "REWRITE"]).expect("a request");
        let pipe = wait_for("the file is read", LIMIT, || {
            let mut options = OpenOptions::new();
            let options = options.write(true).custom_flags(NO_WAIT);
            options.open(&file).ok()
        });
        Rewrite { asking, pipe }
    }
}

impl Rewrite {
    /// Lets it go on: this is what the file held.
    pub(crate) fn go_on(mut self, text: &str) {
        self.pipe.write_all(text.as_bytes()).expect("it is read");
        drop(self.pipe);
        self.asking.receive().expect("a reply").expect_ok();
    }
}

/// Workers, new connections and periodic work look at the configuration too.
#[test]
fn a_rewrite_that_waits_for_its_disk_stops_nobody() {
    let server = Configured::start();
    let rewrite = server.stall_rewrite();
    let mut conn = server.connect();
    conn.call(&["CONFIG", "SET", "maxclients", "77"])
        .expect_ok();
    assert_eq!(conn.line("CONFIG GET maxclients").texts()[1], "77");
    assert!(conn.info("maxclients").expect("a reply").is_some());
    conn.line("SET k v").expect_ok();
    // A second one waits for its turn, and writes what holds then.
    let mut second = server.connect();
    second.send(&["CONFIG", "REWRITE"]).expect("a request");
    rewrite.go_on("# kept\n");
    second.receive().expect("a reply").expect_ok();
    let text = std::fs::read_to_string(server.file()).expect("it is a file again");
    assert!(text.contains("# kept\n"), "{text}");
    assert!(text.contains("\nmaxclients 77\n"), "{text}");
}
