//! A shell that finds the programs under test by their stock names, and answers prompts.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use testkit::{Process, Program, TempDir, Tool, wait_for};

/// How long a typed line may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The shell and its home directory.
pub struct Shell {
    home: TempDir,
    path: String,
}

/// What a line gave.
#[derive(Debug)]
pub struct Typed {
    /// Standard output, then standard error.
    pub text: String,
    pub success: bool,
}

impl Shell {
    /// A shell in which `redis-server` and the checkers are those of `servers`, and `redis-cli`
    /// is that of `cli`.
    pub fn new(servers: Program, cli: Program) -> Shell {
        let home = TempDir::new("tutorial");
        let links = home.path().join("links");
        std::fs::create_dir(&links).expect("a directory for links");
        let tools = [
            (servers, Tool::Server, "redis-server"),
            (servers, Tool::CheckRdb, "redis-check-rdb"),
            (servers, Tool::CheckAof, "redis-check-aof"),
            (cli, Tool::Cli, "redis-cli"),
        ];
        for (program, tool, name) in tools {
            symlink(binary(program, tool), links.join(name)).expect("a link");
        }
        let path = std::env::var("PATH").unwrap_or_default();
        Shell {
            path: format!("{}:{path}", links.display()),
            home,
        }
    }

    /// The directory in which lines are typed.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", line])
            .current_dir(self.home())
            .env("PATH", &self.path);
        command
            .env_remove("TERM")
            .env_remove("REDISCLI_AUTH")
            .env_remove("REDISCLI_CLUSTER_YES");
        command
    }

    /// Types a line; `input` is what is typed into the program it starts.
    pub fn try_type(&self, line: &str, input: &str) -> Typed {
        self.converse(line, &[("", input)])
    }

    /// Types a line that must succeed; its output.
    #[track_caller]
    pub fn must(&self, line: &str) -> String {
        let typed = self.try_type(line, "");
        assert!(typed.success, "$ {line}\n{}", typed.text);
        typed.text
    }

    /// Types a line and answers its prompts: each answer when the output ends with its prompt. An
    /// empty prompt stands for the beginning; after the last answer the input ends.
    pub fn converse(&self, line: &str, answers: &[(&str, &str)]) -> Typed {
        let mut child = self
            .command(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let mut stdin = child.stdin.take();
        let mut stdout = child.stdout.take().expect("its output");
        let mut stderr = child.stderr.take().expect("its errors");
        let (sender, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut out = Vec::new();
        let mut left = answers.iter().peekable();
        loop {
            while let Some((prompt, answer)) = left.peek()
                && out.ends_with(prompt.as_bytes())
            {
                let stdin = stdin.as_mut().expect("open while answers are left");
                let newline = if prompt.is_empty() { "" } else { "\n" };
                let _ = stdin.write_all(format!("{answer}{newline}").as_bytes());
                // The next answer belongs to a prompt that is still to come.
                left.next();
                if !prompt.is_empty() {
                    break;
                }
            }
            if left.peek().is_none() {
                stdin = None;
            }
            match chunks.recv_timeout(LIMIT) {
                Ok(chunk) => out.extend_from_slice(&chunk),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let _ = child.kill();
                    panic!(
                        "$ {line}\nno end; so far:\n{}",
                        String::from_utf8_lossy(&out)
                    );
                }
            }
        }
        let status = wait_for(line, LIMIT, || child.try_wait().expect("a child"));
        let text = String::from_utf8_lossy(&out).into_owned();
        Typed {
            text: text + &errors.join().expect("its reader"),
            success: status.success(),
        }
    }

    /// Types a line that starts a server in a directory below home, and leaves it running.
    pub fn start(&self, directory: &str, line: &str) -> Process {
        let directory = self.home().join(directory);
        let mut command = self.command(&format!("exec {line}"));
        command.current_dir(&directory);
        Process::start(line, &mut command, &directory.join("output.log"))
    }
}

/// The file that a stock name is to lead to.
fn binary(program: Program, tool: Tool) -> PathBuf {
    match program {
        Program::Shoal => PathBuf::from(env!("CARGO_BIN_EXE_shoal")),
        other => other.path(tool).0,
    }
}
