//! The session at a terminal: prompt, editing, history, hints, Ctrl-C.
//!
//! A pseudo-terminal is opened for the program; `setsid` (util-linux) makes it the one that
//! controls it, so that Ctrl-C sends the signal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use testkit::{ClusterPlan, Program, Server, TempDir, wait_for};

use crate::pair::{keys, server};

const PATIENCE: Duration = Duration::from_secs(60);

struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    seen: usize,
}

impl Terminal {
    fn open(options: &str, history: Option<&Path>) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        let child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_redis-cli-alone")])
            .args(options.split(' '))
            .env("TERM", "xterm")
            .env(
                "REDISCLI_HISTFILE",
                history.unwrap_or(Path::new("/dev/null")),
            )
            .env("REDISCLI_RCFILE", "/dev/null")
            .env_remove("REDISCLI_AUTH")
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs)
            .spawn()
            .expect("setsid (util-linux) is installed");
        let keyboard = File::from(ours);
        let mut output = keyboard.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&screen);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            // Ends with EIO when nobody has the terminal open any more.
            while let Ok(n) = output.read(&mut chunk) {
                if n == 0 {
                    return;
                }
                shared.lock().unwrap().extend(&chunk[..n]);
            }
        });
        Terminal {
            child,
            keyboard,
            screen,
            seen: 0,
        }
    }

    fn press(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for a text behind what was waited for before.
    #[track_caller]
    fn see(&mut self, text: &str) {
        let seen = self.seen;
        let found = testkit::until(PATIENCE, || {
            let screen = self.screen.lock().unwrap();
            let rest = &screen[seen..];
            rest.windows(text.len()).position(|w| w == text.as_bytes())
        });
        match found {
            Some(at) => self.seen = seen + at + text.len(),
            None => {
                let screen = self.screen.lock().unwrap();
                panic!("{text:?} is not in {}", screen[seen..].escape_ascii());
            }
        }
    }

    /// Types a line and waits for what it answers.
    #[track_caller]
    fn ask(&mut self, line: &str, answer: &str) {
        self.press(&format!("{line}\r"));
        self.see(&format!("\n{answer}\r\n"));
    }

    #[track_caller]
    fn ends(mut self) -> ExitStatus {
        wait_for("the end of the session", PATIENCE, || {
            self.child.try_wait().unwrap()
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_prompt_tells_where_one_is() {
    let server = server();
    keys(&server);
    let here = format!("127.0.0.1:{}", server.port());
    let mut t = Terminal::open(&format!("-p {}", server.port()), None);
    t.see(&format!("{here}> "));
    t.ask("get k", "\"hello\"");
    t.see(&format!("{here}> "));
    t.ask("select 2", "OK");
    t.see(&format!("{here}[2]> "));
    t.ask("multi", "OK");
    t.see(&format!("{here}[2](TX)> "));
    t.ask("select 3", "QUEUED");
    t.see(&format!("{here}[3](TX)> "));
    t.ask("discard", "OK");
    t.see(&format!("{here}[2]> "));
    t.ask(
        "connect 127.0.0.1 1",
        "Could not connect to Redis at 127.0.0.1:1: Connection refused",
    );
    t.see("not connected> ");
    t.ask(
        "ping",
        "Could not connect to Redis at 127.0.0.1:1: Connection refused",
    );
    t.see("not connected> ");
    t.press("\x04");
    assert!(t.ends().success());
}

#[test]
fn history_is_kept_but_no_secrets() {
    let server = server();
    let folder = TempDir::new("cli-history");
    let file = folder.path().join("history");
    let mut t = Terminal::open(&format!("-p {}", server.port()), Some(&file));
    t.see("> ");
    t.ask("set a first", "OK");
    t.see("> ");
    t.ask("acl setuser me on >secret", "OK");
    t.see("> ");
    // The arrow finds the secret in memory, and the line before it.
    t.press("\x1b[A");
    t.see("acl setuser me on >secret");
    t.press("\x1b[A");
    t.see("set a first");
    t.press("\r");
    t.see("\nOK\r\n");
    t.see("> ");
    t.press("quit\r");
    assert!(t.ends().success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("set a first\n") && !text.contains("secret"),
        "{text}"
    );

    let mut t = Terminal::open(&format!("-p {}", server.port()), Some(&file));
    t.see("> ");
    t.press("\x1b[A\x1b[A");
    t.see("set a first");
    t.press("\r");
    t.see("\nOK\r\n");
    // Before the prompt the terminal would take the key for itself.
    t.see("> ");
    t.press("\x04");
    assert!(t.ends().success());
}

#[test]
fn hints_and_completion_come_from_the_command_table() {
    let server = server();
    let mut t = Terminal::open(&format!("-p {}", server.port()), None);
    t.see("> ");
    t.press("lpush");
    t.see("\x1b[90m key element [element ...]\x1b[0m");
    t.press("\r");
    t.see("wrong number of arguments");
    t.see("> ");
    t.press("lpus\t mylist x\r");
    t.see("\n(integer) 1\r\n");
    t.see("> ");
    t.press("help get\r");
    t.see("\x1b[1mGET\x1b[0m \x1b[90mkey\x1b[0m");
    t.see("> ");
    t.press(":set nohints\r");
    t.see("> ");
    t.press("lpush\r");
    t.see("wrong number of arguments");
    let screen = t.screen.lock().unwrap().clone();
    let last = String::from_utf8_lossy(&screen).into_owned();
    let tail = last.rsplit(":set nohints").next().unwrap();
    assert!(!tail.contains("element"), "{tail}");
    t.press("\x03");
    assert!(t.ends().success());
}

#[test]
fn control_c_leaves_what_goes_on_for_ever() {
    let server = server();
    let here = format!("127.0.0.1:{}> ", server.port());
    let mut t = Terminal::open(&format!("-p {}", server.port()), None);
    t.see(&here);
    t.ask("monitor", "OK");
    server.line("SET seen yes");
    t.see("\"SET\" \"seen\" \"yes\"");
    t.press("\x03");
    t.see(&here);
    t.ask("ping", "PONG");
    t.see(&here);
    // A command that waits is left by ending the program.
    t.press("blpop nolist 0\r");
    wait_for("the blocked client", PATIENCE, || {
        server
            .connect()
            .info("blocked_clients")
            .unwrap()
            .filter(|n| n == "1")
    });
    t.press("\x03");
    assert!(t.ends().success());
}

#[test]
fn messages_are_shown_until_a_key_is_pressed() {
    let server = server();
    let mut t = Terminal::open(&format!("-p {}", server.port()), None);
    let reading = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";
    t.see("> ");
    t.press("subscribe news\r");
    t.see("1) \"subscribe\"\r\n2) \"news\"\r\n3) (integer) 1\r\n");
    t.see(reading);
    server.line("PUBLISH news first");
    t.see("1) \"message\"\r\n2) \"news\"\r\n3) \"first\"\r\n");
    t.see(reading);
    t.press("subscribe more\r");
    t.see("(subscribed mode)> ");
    t.see("3) (integer) 2\r\n");
    t.see(reading);
    t.press("unsubscribe\r");
    t.see("3) (integer) 0\r\n");
    t.see(&format!("127.0.0.1:{}> ", server.port()));
    t.ask("ping", "PONG");
    t.see("> ");
    t.press("subscribe news\r");
    t.see(reading);
    t.press("\x03");
    t.see(&format!("127.0.0.1:{}> ", server.port()));
    t.ask("ping", "PONG");
    t.see("> ");
    t.press("\x04");
    assert!(t.ends().success());
}

#[test]
fn the_prompt_follows_redirections() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let owner = cluster.owner(0, 12182).unwrap();
    let other = (owner + 1) % 3;
    let (owner, other): (&Server, &Server) = (&cluster.nodes[owner], &cluster.nodes[other]);
    let mut t = Terminal::open(&format!("-c -p {}", other.port()), None);
    t.see(&format!("127.0.0.1:{}> ", other.port()));
    t.press("set foo bar\r");
    t.see(&format!(
        "-> Redirected to slot [12182] located at 127.0.0.1:{}\r\nOK\r\n",
        owner.port()
    ));
    t.see(&format!("127.0.0.1:{}> ", owner.port()));
    t.press("\x04");
    assert!(t.ends().success());
}
