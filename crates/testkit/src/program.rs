//! Where the programs under test are: ours and the real servers.
//!
//! Ours is `SHOAL_BIN` if set, else it is built once by cargo into the target directory of the
//! running test. Redis 7.0.15 is the system's own package; the newer servers lie where
//! `cargo xtask peers` put them (`SHOAL_PEERS`, else `peers` in the repository). A program that is
//! not there fails the test: it never skips it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A server family under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Ours.
    Shoal,
    /// Redis 7.0.15, the package of Debian 12.
    Redis70,
    /// Redis 7.4.1.
    Redis74,
    /// Redis 8.
    Redis8,
    /// Valkey 9.1 or newer.
    Valkey,
}

/// One of the programs that a server comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The server.
    Server,
    /// The command line.
    Cli,
    /// The benchmark.
    Benchmark,
    /// The checker of RDB files.
    CheckRdb,
    /// The checker of AOF files.
    CheckAof,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Tool::Server => "server",
            Tool::Cli => "cli",
            Tool::Benchmark => "benchmark",
            Tool::CheckRdb => "check-rdb",
            Tool::CheckAof => "check-aof",
        }
    }
}

impl Program {
    /// A command that runs the tool, to which arguments may be added.
    ///
    /// # Panics
    /// When the program is not there; the text says how to get it.
    pub fn command(self, tool: Tool) -> Command {
        let (path, first) = self.path(tool);
        let mut command = Command::new(path);
        command.args(first);
        command
    }

    /// The program's file and, for ours, the word that names the tool.
    ///
    /// # Panics
    /// When the program is not there.
    pub fn path(self, tool: Tool) -> (PathBuf, Option<&'static str>) {
        let name = tool.name();
        match self {
            Program::Shoal => (shoal().to_path_buf(), Some(name)),
            Program::Redis70 => (on_path(&format!("redis-{name}")), None),
            Program::Redis74 => (peer(&format!("redis74-{name}")), None),
            Program::Redis8 => (peer(&format!("redis8-{name}")), None),
            Program::Valkey => (peer(&format!("valkey-{name}")), None),
        }
    }
}

/// The root of the repository that the test was built from.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/testkit lies two below the root")
        .to_path_buf()
}

/// Where the upstream suite is: `SHOAL_SUITE`, else `suite` in the repository.
pub fn suite_directory() -> PathBuf {
    directory("SHOAL_SUITE", "suite")
}

/// A file or folder of the stock clients: below `SHOAL_CLIENTS`, else `clients` in the repository.
///
/// # Panics
/// When it is not there; the text says how to get it.
pub fn client_path(name: &str) -> PathBuf {
    let path = directory("SHOAL_CLIENTS", "clients").join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo xtask clients`",
        path.display()
    );
    path
}

fn directory(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| repository().join(default), PathBuf::from)
}

fn peer(name: &str) -> PathBuf {
    let path = directory("SHOAL_PEERS", "peers").join("bin").join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo xtask peers`",
        path.display()
    );
    path
}

fn on_path(name: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| {
            panic!("{name} is not on PATH: run `cargo xtask peers`, or install redis-server")
        })
}

/// Our binary, built once for the running test.
fn shoal() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        for variable in ["SHOAL_BIN", "CARGO_BIN_EXE_shoal"] {
            if let Some(path) = std::env::var_os(variable) {
                let path = PathBuf::from(path);
                assert!(
                    path.exists(),
                    "{variable} names no file: {}",
                    path.display()
                );
                return path;
            }
        }
        build()
    })
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // target/PROFILE/deps/test-…
    let profile = test
        .ancestors()
        .nth(2)
        .expect("a test lies in PROFILE/deps")
        .to_path_buf();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(repository())
        .args(["build", "--quiet", "--package", "shoal"]);
    command
        .arg("--target-dir")
        .arg(profile.parent().expect("PROFILE lies in the target"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "cargo build --package shoal: {status}");
    profile.join("shoal")
}
