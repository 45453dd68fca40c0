//! redis.conf: reading it, and saying what is wrong with it.

use crate::command_line::CommandLine;
use crate::option::Opt;
use crate::settings::Config;
use crate::table::lookup;
use crate::words::split;

/// What loading needs from outside. Reasons are the system's texts, such as `No such file or
/// directory`.
pub trait Surroundings {
    /// The contents of a file.
    ///
    /// # Errors
    /// With the reason.
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String>;

    /// Everything on standard input.
    ///
    /// # Errors
    /// With the reason.
    fn stdin(&mut self) -> Result<Vec<u8>, String>;

    /// The paths that match a pattern, sorted.
    fn glob(&mut self, pattern: &[u8]) -> Vec<Vec<u8>>;

    /// Changes the working directory and returns its full path.
    ///
    /// # Errors
    /// With the reason.
    fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String>;

    /// Makes sure that the log file can be written.
    ///
    /// # Errors
    /// With the reason.
    fn try_log(&mut self, path: &[u8]) -> Result<(), String>;

    /// Gives a command another name, or none.
    ///
    /// # Errors
    /// If there is no such command, or the new name is taken.
    fn rename_command(&mut self, from: &[u8], to: &[u8]) -> Result<(), String>;
}

/// Settings as they were loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Warnings for the log.
    pub warnings: Vec<String>,
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number, counted as Redis counts: through file, standard input and command line.
    pub line: usize,
    /// Its text.
    pub text: Vec<u8>,
    /// The file, if it stands in one.
    pub file: Option<Vec<u8>>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// A file cannot be read. Redis logs this and says nothing on standard error.
    Unreadable,
    /// The settings are wrong.
    Wrong(Option<Place>),
}

/// Why settings could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong.
    pub kind: FileErrorKind,
    /// Why.
    pub reason: String,
}

impl FileError {
    fn wrong(reason: impl Into<String>) -> FileError {
        FileError {
            kind: FileErrorKind::Wrong(None),
            reason: reason.into(),
        }
    }

    /// The text for standard error: Redis's, to the byte, and behind it the name of the file.
    /// `version` is the version of Redis that the server claims to be.
    pub fn report(&self, version: &str) -> Vec<u8> {
        let FileErrorKind::Wrong(place) = &self.kind else {
            return format!("{}\n", self.reason).into_bytes();
        };
        let mut text =
            format!("\n*** FATAL CONFIG FILE ERROR (Redis {version}) ***\n").into_bytes();
        if let Some(place) = place {
            let line = format!("Reading the configuration file, at line {}\n", place.line);
            text.extend(line.into_bytes());
            text.extend([b">>> '", place.text.as_slice(), b"'\n"].concat());
        }
        text.extend(format!("{}\n", self.reason).into_bytes());
        if let Some(file) = place.as_ref().and_then(|place| place.file.as_ref()) {
            text.extend([b"(in ", file.as_slice(), b")\n"].concat());
        }
        text
    }
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let FileErrorKind::Wrong(Some(place)) = &self.kind {
            if let Some(file) = &place.file {
                write!(f, "{}, ", String::from_utf8_lossy(file))?;
            }
            write!(
                f,
                "line {}: '{}': ",
                place.line,
                String::from_utf8_lossy(&place.text)
            )?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for FileError {}

/// How deep files may include each other, and how many there may be: a file that includes itself
/// ends here and not in an overflow.
const MAX_DEPTH: usize = 32;
const MAX_FILES: usize = 1000;

/// Options of old versions that are taken and mean nothing, each with one value.
const FORGOTTEN: [&str; 3] = [
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
];

/// Loads what a command line asks for, over the defaults.
///
/// # Errors
/// With the first thing wrong and its place.
pub fn load(line: &CommandLine, around: &mut dyn Surroundings) -> Result<Loaded, FileError> {
    let mut loader = Loader {
        config: Config::default(),
        around,
        save_seen: false,
        files: 0,
        warnings: Vec::new(),
    };
    loader.config.dir = loader.around.change_dir(b".").unwrap_or_default();
    let mut text = Vec::new();
    let mut file_lines = 0;
    if let Some(file) = &line.file {
        text = loader.files(file)?;
        file_lines = text.split(|b| *b == b'\n').count();
    }
    if line.stdin {
        end_line(&mut text);
        text.extend(loader.around.stdin().map_err(FileError::wrong)?);
    }
    if !line.options.is_empty() {
        text.push(b'\n');
        text.extend(&line.options);
    }
    let file = line.file.clone().map(|file| (file, file_lines));
    loader.text(&text, file.as_ref(), 0)?;
    loader.finish()
}

struct Loader<'a> {
    config: Config,
    around: &'a mut dyn Surroundings,
    save_seen: bool,
    files: usize,
    warnings: Vec<String>,
}

impl Loader<'_> {
    /// The contents of a file, or of all files that match a pattern; none may match.
    fn files(&mut self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        let pattern = path.iter().any(|b| matches!(b, b'*' | b'?' | b'['));
        let paths = if pattern {
            self.around.glob(path)
        } else {
            vec![path.to_vec()]
        };
        let mut text = Vec::new();
        for path in paths {
            let part = self.around.read(&path).map_err(|reason| {
                let path = String::from_utf8_lossy(&path);
                let reason = format!("Fatal error, can't open config file '{path}': {reason}");
                FileError {
                    kind: FileErrorKind::Unreadable,
                    reason,
                }
            })?;
            end_line(&mut text);
            text.extend(part);
            self.files += 1;
        }
        Ok(text)
    }

