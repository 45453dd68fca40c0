//! A suite of the Debian archive, read beside the system's own: nothing gets installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::run;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SOURCES: [&str; 2] = [
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/apt/sources.list",
];

/// One suite of the archive, with its package lists in a folder of ours.
#[derive(Debug)]
pub(super) struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// Reads the lists of `suite`; `kind` is `deb` for programs and `deb-src` for sources.
    pub(super) fn open(folder: &Path, kind: &str, suite: &str) -> Result<Archive, String> {
        for part in ["lists/partial", "cache/archives/partial", "downloads"] {
            make(&folder.join(part))?;
        }
        let texts = SOURCES
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok());
        let mirror = texts
            .filter_map(|text| mirror(&text))
            .next()
            .ok_or("no Debian mirror in this machine's apt sources: peers come from there")?;
        let list = format!("{kind} [signed-by={KEYRING}] {mirror} {suite} main\n");
        write(&folder.join("sources.list"), list.as_bytes())?;
        let archive = Archive {
            folder: folder.into(),
        };
        run(archive.apt().args(["update"]))?;
        Ok(archive)
    }

    /// Downloads the newest programs' packages; answers their files.
    pub(super) fn packages(&self, names: &[&str]) -> Result<Vec<PathBuf>, String> {
        self.clear("deb")?;
        run(self.apt().arg("download").args(names))?;
        let files = self.files("deb")?;
        if files.len() == names.len() {
            return Ok(files);
        }
        Err(format!(
            "asked for {} packages, got {}",
            names.len(),
            files.len()
        ))
    }

    /// Downloads the upstream source archive of a package.
    ///
    /// A mirror whose lists are older than its pool has lost Debian's own two files of the revision
    /// that the lists name, while the upstream archive, which is all that is wanted, stays for
    /// every revision: that apt failed matters only where the archive did not come.
    pub(super) fn source(&self, name: &str) -> Result<PathBuf, String> {
        let downloaded = run(self.apt().args(["source", "--download-only", name]));
        let files = fs::read_dir(self.downloads()).map_err(|error| error.to_string())?;
        let found = files.flatten().map(|entry| entry.path()).find(|path| {
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            file.starts_with(&format!("{name}_"))
                && file.contains(".orig.tar.")
                && !file.ends_with(".asc")
        });
        found.ok_or_else(|| match downloaded {
            Ok(()) => format!("the source package of {name} has no upstream archive"),
            Err(error) => error,
        })
    }

    /// Where downloads go.
    pub(super) fn downloads(&self) -> PathBuf {
        self.folder.join("downloads")
    }

    fn apt(&self) -> Command {
        let mut command = Command::new("apt-get");
        command.current_dir(self.downloads()).arg("-qq");
        let option = |name: &str, path: PathBuf| format!("{name}={}", path.display());
        for option in [
            option("Dir::Etc::sourcelist", self.folder.join("sources.list")),
            option("Dir::Etc::sourceparts", "/dev/null".into()),
            option("Dir::State::lists", self.folder.join("lists")),
            option("Dir::Cache", self.folder.join("cache")),
            "APT::Sandbox::User=root".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    fn files(&self, extension: &str) -> Result<Vec<PathBuf>, String> {
        let entries = fs::read_dir(self.downloads()).map_err(|error| error.to_string())?;
        let paths = entries.flatten().map(|entry| entry.path());
        Ok(paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect())
    }

    fn clear(&self, extension: &str) -> Result<(), String> {
        for path in self.files(extension)? {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// The first mirror named in the text of an apt sources file, of either form, that is not the
/// one for security updates.
pub(super) fn mirror(text: &str) -> Option<String> {
    text.lines().map(str::trim).find_map(|line| {
        let address = match line.strip_prefix("URIs:") {
            Some(rest) => rest.split_whitespace().next(),
            None => {
                let rest = line.strip_prefix("deb ")?.trim_start();
                let rest = match rest.strip_prefix('[') {
                    Some(options) => options.split_once(']')?.1,
                    None => rest,
                };
                rest.split_whitespace().next()
            }
        }?;
        (!address.contains("security")).then(|| address.to_string())
    })
}

/// Makes a folder and those above it.
pub(super) fn make(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
