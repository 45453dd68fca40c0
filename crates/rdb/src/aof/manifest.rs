//! The manifest of a multi-part append-only file: which files there are, in which order they load.
//!
//! One line a file: `file NAME seq N type T`, where the type is b (base, at most one), h (history,
//! to be deleted) or i (increments, ascending). Pairs that are not known are passed over.
use super::arguments;

/// Longest line, its end included.
const LONGEST_LINE: usize = 1024;

/// What a file is to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The state that the increments build on.
    Base,
    /// Superseded, waiting to be deleted.
    History,
    /// Commands since the base.
    Incr,
}

impl FileKind {
    /// The letter in the manifest.
    pub fn letter(self) -> char {
        match self {
            FileKind::Base => 'b',
            FileKind::History => 'h',
            FileKind::Incr => 'i',
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name inside the log's directory.
    pub name: Vec<u8>,
    /// Its number among those of its kind.
    pub seq: i64,
    /// What it is.
    pub kind: FileKind,
}

/// All files of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The base, if a rewrite ever finished.
    pub base: Option<FileInfo>,
    /// Files to delete.
    pub history: Vec<FileInfo>,
    /// Increments in the order of loading.
    pub incr: Vec<FileInfo>,
}

/// Why a manifest was refused. The texts are those that real servers log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFlaw {
    /// Nothing in it.
    #[error("Found an empty AOF manifest")]
    Empty,
    /// A line over 1024 bytes, or the last one without its end.
    #[error("The AOF manifest file contains too long line")]
    LongLine,
    /// A line that does not parse, or misses one of its three pairs.
    #[error("Invalid AOF manifest file format")]
    Format,
    /// A name with a slash.
    #[error("File can't be a path, just a filename")]
    Path,
    /// A second base.
    #[error("Found duplicate base file information")]
    SecondBase,
    /// Increments that do not ascend.
    #[error("Found a non-monotonic sequence number")]
    Order,
    /// A type that is none of b, h, i.
    #[error("Unknown AOF file type")]
    Kind,
}

/// A flaw and the line it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// What is wrong.
    pub flaw: ManifestFlaw,
    /// The line's number from 1 and its text, where the flaw is one of a line that was read.
    pub line: Option<(usize, Vec<u8>)>,
}

impl std::error::Error for ManifestError {}

impl std::fmt::Display for ManifestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.flaw)?;
        if let Some((number, text)) = &self.line {
            write!(f, " (line {number}: '{}')", text.escape_ascii())?;
        }
        Ok(())
    }
}

