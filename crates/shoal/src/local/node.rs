//! One node of a local cluster: its directory, its process, and talking to it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::{Address, Connection, Error, Options, Value};

use super::plan::BUS;
use super::process;

/// The node's host: local clusters are for this machine alone.
pub const HOST: &str = "127.0.0.1";

/// How long a node may take to answer before it counts as standing still.
const PATIENCE: Duration = Duration::from_secs(2);
const NODE_TIMEOUT_MS: u32 = 3000;

/// Whose server is at a node's port.
#[derive(Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody's, and no process of the node lives.
    Absent,
    /// The node's own, with this process.
    Up(u32),
    /// The node's process lives, but does not answer.
    Silent(u32),
    /// Somebody else's: who, as far as that can be seen.
    Foreign(String),
}

/// A node.
#[derive(Debug)]
pub struct Node {
    pub port: u16,
    /// Absolute.
    pub directory: PathBuf,
}

impl Node {
    pub fn new(port: u16, directory: PathBuf) -> Node {
        Node { port, directory }
    }

    pub fn address(&self) -> Address {
        Address::tcp(HOST, self.port)
    }

    pub fn config(&self) -> PathBuf {
        self.directory.join("shoal.conf")
    }

    pub fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("process")
    }

    /// Opens a connection.
    pub fn connect(&self) -> Result<Connection, Error> {
        Connection::open(&self.address(), &Options::with_timeout(PATIENCE))
    }

    /// One request on a connection of its own; an error reply is an error.
    pub fn ask(&self, request: &[&str]) -> Result<Value, Error> {
        self.connect()?.query(request)
    }

    /// The fields of an INFO section, or of CLUSTER INFO.
    pub fn fields(&self, request: &[&str]) -> Vec<(String, String)> {
        let Ok(reply) = self.ask(request) else {
            return Vec::new();
        };
        let text = reply.as_text().unwrap_or_default().into_owned();
        let fields = text
            .lines()
            .filter_map(|line| line.trim_end().split_once(':'));
        fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Its own line in CLUSTER NODES, as words.
    pub fn own_line(&self) -> Option<Vec<String>> {
        let reply = self.ask(&["CLUSTER", "NODES"]).ok()?;
        let text = reply.as_text()?.into_owned();
        let own = text.lines().find(|line| line.contains("myself"))?;
        Some(own.split(' ').map(str::to_owned).collect())
    }

    /// Looks who is at the node's port.
    pub fn look(&self) -> Presence {
        let own = self.living_process();
        let mut connection = match self.connect() {
            Ok(connection) => connection,
            Err(_) => return own.map_or(Presence::Absent, Presence::Silent),
        };
        let directory = connection.query(&["CONFIG", "GET", "dir"]);
        let directory = match directory {
            Ok(reply) => reply
                .field("dir")
                .and_then(|dir| Some(dir.as_text()?.into_owned())),
            Err(_) => None,
        };
        match directory {
            Some(directory) if self.directory == *directory.as_str() => {
                match connection
                    .query(&["INFO", "server"])
                    .ok()
                    .and_then(|info| process_id(&info))
                {
                    Some(id) => Presence::Up(id),
                    None => Presence::Up(own.unwrap_or(0)),
                }
            }
            Some(directory) => {
                Presence::Foreign(format!("another server, which works in {directory}"))
            }
            None => match own {
                Some(id) => Presence::Silent(id),
                None => Presence::Foreign("another program".to_owned()),
            },
        }
    }

    /// The number of the process that was started for this node, if it lives.
    fn living_process(&self) -> Option<u32> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let number = text.trim().parse().ok()?;
        process::lives_in(number, &self.directory).then_some(number)
    }

    /// Makes sure that nobody sits at the port and the bus port.
    pub fn require_free_ports(&self) -> Result<(), String> {
        for (port, what) in [(self.port, "port"), (self.port + BUS, "bus port")] {
            TcpListener::bind((HOST, port)).map_err(|fault| {
                format!(
                    "the {what} {port} of node {} cannot be used: {fault}. Stop who uses it, or \
                     choose other ports with --port.",
                    self.port
                )
            })?;
        }
        Ok(())
    }

    /// Makes the directory and the configuration file; a file that is there is kept.
    pub fn prepare(&self, workers: u16) -> Result<(), String> {
        fs::create_dir_all(&self.directory)
            .map_err(|fault| format!("cannot make {}: {fault}", self.directory.display()))?;
        let path = self.config();
        if path.exists() {
            return Ok(());
        }
        let directory = self
            .directory
            .display()
            .to_string()
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        let text = format!(
            "# Written once by 'shoal cluster up'; changes are kept.\n\
             port {}\nbind {HOST}\ndir \"{directory}\"\nlogfile server.log\n\
             cluster-enabled yes\ncluster-config-file nodes.conf\n\
             cluster-node-timeout {NODE_TIMEOUT_MS}\nappendonly yes\nio-threads {workers}\n",
            self.port
        );
        fs::write(&path, text).map_err(|fault| format!("cannot write {}: {fault}", path.display()))
    }

    /// Starts the process. It lives on when this program ends and hears no interrupt from the
    /// terminal.
    pub fn start(&self) -> Result<Child, String> {
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(|fault| format!("cannot open {}: {fault}", self.log().display()))?;
        let errors = log.try_clone().map_err(|fault| fault.to_string())?;
        // Another server of the same kind, for tests and comparisons.
        let mut command = match std::env::var_os("SHOAL_SERVER") {
            Some(program) => Command::new(program),
            None => {
                let own = std::env::current_exe()
                    .map_err(|fault| format!("cannot find this program's own file: {fault}"))?;
                let mut command = Command::new(own);
                command.arg("server");
                command
            }
        };
        command
            .arg(self.config())
            .current_dir(&self.directory)
            .process_group(0);
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn();
        let child = child.map_err(|fault| {
            format!(
                "cannot start {}: {fault}",
                command.get_program().to_string_lossy()
            )
        })?;
        let path = self.pid_file();
        fs::write(&path, child.id().to_string())
            .map_err(|fault| format!("cannot write {}: {fault}", path.display()))?;
        Ok(child)
    }

    /// The last lines of the log, for messages.
    pub fn log_tail(&self) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let tail = &lines[lines.len().saturating_sub(5)..];
        tail.iter().map(|line| format!("    {line}\n")).collect()
    }
}

fn process_id(info: &Value) -> Option<u32> {
    let text = info.as_text()?.into_owned();
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("process_id:"));
    lines.next()?.trim().parse().ok()
}
