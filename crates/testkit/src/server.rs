//! A server process, ours or a real one, in a directory and on a port of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use crate::conn::Conn;
use crate::port::{Port, reserve};
use crate::process::Process;
use crate::program::{Program, Tool};
use crate::tempdir::TempDir;
use crate::wait::until;

/// How long a server may take from start to its first PONG.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a clean end may take.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Debug, Clone)]
pub struct ServerPlan {
    program: Program,
    options: Vec<(String, Vec<String>)>,
    environment: Vec<(String, String)>,
    wrapper: Vec<String>,
    password: Option<String>,
    directory: Option<PathBuf>,
    binary: Option<PathBuf>,
}

/// Why a server did not come up.
#[derive(Debug)]
pub struct StartError {
    /// Its exit status, if it ended; `None` when time ran out.
    pub status: Option<ExitStatus>,
    /// What it wrote.
    pub log: String,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the server ended ({status}):\n{}", self.log),
            None => write!(f, "the server did not answer PING in time:\n{}", self.log),
        }
    }
}

impl std::error::Error for StartError {}

impl ServerPlan {
    /// Adds an option; more than one value as several words: `.options("save", &["60", "1"])`.
    #[must_use]
    pub fn options(mut self, name: &str, values: &[&str]) -> ServerPlan {
        self.options.push((
            name.into(),
            values.iter().map(ToString::to_string).collect(),
        ));
        self
    }

