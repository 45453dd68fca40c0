//! Checks a file in RDB format from its beginning to its checksum.
use crate::console::{Console, reason};
use crate::version_line;
use rdb::format::type_name;
use rdb::reader::{Checksum, Doing, Key};
use rdb::{Error, ErrorKind, Event, Foreign, Reader};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// Runs `redis-check-rdb`; the first argument is the program's name. Returns the exit code.
pub fn check_rdb(args: &[OsString], console: &mut Console<'_>) -> i32 {
    let [program, name] = args else {
        let program = args
            .first()
            .map_or("redis-check-rdb".into(), |a| a.to_string_lossy());
        let _ = writeln!(console.err, "Usage: {program} <rdb-file-name>");
        return 1;
    };
    if name == "-v" || name == "--version" {
        let program = program.to_string_lossy();
        let program = program.rsplit('/').next().unwrap_or("redis-check-rdb");
        console.line(version_line(program));
        return 0;
    }
    let file = match File::open(name) {
        Ok(file) => file,
        Err(error) => {
            begin(name.as_bytes(), console);
            let _ = writeln!(console.err, "Cannot open file: {}", reason(&error));
            return 1;
        }
    };
    match check_stream(file, name.as_bytes(), console) {
        Ok(_) => 0,
        Err(_) => 1,
    }
}

/// How a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The file breaks off or is no such file.
    Unreadable,
    /// A value is corrupt; the real program ends on the spot.
    Corrupt,
}

fn begin(name: &[u8], console: &mut Console<'_>) {
    console.line([b"[offset 0] Checking RDB file ", name].concat());
}

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    keys: u64,
    expires: u64,
    expired: u64,
}

impl Counts {
    fn print(&self, console: &mut Console<'_>) {
        console.line(format!("[info] {} keys read", self.keys));
        console.line(format!("[info] {} expires", self.expires));
        console.line(format!("[info] {} already expired", self.expired));
    }
}

/// Checks the input from its place on; returns where the RDB part ends, what was read ahead, and
/// the input.
pub(crate) fn check_stream<R: Read>(
    input: R,
    name: &[u8],
    console: &mut Console<'_>,
) -> Result<(u64, Vec<u8>, R), Failure> {
    begin(name, console);
    let mut reader = Reader::new(input, Foreign::Skip);
    let mut check = Check {
        counts: Counts::default(),
        key: None,
        names: HashSet::new(),
        seen: false,
    };
    loop {
        let event = match reader.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => break,
            Err(error) => return Err(check.fail(&error, console)),
        };
        if let Some(error) = check.take(event, &reader, console) {
            return Err(check.fail(&error, console));
        }
    }
    console.line(format!(
        "[offset {}] \\o/ RDB looks OK! \\o/",
        reader.offset()
    ));
    check.counts.print(console);
    let offset = reader.offset();
    let (ahead, input) = reader.into_parts();
    Ok((offset, ahead, input))
}

struct Check {
    counts: Counts,
    key: Option<Key>,
    /// What has come of what must not come twice in a value.
    names: HashSet<Vec<u8>>,
    /// True once a key was read whole; before, the real program names type 0.
    seen: bool,
}

impl Check {
    /// Takes an event in; returns an error that only shows in sum.
    fn take<R: Read>(
        &mut self,
        event: Event,
        reader: &Reader<R>,
        console: &mut Console<'_>,
    ) -> Option<Error> {
        let offset = reader.offset();
        match event {
            Event::Aux { name, value } => {
                let head = format!("[offset {offset}] AUX FIELD ").into_bytes();
                let line = [&head, c_text(&name), b" = '", c_text(&value), b"'"].concat();
                console.line(line);
            }
            Event::SelectDb(db) => console.line(format!("[offset {offset}] Selecting DB ID {db}")),
            Event::ModuleAux { module } => {
                console.line(format!("[offset {offset}] MODULE AUX for: {module}"));
            }
            Event::Key(key) => {
                self.counts.keys += 1;
                self.key = Some(key);
            }
            Event::Piece(piece) => {
                let kind = self.key.as_ref().and_then(|key| key.kind)?;
                let fresh = self.names.insert(piece.unique(kind)?);
                let corrupt = kind.doubled().filter(|_| !fresh)?.corrupt;
                return Some(self.flaw(offset, ErrorKind::Corrupt(corrupt)));
            }
            // Real programs fail on an empty value as on a missing one.
            Event::KeyEnd { elements: 0 } => return Some(self.flaw(offset, ErrorKind::ShortRead)),
            Event::KeyEnd { .. } => {
                self.seen = true;
                self.names.clear();
                let expire = self.key.take().and_then(|key| key.meta.expire);
                self.counts.expires += u64::from(expire.is_some());
                self.counts.expired += u64::from(expire.is_some_and(|at| at.0 < console.now_ms));
            }
            Event::End(Checksum::Good) => console.line(format!("[offset {offset}] Checksum OK")),
            Event::End(Checksum::Disabled) => console.line(format!(
                "[offset {offset}] RDB file was saved with checksum disabled: no check performed."
            )),
            Event::ResizeDb { .. }
            | Event::SlotInfo { .. }
            | Event::Function(_)
            | Event::End(Checksum::Absent) => {}
        }
        None
    }

    fn flaw(&self, offset: u64, kind: ErrorKind) -> Error {
        let key = self.key.as_ref();
        Error {
            offset,
            doing: Doing::ReadObjectValue,
            key: key.map(|k| k.key.clone()),
            value_type: key.map(|k| k.value_type),
            kind,
        }
    }

    fn fail(&mut self, error: &Error, console: &mut Console<'_>) -> Failure {
        console.line("--- RDB ERROR DETECTED ---");
        let failure = match &error.kind {
            ErrorKind::ShortRead
            | ErrorKind::Io(_)
            | ErrorKind::Signature
            | ErrorKind::Version(_)
            | ErrorKind::UnknownType(_)
            | ErrorKind::Checksum { .. } => Failure::Unreadable,
            _ => Failure::Corrupt,
        };
        let text = match (&error.kind, failure) {
            (ErrorKind::Packed { what, .. }, _) => {
                format!(
                    "Internal error in RDB reading offset 0, function at reader -> {what} integrity check failed."
                )
            }
            (kind, Failure::Corrupt) => {
                format!("Internal error in RDB reading offset 0, function at reader -> {kind}")
            }
            (kind, Failure::Unreadable) => kind.to_string(),
        };
        console.line(format!("[offset {}] {text}", error.offset));
        console.line(format!("[additional info] While doing: {}", error.doing));
        if error.key.is_some() && self.key.is_none() {
            // The error came before the key could be reported.
            self.counts.keys += 1;
        }
        if let Some(key) = &error.key {
            console.line([b"[additional info] Reading key '", c_text(key), b"'"].concat());
        }
        let unnamed = if self.seen { None } else { Some(0) };
        if let Some(code) = error.value_type.or(unnamed) {
            let name = type_name(code);
            console.line(format!("[additional info] Reading type {code} ({name})"));
        }
        if let ErrorKind::Packed { flaw, .. } = &error.kind {
            console.line(format!("[additional info] Flaw: {flaw}"));
        }
        self.counts.print(console);
        if failure == Failure::Corrupt {
            console.log("Terminating server after rdb file reading failure.");
        }
        failure
    }
}

/// The part of a text that a C program would print.
fn c_text(text: &[u8]) -> &[u8] {
    text.split(|&b| b == 0).next().unwrap_or_default()
}
