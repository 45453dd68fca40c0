//! Real redis-server processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Ports given out in this process.
static NEXT: Mutex<u16> = Mutex::new(0);

/// A port that is free together with its bus port, 10000 higher.
pub fn free_port() -> u16 {
    let mut next = NEXT.lock().expect("no panic before");
    if *next == 0 {
        *next = 24_000 + (std::process::id() % 40) as u16 * 10;
    }
    loop {
        let port = *next;
        *next = if port >= 24_490 { 24_000 } else { port + 1 };
        let free = |p| TcpListener::bind(("127.0.0.1", p)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

/// Waits until something holds, half a minute at most.
pub fn wait(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// A directory that goes with its test.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new(port: u16) -> Dir {
        let name = format!("clusterio-it-{port}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory");
        Dir(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running redis-server in cluster mode.
pub struct Redis {
    pub port: u16,
    child: Child,
    dir: Dir,
}

impl Redis {
    pub fn start(node_timeout: u64, more: &[&str]) -> Redis {
        Redis::launch(None, node_timeout, more)
    }

    /// Starts with this nodes.conf.
    pub fn with_file(text: &str, node_timeout: u64) -> Redis {
        Redis::launch(Some(text), node_timeout, &[])
    }

    fn launch(file: Option<&str>, node_timeout: u64, more: &[&str]) -> Redis {
        let port = free_port();
        let dir = Dir::new(port);
        if let Some(text) = file {
            std::fs::write(dir.path().join("nodes.conf"), text).expect("written");
        }
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--cluster-enabled",
                "yes",
                "--save",
                "",
            ])
            .args([
                "--cluster-node-timeout",
                &node_timeout.to_string(),
                "--bind",
                "127.0.0.1",
            ])
            .args(more)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server 7.0 is installed");
        let redis = Redis { port, child, dir };
        wait("redis-server answers", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        redis
    }

    /// Runs a server in a directory where it cannot start; returns what it says.
    pub fn try_on(dir: &Path) -> String {
        let output = Command::new("redis-server")
            .args([
                "--port",
                &free_port().to_string(),
                "--cluster-enabled",
                "yes",
            ])
            .current_dir(dir)
            .output()
            .expect("redis-server 7.0 is installed");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("set");
        BufReader::new(stream)
    }

    /// Sends an inline command; returns the bulk or the line of its answer.
    pub fn ask(&self, command: &str) -> String {
        let mut reader = self.connect();
        reader
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())
            .expect("sent");
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        match line
            .trim_end()
            .strip_prefix('$')
            .and_then(|n| n.parse::<usize>().ok())
        {
            Some(len) => {
                let mut bulk = vec![0; len];
                reader.read_exact(&mut bulk).expect("a bulk string");
                String::from_utf8_lossy(&bulk).trim_end().to_owned()
            }
            None => line.trim_end().to_owned(),
        }
    }

    pub fn ok(&self, command: &str) {
        assert_eq!(self.ask(command), "+OK", "{command}");
    }

    pub fn id(&self) -> String {
        // Read from its file, so that a frozen server can be asked too.
        let text = std::fs::read_to_string(self.path().join("nodes.conf")).expect("its file");
        let line = text
            .lines()
            .find(|l| l.contains("myself"))
            .expect("its line");
        line[..40].to_owned()
    }

    pub fn subscribe(&self, channel: &str) -> Subscriber {
        let mut reader = self.connect();
        reader
            .get_mut()
            .write_all(format!("SUBSCRIBE {channel}\r\n").as_bytes())
            .expect("sent");
        let mut subscriber = Subscriber(reader);
        assert!(subscriber.read_until("subscribe"));
        subscriber
    }

    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A connection that waits for messages.
pub struct Subscriber(BufReader<TcpStream>);

impl Subscriber {
    /// Reads lines until one holds a text.
    pub fn read_until(&mut self, text: &str) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            match self.0.read_line(&mut line) {
                Ok(0) | Err(_) => return false,
                Ok(_) if line.contains(text) => return true,
                Ok(_) => {}
            }
        }
    }
}
