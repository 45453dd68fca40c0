//! The world around a loader in these tests: a directory on disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use config::Surroundings;

/// Reads below `root`, which stands for the working directory.
pub struct Disk {
    pub root: PathBuf,
    pub input: Vec<u8>,
}

impl Disk {
    pub fn at(root: &Path) -> Disk {
        Disk {
            root: root.into(),
            input: vec![],
        }
    }

    fn path(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(path))
    }
}

fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().into()
}

impl Surroundings for Disk {
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        std::fs::read(self.path(path)).map_err(|error| reason(&error))
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.input.clone())
    }

    fn glob(&mut self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = std::fs::read_dir(&self.root)
            .expect("the directory")
            .map(|entry| entry.expect("an entry").file_name().as_bytes().to_vec())
            .filter(|name| base::glob::matches(pattern, name, false))
            .collect();
        names.sort();
        names
    }

    fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        let path = self
            .path(path)
            .canonicalize()
            .map_err(|error| reason(&error))?;
        if !path.is_dir() {
            return Err("Not a directory".into());
        }
        self.root = path;
        Ok(self.root.as_os_str().as_bytes().to_vec())
    }

    fn try_log(&mut self, path: &[u8]) -> Result<(), String> {
        let opened = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(path));
        opened.map(drop).map_err(|error| reason(&error))
    }

    fn rename_command(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        match (from, to) {
            (b"nosuch", _) => Err("No such command in rename-command".into()),
            (_, b"get") => Err("Target command name already exists".into()),
            _ => Ok(()),
        }
    }
}
