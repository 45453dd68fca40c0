//! Loading: the base, then the increments, in the order of the manifest.

use super::files::{Files, file_name};
use crate::load::{LoadError, LoadOptions, Loaded, load_preamble};
use rdb::aof::{AofError, Commands, FileInfo, Item, begins_with_rdb, put_command};
use std::io::{self, Read};
use store::Locker;

/// How many bytes of commands are applied at once.
const CHUNK: usize = 64 * 1024;
/// How many commands are applied at once.
const COMMANDS: usize = 64;
/// How many bytes tell whether a file begins with an RDB image.
const HEAD: usize = 6;

/// Executes the commands of a file. The engine does it; nothing of it is journalled.
pub trait Apply {
    /// A file begins: its first command is for database 0.
    fn begin(&mut self);

    /// Executes whole commands, one after another.
    ///
    /// # Errors
    /// The first command that failed, and how.
    fn unit(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// What is to be said while loading: whether it is a warning, and the line.
pub type Say<'a> = &'a mut dyn FnMut(bool, &str);

/// How loading ended, if well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadOutcome {
    /// There was nothing in the files, or no files.
    Empty,
    /// Everything that was listed.
    Whole,
    /// The last file had a torn tail, which was cut off.
    Truncated,
}

/// What was loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AofLoaded {
    /// How it ended.
    pub outcome: LoadOutcome,
    /// Keys of the base.
    pub keys: u64,
    /// Keys of the base that had expired.
    pub expired: u64,
    /// Commands executed.
    pub commands: u64,
}

/// Why a log was not loaded. The texts are what the server logs before it ends.
#[derive(Debug, thiserror::Error)]
pub enum AofLoadError {
    /// A listed file is not there or cannot be opened.
    #[error("Fatal error: can't open the append log file {0} for reading: {1}")]
    Open(String, String),
    /// Reading failed.
    #[error("Unrecoverable error reading the append only file {0}: {1}")]
    Read(String, String),
    /// A file that ends too early, and must not be cut.
    #[error(
        "Unexpected end of file reading the append only file {0}. Make a copy of it, then run \
         redis-check-aof --fix on its manifest, or set aof-load-truncated to yes and start again."
    )]
    Short(String),
    /// A file before the last one ends too early: what follows does not continue it.
    #[error("Fatal error: the truncated file {0} is not the last file")]
    ShortInside(String),
    /// Not the form of an append-only file.
    #[error(
        "Bad file format reading the append only file {0}: {1}. Make a copy of it, then run \
         redis-check-aof --fix on its manifest."
    )]
    Format(String, String),
    /// A command that could not be executed.
    #[error("Cannot execute a command of the append only file {0}: {1}")]
    Command(String, String),
    /// The RDB image at the beginning of a file is damaged.
    #[error("Error reading the RDB preamble of the AOF file {0}, AOF loading aborted: {1}")]
    Preamble(String, LoadError),
    /// The torn tail could not be cut off.
    #[error("Error truncating the AOF file {0}: {1}")]
    Truncate(String, io::Error),
}

/// Loads all files of a log. With `truncate` (`aof-load-truncated`), a torn tail of the last file
/// is cut off.
///
/// # Errors
/// What is wrong with the files: the server must not go on.
pub fn load(
    files: &Files,
    locker: &Locker,
    options: &mut LoadOptions<'_>,
    apply: &mut dyn Apply,
    truncate: bool,
    say: Say<'_>,
) -> Result<AofLoaded, AofLoadError> {
    let manifest = files.manifest();
    let all: Vec<&FileInfo> = manifest.base.iter().chain(&manifest.incr).collect();
    let mut total = AofLoaded {
        outcome: LoadOutcome::Empty,
        keys: 0,
        expired: 0,
        commands: 0,
    };
    for (nth, file) in all.iter().enumerate() {
        let began = std::time::Instant::now();
        let mut one = One {
            files,
            file,
            name: String::from_utf8_lossy(&file.name).into_owned(),
            last: nth + 1 == all.len(),
            truncate,
        };
        let outcome = one.load(locker, options, apply, &mut total, say)?;
        if outcome != LoadOutcome::Empty {
            total.outcome = outcome;
            let kind = if manifest.base.as_ref() == Some(*file) {
                "base"
            } else {
                "incr"
            };
            let (name, took) = (&one.name, began.elapsed().as_secs_f64());
            say(
                false,
                &format!("DB loaded from {kind} file {name}: {took:.3} seconds"),
            );
        }
    }
    Ok(total)
}