    /// Adds an option of one value.
    #[must_use]
    pub fn option(self, name: &str, value: &str) -> ServerPlan {
        self.options(name, &[value])
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> ServerPlan {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs the server through a program, such as `["taskset", "-c", "0"]`.
    #[must_use]
    pub fn wrapped_in(mut self, words: &[&str]) -> ServerPlan {
        self.wrapper = words.iter().map(ToString::to_string).collect();
        self
    }

    /// Sets `requirepass` and `masterauth`; the kit's own connections authenticate.
    #[must_use]
    pub fn password(mut self, password: &str) -> ServerPlan {
        self.password = Some(password.into());
        self.option("requirepass", password)
            .option("masterauth", password)
    }

    /// Runs this file in place of the program's own, such as a release build.
    #[must_use]
    pub fn binary(mut self, path: &Path) -> ServerPlan {
        self.binary = Some(path.into());
        self
    }

    /// Uses this directory, which outlives the server, instead of a fresh one.
    #[must_use]
    pub fn directory(mut self, path: &Path) -> ServerPlan {
        self.directory = Some(path.into());
        self
    }

    /// Starts on a fresh port and waits until the server answers.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start(self) -> Server {
        self.start_on(reserve())
    }

    /// Starts on a port reserved before.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_on(self, port: Port) -> Server {
        self.try_start_on(port)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts, for tests of what must not start.
    ///
    /// # Errors
    /// The exit status and the log when the server does not come up.
    pub fn try_start(self) -> Result<Server, StartError> {
        self.try_start_on(reserve())
    }

    /// Starts on a port reserved before.
    ///
    /// # Errors
    /// As [`ServerPlan::try_start`].
    pub fn try_start_on(self, port: Port) -> Result<Server, StartError> {
        let (directory, temp) = match &self.directory {
            Some(path) => (path.clone(), None),
            None => {
                let temp = TempDir::new(&port.number().to_string());
                (temp.path().to_path_buf(), Some(temp))
            }
        };
        let process = self.spawn(&port, &directory);
        let mut server = Server {
            process,
            plan: self,
            port: Arc::new(port),
            directory,
            _temp: temp,
        };
        server.await_ready()?;
        Ok(server)
    }

    fn spawn(&self, port: &Port, directory: &Path) -> Process {
        let (path, first) = match (&self.binary, self.program) {
            (Some(path), Program::Shoal) => (path.clone(), Some("server")),
            (Some(path), _) => (path.clone(), None),
            (None, program) => program.path(Tool::Server),
        };
        let mut words: Vec<std::ffi::OsString> = self.wrapper.iter().map(Into::into).collect();
        words.push(path.into());
        words.extend(first.map(Into::into));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(directory);
        command.args(["--port", &port.number().to_string()]);
        // Nothing is saved unless the test asks for it.
        let defaults: [(&str, &[&str]); 2] = [("bind", &["127.0.0.1"]), ("save", &[""])];
        for (name, values) in defaults {
            if !self.options.iter().any(|(given, _)| given == name) {
                command.arg(format!("--{name}")).args(values);
            }
        }
        for (name, values) in &self.options {
            command.arg(format!("--{name}")).args(values);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let name = format!("{:?} on port {}", self.program, port.number());
        Process::start(&name, &mut command, &directory.join("output.log"))
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    // Dropped first: no process may outlive its directory or its port.
    process: Process,
    plan: ServerPlan,
    port: Arc<Port>,
    directory: PathBuf,
    _temp: Option<TempDir>,
}

impl Server {
    /// The plan of a server without options (but `save ""` and `bind 127.0.0.1`).
    pub fn of(program: Program) -> ServerPlan {
        ServerPlan {
            program,
            options: Vec::new(),
            environment: Vec::new(),
            wrapper: Vec::new(),
            password: None,
            directory: None,
            binary: None,
        }
    }

    /// Which program it runs.
    pub fn program(&self) -> Program {
        self.plan.program
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The port of the cluster bus.
    pub fn bus_port(&self) -> u16 {
        self.port.bus()
    }

    /// Its working directory, where its files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The process, for signals.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// A new connection, authenticated if the plan has a password.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn connect(&self) -> Conn {
        self.try_connect()
            .unwrap_or_else(|error| panic!("port {}: {error}", self.port()))
    }

    /// A new connection.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn try_connect(&self) -> std::io::Result<Conn> {
        let mut conn = Conn::open(self.port())?;
        if let Some(password) = &self.plan.password {
            conn.try_call(&["AUTH", password])?;
        }
        Ok(conn)
    }

    /// One request on a connection of its own.
    ///
    /// # Panics
    /// When the connection fails.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&self, request: &[A]) -> crate::Reply {
        self.connect().call(request)
    }

    /// The words of `line` as one request on a connection of its own.
    ///
    /// # Panics
    /// When the connection fails.
    #[track_caller]
    pub fn line(&self, line: &str) -> crate::Reply {
        self.connect().line(line)
    }

    /// kill -9: what is not on the disk is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP.
    pub fn pause(&mut self) {
        self.process.pause();
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.process.resume();
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.terminate(STOP_LIMIT)
    }

    /// Starts again, in the same directory and on the same port, after it was killed or stopped.
    ///
    /// # Panics
    /// When it does not come up, or still runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts again.
    ///
    /// # Errors
    /// As [`ServerPlan::try_start`].
    ///
    /// # Panics
    /// When it still runs.
    pub fn try_restart(&mut self) -> Result<(), StartError> {
        assert!(
            self.process.ended().is_some(),
            "it still runs on port {}",
            self.port()
        );
        self.process = self.plan.spawn(&self.port, &self.directory);
        self.await_ready()
    }

    /// Changes the plan for the next restart.
    pub fn replan(&mut self, change: impl FnOnce(ServerPlan) -> ServerPlan) {
        self.plan = change(self.plan.clone());
    }

    fn await_ready(&mut self) -> Result<(), StartError> {
        let ready = until(START_LIMIT, || {
            if let Some(status) = self.process.ended() {
                return Some(Err(Some(status)));
            }
            let mut conn = self.try_connect().ok()?;
            let reply = conn.try_call(&["PING"]).ok()?;
            let up = reply.error().is_none_or(|error| {
                // It loads its data, or it wants a password that the test will give.
                !error.starts_with("LOADING")
            });
            up.then_some(Ok(()))
        });
        match ready {
            Some(Ok(())) => Ok(()),
            Some(Err(status)) => Err(StartError {
                status,
                log: self.log(),
            }),
            None => Err(StartError {
                status: None,
                log: self.log(),
            }),
        }
    }
}