    /// Takes a text line by line. `file` names the file it comes from, and how many of its lines
    /// are that file's.
    fn text(
        &mut self,
        text: &[u8],
        file: Option<&(Vec<u8>, usize)>,
        depth: usize,
    ) -> Result<(), FileError> {
        for (index, line) in text.split(|b| *b == b'\n').enumerate() {
            let line = trimmed(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            self.line(line, depth).map_err(|error| match error.kind {
                FileErrorKind::Wrong(None) => {
                    let file = file.filter(|(_, lines)| index < *lines);
                    let place = Place {
                        line: index + 1,
                        text: line.to_vec(),
                        file: file.map(|(name, _)| name.clone()),
                    };
                    FileError {
                        kind: FileErrorKind::Wrong(Some(place)),
                        ..error
                    }
                }
                _ => error,
            })?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], depth: usize) -> Result<(), FileError> {
        let words = split(line)
            .ok_or_else(|| FileError::wrong("Unbalanced quotes in configuration line"))?;
        let Some((name, values)) = words.split_first() else {
            return Ok(());
        };
        if let Some(option) = lookup(name) {
            return self.option(option, values).map_err(FileError::wrong);
        }
        let name = name.to_ascii_lowercase();
        match (name.as_slice(), values) {
            (b"include", [path]) => self.include(path, depth),
            (b"rename-command", [from, to]) => self
                .around
                .rename_command(from, to)
                .map_err(FileError::wrong),
            (b"user", [_, ..]) => self.user(values).map_err(FileError::wrong),
            (b"loadmodule", [_, ..]) => Err(FileError::wrong(
                "'loadmodule' is refused: modules do not exist in this version",
            )),
            (b"sentinel", _) => Err(FileError::wrong(
                "sentinel directive while not in sentinel mode",
            )),
            (name, [_]) if FORGOTTEN.iter().any(|known| known.as_bytes() == name) => Ok(()),
            _ => Err(FileError::wrong(
                "Bad directive or wrong number of arguments",
            )),
        }
    }

    fn option(&mut self, option: &'static Opt, values: &[Vec<u8>]) -> Result<(), String> {
        // An option of several words may also hold them in one.
        let held = match values {
            [one] if option.takes_words() => split(one).filter(|words| words.len() > 1),
            _ => None,
        };
        let values = held.as_deref().unwrap_or(values);
        if option.name == "save" {
            return self.save(option, values);
        }
        option.take(&mut self.config, values)?;
        if option.name == "dir" {
            self.config.dir = self.around.change_dir(&self.config.dir)?;
        }
        Ok(())
    }

    /// The first line replaces the default, further ones add to it; an empty one clears all.
    fn save(&mut self, option: &'static Opt, values: &[Vec<u8>]) -> Result<(), String> {
        // A word of blanks is empty here, as in Redis, where CONFIG SET refuses it.
        let blank = matches!(values, [one] if one.trim_ascii().is_empty());
        let values = if blank { &[vec![]] } else { values };
        let clears = matches!(values, [] | [_]);
        let mut before = if self.save_seen && !clears {
            self.config.save.clone()
        } else {
            vec![]
        };
        option.take(&mut self.config, values)?;
        self.save_seen = true;
        before.append(&mut self.config.save);
        self.config.save = before;
        Ok(())
    }

    fn include(&mut self, path: &[u8], depth: usize) -> Result<(), FileError> {
        if depth == MAX_DEPTH || self.files >= MAX_FILES {
            return Err(FileError::wrong("files include each other too often"));
        }
        let text = self.files(path)?;
        let lines = text.split(|b| *b == b'\n').count();
        self.text(&text, Some(&(path.to_vec(), lines)), depth + 1)
    }

    /// There is one user, who may do everything. The line that describes it, as CONFIG REWRITE of
    /// a real server writes it, is taken; it may set the password in clear.
    fn user(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        const HARMLESS: [&[u8]; 10] = [
            b"on",
            b"nopass",
            b"sanitize-payload",
            b"skip-sanitize-payload",
            b"~*",
            b"allkeys",
            b"&*",
            b"allchannels",
            b"+@all",
            b"allcommands",
        ];
        let refused = "'user' is refused: access lists do not exist in this version";
        let (name, rules) = words.split_first().ok_or(refused)?;
        if name != b"default" {
            return Err(refused.into());
        }
        let all = |kinds: [&[u8]; 2]| rules.iter().any(|rule| kinds.contains(&rule.as_slice()));
        let whole = all([b"~*", b"allkeys"]) && all([b"+@all", b"allcommands"]);
        if !whole || !rules.iter().any(|rule| rule == b"on") {
            return Err(refused.into());
        }
        for rule in rules {
            if let Some(password) = rule.strip_prefix(b">") {
                self.config.requirepass = password.to_vec();
            } else if !HARMLESS.contains(&rule.as_slice()) {
                return Err(refused.into());
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded, FileError> {
        let config = &mut self.config;
        if !config.logfile.is_empty() {
            let tried = self.around.try_log(&config.logfile);
            let complaint = |reason| format!("Can't open the log file: {reason}");
            tried.map_err(|reason| FileError::wrong(complaint(reason)))?;
        }
        if config.cluster_enabled && config.replicaof.is_some() {
            return Err(FileError::wrong(
                "replicaof directive not allowed in cluster mode",
            ));
        }
        if config.cluster_enabled && config.databases > 1 {
            self.warnings.push(format!(
                "WARNING: Changing databases number from {} to 1 since we are in cluster mode",
                config.databases
            ));
            config.databases = 1;
        }
        config.settle();
        Ok(Loaded {
            config: self.config,
            warnings: self.warnings,
        })
    }
}

/// Ends the last line, so that what follows begins one of its own.
fn end_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|b| !blank(b)).unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(|b| !blank(b))
        .map_or(start, |last| last + 1);
    &line[start..end]
}

/// Loads any bytes as a configuration file, and if they make sense, writes them back and expects
/// the same settings. For fuzzing; it panics where the crate is wrong.
#[doc(hidden)]
pub fn fuzz_load(data: &[u8]) {
    struct Nowhere<'a>(&'a [u8]);
    impl Surroundings for Nowhere<'_> {
        fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
            // One file there is: the text itself.
            if path == b"self" {
                Ok(self.0.to_vec())
            } else {
                Err("No such file".into())
            }
        }
        fn stdin(&mut self) -> Result<Vec<u8>, String> {
            Ok(vec![])
        }
        fn glob(&mut self, _: &[u8]) -> Vec<Vec<u8>> {
            vec![]
        }
        fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
            // As everywhere: the empty path is no directory.
            if path.is_empty() {
                return Err("No such file or directory".into());
            }
            Ok(path.to_vec())
        }
        fn try_log(&mut self, _: &[u8]) -> Result<(), String> {
            Ok(())
        }
        fn rename_command(&mut self, _: &[u8], _: &[u8]) -> Result<(), String> {
            Ok(())
        }
    }
    let load = |text: &[u8]| {
        let line = CommandLine {
            file: Some(b"self".to_vec()),
            ..CommandLine::default()
        };
        load(&line, &mut Nowhere(text))
    };
    let Ok(loaded) = load(data) else { return };
    let all = data.len().is_multiple_of(2);
    let write = if all {
        crate::rewrite_all
    } else {
        crate::rewrite
    };
    let text = write(&loaded.config, data);
    let again = load(&text).unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(&text)));
    assert_eq!(
        loaded.config,
        again.config,
        "{}",
        String::from_utf8_lossy(&text)
    );
}