impl ManifestError {
    /// The lines that a server logs before it gives up.
    pub fn log_lines(&self) -> Vec<String> {
        let mut lines = vec!["\n*** FATAL AOF MANIFEST FILE ERROR ***\n".to_string()];
        if let Some((number, text)) = &self.line {
            lines.push(format!("Reading the manifest file, at line {number}\n"));
            lines.push(format!(">>> '{}'\n", String::from_utf8_lossy(text)));
        }
        lines.push(format!("{}\n", self.flaw));
        lines
    }
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        let mut highest = 0;
        let mut number = 0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let reach = rest.len().min(LONGEST_LINE);
            let end = memchr(&rest[..reach]).map_or(reach, |at| at + 1);
            let (raw, after) = rest.split_at(end);
            rest = after;
            number += 1;
            if raw[0] == b'#' {
                continue;
            }
            if raw.last() != Some(&b'\n') {
                return Err(ManifestError {
                    flaw: ManifestFlaw::LongLine,
                    line: None,
                });
            }
            let line = raw.trim_ascii();
            manifest
                .take_line(line, &mut highest)
                .map_err(|flaw| ManifestError {
                    flaw,
                    line: Some((number, line.to_vec())),
                })?;
        }
        if number == 0 {
            return Err(ManifestError {
                flaw: ManifestFlaw::Empty,
                line: None,
            });
        }
        Ok(manifest)
    }

    fn take_line(&mut self, line: &[u8], highest: &mut i64) -> Result<(), ManifestFlaw> {
        let words = arguments::split(line).ok_or(ManifestFlaw::Format)?;
        if words.len() < 6 || words.len() % 2 == 1 {
            return Err(ManifestFlaw::Format);
        }
        let (mut name, mut seq, mut letter) = (None, 0, 0);
        for pair in words.chunks_exact(2) {
            if pair[0].eq_ignore_ascii_case(b"file") {
                if pair[1].iter().any(|b| matches!(b, b'/' | b'\\')) {
                    return Err(ManifestFlaw::Path);
                }
                name = Some(pair[1].clone());
            } else if pair[0].eq_ignore_ascii_case(b"seq") {
                seq = leading_number(&pair[1]);
            } else if pair[0].eq_ignore_ascii_case(b"type") {
                letter = pair[1].first().copied().unwrap_or(0);
            }
        }
        let (Some(name), 1.., 1..) = (name, seq.unsigned_abs(), letter) else {
            return Err(ManifestFlaw::Format);
        };
        if name.is_empty() {
            return Err(ManifestFlaw::Format);
        }
        let info = |kind| FileInfo { name, seq, kind };
        match letter {
            b'b' if self.base.is_some() => return Err(ManifestFlaw::SecondBase),
            b'b' => self.base = Some(info(FileKind::Base)),
            b'h' => self.history.push(info(FileKind::History)),
            b'i' if seq <= *highest => return Err(ManifestFlaw::Order),
            b'i' => {
                *highest = seq;
                self.incr.push(info(FileKind::Incr));
            }
            _ => return Err(ManifestFlaw::Kind),
        }
        Ok(())
    }

    /// The manifest's text: the base first, then history, then increments.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for info in self.base.iter().chain(&self.history).chain(&self.incr) {
            out.extend_from_slice(b"file ");
            arguments::put(&info.name, &mut out);
            out.extend_from_slice(
                format!(" seq {} type {}\n", info.seq, info.kind.letter()).as_bytes(),
            );
        }
        out
    }

    /// The name of the manifest of a log called `log` (the option `appendfilename`).
    pub fn file_name(log: &str) -> String {
        format!("{log}.manifest")
    }

    /// The name of the base number `seq` of a log.
    pub fn base_name(log: &str, rdb: bool, seq: i64) -> String {
        let format = if rdb { "rdb" } else { "aof" };
        format!("{log}.{seq}.base.{format}")
    }

    /// The name of the increment number `seq` of a log.
    pub fn incr_name(log: &str, seq: i64) -> String {
        format!("{log}.{seq}.incr.aof")
    }

    /// The highest number of a base so far, in use or superseded; zero for none.
    pub fn last_base_seq(&self) -> i64 {
        self.base.as_ref().map_or(0, |b| b.seq)
    }

    /// The highest number of an increment so far; zero for none.
    pub fn last_incr_seq(&self) -> i64 {
        self.incr.last().map_or(0, |i| i.seq)
    }

    /// A new base file in `log`, in RDB format if `rdb` is set; the old base becomes history.
    pub fn begin_base(&mut self, log: &str, rdb: bool) -> &FileInfo {
        self.begin_base_at(log, rdb, self.last_base_seq() + 1)
    }

    /// As [`Manifest::begin_base`], with the number `seq`, which is above that of the last base.
    pub fn begin_base_at(&mut self, log: &str, rdb: bool, seq: i64) -> &FileInfo {
        let name = Manifest::base_name(log, rdb, seq).into_bytes();
        if let Some(old) = self.base.take() {
            self.history.insert(
                0,
                FileInfo {
                    kind: FileKind::History,
                    ..old
                },
            );
        }
        self.base.insert(FileInfo {
            name,
            seq,
            kind: FileKind::Base,
        })
    }

    /// A new increment file in `log`.
    pub fn begin_incr(&mut self, log: &str) -> &FileInfo {
        self.begin_incr_at(log, self.last_incr_seq() + 1)
    }

    /// As [`Manifest::begin_incr`], with the number `seq`, which is above that of the last
    /// increment.
    pub fn begin_incr_at(&mut self, log: &str, seq: i64) -> &FileInfo {
        let name = Manifest::incr_name(log, seq).into_bytes();
        self.incr.push(FileInfo {
            name,
            seq,
            kind: FileKind::Incr,
        });
        &self.incr[self.incr.len() - 1]
    }

    /// Turns all increments but the last `keep` into history: what a finished rewrite does.
    pub fn retire_incr(&mut self, keep: usize) {
        let retired = self.incr.len().saturating_sub(keep);
        for info in self.incr.drain(..retired) {
            self.history.push(FileInfo {
                kind: FileKind::History,
                ..info
            });
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&b| b == b'\n')
}

/// As `atoll`: a sign and the digits at the beginning, zero if there are none.
fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let magnitude = digits
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .fold(0i64, |n, b| {
            n.saturating_mul(10).saturating_add(i64::from(b - b'0'))
        });
    if negative { -magnitude } else { magnitude }
}