/// One file that is loaded.
struct One<'a> {
    files: &'a Files,
    file: &'a FileInfo,
    name: String,
    last: bool,
    truncate: bool,
}

impl One<'_> {
    fn load(
        &mut self,
        locker: &Locker,
        options: &mut LoadOptions<'_>,
        apply: &mut dyn Apply,
        total: &mut AofLoaded,
        say: Say<'_>,
    ) -> Result<LoadOutcome, AofLoadError> {
        let opened = self.files.disk().open(&self.files.path(self.file));
        let cannot = |text: String| AofLoadError::Open(self.name.clone(), text);
        let input = opened.map_err(|error| cannot(super::writer::reason(&error)))?;
        let mut input = input.ok_or_else(|| cannot("No such file or directory".into()))?;
        let mut head = Vec::with_capacity(HEAD);
        let read = (&mut input).take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|error| AofLoadError::Read(self.name.clone(), error.to_string()))?;
        if head.is_empty() {
            return Ok(LoadOutcome::Empty);
        }
        if !begins_with_rdb(&head) {
            let commands = Commands::new(input, 0, head);
            return self.commands(commands, options, apply, total, say);
        }
        say(false, "Reading RDB base file on AOF loading...");
        let whole = io::Cursor::new(head).chain(input);
        let (loaded, ahead, rest) = load_preamble(whole, locker, options)
            .map_err(|error| AofLoadError::Preamble(self.name.clone(), error))?;
        let Loaded {
            keys,
            expired,
            bytes,
            ..
        } = loaded;
        total.keys += keys;
        total.expired += expired;
        let commands = Commands::new(rest, bytes, ahead);
        self.commands(commands, options, apply, total, say)
    }

    fn commands<R: Read>(
        &self,
        mut commands: Commands<R>,
        options: &mut LoadOptions<'_>,
        apply: &mut dyn Apply,
        total: &mut AofLoaded,
        say: Say<'_>,
    ) -> Result<LoadOutcome, AofLoadError> {
        apply.begin();
        let (mut chunk, mut count) = (Vec::new(), 0);
        let mut told = commands.valid_up_to();
        // Where in the chunk the last whole unit ends.
        let mut whole = 0;
        loop {
            match commands.next_item() {
                Ok(Some(Item::Command(arguments))) => {
                    let words: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
                    put_command(&mut chunk, &words);
                    count += 1;
                    total.commands += 1;
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.apply(apply, &chunk)?;
                    return Ok(LoadOutcome::Whole);
                }
                Err(error) => {
                    self.apply(apply, &chunk[..whole])?;
                    return self.torn(&error, commands.valid_up_to(), say);
                }
            }
            if !commands.in_multi() {
                whole = chunk.len();
                if whole >= CHUNK || count >= COMMANDS {
                    self.apply(apply, &chunk)?;
                    chunk.clear();
                    (count, whole) = (0, 0);
                    let read = commands.valid_up_to();
                    (options.progress)(read - told);
                    told = read;
                }
            }
        }
    }

    fn apply(&self, apply: &mut dyn Apply, bytes: &[u8]) -> Result<(), AofLoadError> {
        let done = apply.unit(bytes);
        done.map_err(|text| AofLoadError::Command(self.name.clone(), text))
    }

    /// A file that does not end well: cut at `at`, or refused.
    fn torn(&self, error: &AofError, at: u64, say: Say<'_>) -> Result<LoadOutcome, AofLoadError> {
        let name = self.name.clone();
        match error {
            AofError::Io { source, .. } => {
                return Err(AofLoadError::Read(name, source.to_string()));
            }
            AofError::Format { .. } => return Err(AofLoadError::Format(name, error.to_string())),
            _ if !self.last => return Err(AofLoadError::ShortInside(name)),
            _ if !self.truncate => return Err(AofLoadError::Short(name)),
            _ => {}
        }
        say(
            true,
            &format!("!!! Warning: short read while loading the AOF file {name}!!!"),
        );
        say(
            true,
            &format!("!!! Truncating the AOF {name} at offset {at} !!!"),
        );
        let path = self.files.path_of(&file_name(self.file).to_string_lossy());
        let cut = self.files.disk().append(&path).and_then(|file| {
            file.truncate(at)?;
            file.sync()
        });
        cut.map_err(|error| AofLoadError::Truncate(name.clone(), error))?;
        say(
            true,
            &format!("AOF {name} loaded anyway because aof-load-truncated is enabled"),
        );
        Ok(LoadOutcome::Truncated)
    }
}
