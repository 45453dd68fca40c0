//! Checks one file of commands, and cuts it where it stops being whole if asked to.
use crate::aof_lines::Lines;
use crate::console::{Console, reason};
use crate::rdb_file::check_stream;
use std::fs::File;
use std::path::Path;

/// Longest annotation.
const ANNOTATION: usize = 1023;
/// Longest line of a count or length.
const NUMBER: usize = 127;

/// What the user asked for, and what adds up over several files.
pub(crate) struct Run {
    /// Cut a damaged end.
    pub fix: bool,
    /// Cut what was written after this second.
    pub to_timestamp: Option<i64>,
    /// Lines so far, from one.
    pub line: u64,
}

/// How a file turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Empty,
    Truncated,
    TruncatedToTimestamp,
}

/// The program ends here with this code.
pub(crate) struct Exit(pub i32);

/// One file as it is named to the user and found on the disk.
pub(crate) struct Target<'a> {
    pub name: &'a str,
    pub path: &'a Path,
    pub last: bool,
    pub preamble: bool,
}

/// Why the walk over the commands stopped.
enum Stop {
    End,
    Broken(Option<String>),
    CutAt(u64),
}

impl Run {
    /// Checks one file.
    pub(crate) fn check(
        &mut self,
        target: &Target<'_>,
        console: &mut Console<'_>,
    ) -> Result<Verdict, Exit> {
        let shown = target.path.display();
        let opened = File::options().read(true).write(true).open(target.path);
        let file = opened.map_err(|error| {
            console.line(format!(
                "Cannot open file {shown}: {}, aborting...",
                reason(&error)
            ));
            Exit(1)
        })?;
        let size = file.metadata().map_err(|_| {
            console.line(format!("Cannot stat file: {}, aborting...", target.name));
            Exit(1)
        })?;
        let size = size.len();
        if size == 0 {
            return Ok(Verdict::Empty);
        }
        let mut lines = self.pass_preamble(target, &file, console)?;
        let mut walk = Walk {
            multi: 0,
            whole: lines.at(),
            error_at: 0,
        };
        let stop = walk.run(self, target, &mut lines, console)?;
        let error = match stop {
            Stop::CutAt(at) => {
                if file.set_len(at).is_err() {
                    let seconds = self.to_timestamp.unwrap_or_default();
                    console.line(format!(
                        "Failed to truncate AOF {shown} to timestamp {seconds}"
                    ));
                    return Err(Exit(1));
                }
                return Ok(Verdict::TruncatedToTimestamp);
            }
            Stop::End if walk.multi != 0 => {
                Some("Reached EOF before reading EXEC for MULTI".into())
            }
            Stop::End => None,
            Stop::Broken(error) => error,
        };
        if let Some(error) = error {
            console.line(format!("0x{:>16x}: {error}", walk.error_at));
        }
        self.finish(target, &file, size, walk.whole, console)
    }

    fn pass_preamble<'f>(
        &self,
        target: &Target<'_>,
        file: &'f File,
        console: &mut Console<'_>,
    ) -> Result<Lines<&'f File>, Exit> {
        if !target.preamble {
            return Ok(Lines::new(0, Vec::new(), file));
        }
        let name = target.path.as_os_str().as_encoded_bytes();
        match check_stream(file, name, console) {
            Ok((at, ahead, input)) => {
                console.line("RDB preamble is OK, proceeding with AOF tail...");
                Ok(Lines::new(at, ahead, input))
            }
            Err(crate::rdb_file::Failure::Unreadable) => {
                console.line("RDB preamble of AOF file is not sane, aborting.");
                Err(Exit(1))
            }
            Err(crate::rdb_file::Failure::Corrupt) => Err(Exit(1)),
        }
    }

    fn finish(
        &self,
        target: &Target<'_>,
        file: &File,
        size: u64,
        whole: u64,
        console: &mut Console<'_>,
    ) -> Result<Verdict, Exit> {
        let name = target.name;
        let diff = size - whole;
        if let (0, Some(seconds)) = (diff, self.to_timestamp) {
            console.line(format!(
                "Truncate nothing in AOF {name} to timestamp {seconds}"
            ));
            return Ok(Verdict::Good);
        }
        console.line(format!(
            "AOF analyzed: filename={name}, size={size}, ok_up_to={whole}, ok_up_to_line={}, diff={diff}",
            self.line
        ));
        if diff == 0 {
            return Ok(Verdict::Good);
        }
        if !self.fix {
            console.line(format!(
                "AOF {name} is not valid. Use the --fix option to try fixing it."
            ));
            return Err(Exit(1));
        }
        if !target.last {
            console.line(format!(
                "Failed to truncate AOF {name} because it is not the last file"
            ));
            return Err(Exit(1));
        }
        console.line(format!(
            "This will shrink the AOF {name} from {size} bytes, with {diff} bytes, to {whole} bytes"
        ));
        console.print("Continue? [y/N]: ");
        if !console.agreed() {
            console.line("Aborting...");
            return Err(Exit(1));
        }
        if file.set_len(whole).and_then(|()| file.sync_all()).is_err() {
            console.line(format!("Failed to truncate AOF {name}"));
            return Err(Exit(1));
        }
        Ok(Verdict::Truncated)
    }
}

/// Where the walk over a file stands.
struct Walk {
    /// Transactions begun and not ended; one at most, or minus one for an end without a beginning.
    multi: i32,
    /// The end of the last whole unit.
    whole: u64,
    /// The place that an error names.
    error_at: u64,
}

type Step = Result<(), Option<String>>;

impl Walk {
    fn run(
        &mut self,
        run: &mut Run,
        target: &Target<'_>,
        lines: &mut Lines<&File>,
        console: &mut Console<'_>,
    ) -> Result<Stop, Exit> {
        loop {
            if self.multi == 0 {
                self.whole = lines.at();
            }
            let next = lines.peek().map_err(|_| {
                console.line(format!(
                    "Failed to read from AOF {}, aborting...",
                    target.name
                ));
                Exit(1)
            })?;
            match next {
                None => return Ok(Stop::End),
                Some(b'#') => {
                    if let Some(cut) = self.annotation(run, target, lines, console)? {
                        return Ok(Stop::CutAt(cut));
                    }
                }
                Some(b'*') => {
                    if let Err(error) = self.command(run, target, lines) {
                        return Ok(Stop::Broken(error));
                    }
                }
                Some(_) => {
                    console.line(format!("AOF {} format error", target.name));
                    return Ok(Stop::Broken(None));
                }
            }
        }
    }

    /// Passes over an annotation; returns where to cut if it is a later time than was asked for.
    fn annotation(
        &mut self,
        run: &Run,
        target: &Target<'_>,
        lines: &mut Lines<&File>,
        console: &mut Console<'_>,
    ) -> Result<Option<u64>, Exit> {
        let path = target.path.display();
        let start = lines.at();
        self.error_at = start;
        let line = lines.line(ANNOTATION).map_err(|_| {
            console.line(format!(
                "Failed to read annotations from AOF {path}, aborting..."
            ));
            Exit(1)
        })?;
        let (Some(limit), Some(text)) = (run.to_timestamp, line.strip_prefix(b"#TS:")) else {
            return Ok(None);
        };
        let (number, rest) = leading_number(text);
        if rest.first() != Some(&b'\r') {
            console.line("Invalid timestamp annotation");
            return Err(Exit(1));
        }
        if number <= limit {
            return Ok(None);
        }
        if start == 0 {
            console.line(format!(
                "AOF {path} has nothing before timestamp {limit}, aborting..."
            ));
            return Err(Exit(1));
        }
        if !target.last {
            console.line(format!(
                "Failed to truncate AOF {path} to timestamp {limit} to offset {start} because it is not the last file."
            ));
            console.line(
                "If you insist, please delete all files after this file according to the manifest file and delete \
                 the corresponding records in manifest file manually. Then re-run redis-check-aof.",
            );
            return Err(Exit(1));
        }
        Ok(Some(start))
    }

    fn command(&mut self, run: &mut Run, target: &Target<'_>, lines: &mut Lines<&File>) -> Step {
        let count = self.number(b'*', run, lines)?;
        for i in 0..count {
            let len = self.number(b'$', run, lines)?;
            if !(0..=i64::MAX - 2).contains(&len) {
                return Err(Some(format!(
                    "Expected to read string of {len} bytes, which is not in the suitable range"
                )));
            }
            self.error_at = lines.at();
            let wanted = len as u64 + 2;
            let block = lines.block(wanted).map_err(|e| Some(reason(&e)))?;
            if block.len != wanted {
                let got = block.len;
                return Err(Some(format!(
                    "Expected to read {wanted} bytes, got {got} bytes"
                )));
            }
            line_end(&block.tail)?;
            run.line += 1;
            if i == 0 {
                let name = &block.head[..block.head.len().min(len as usize)];
                self.count_transactions(name, len, target)?;
            }
        }
        Ok(())
    }

    fn count_transactions(&mut self, name: &[u8], len: i64, target: &Target<'_>) -> Step {
        let path = target.path.display();
        if len == 5 && name.eq_ignore_ascii_case(b"multi") {
            self.multi += 1;
            if self.multi != 1 {
                return Err(Some(format!("Unexpected MULTI in AOF {path}")));
            }
        } else if len == 4 && name.eq_ignore_ascii_case(b"exec") {
            self.multi -= 1;
            if self.multi != 0 {
                return Err(Some(format!("Unexpected EXEC in AOF {path}")));
            }
        }
        Ok(())
    }

    /// A line of a prefix and a number. Nothing to read at all is an error without a text.
    fn number(
        &mut self,
        prefix: u8,
        run: &mut Run,
        lines: &mut Lines<&File>,
    ) -> Result<i64, Option<String>> {
        self.error_at = lines.at();
        let line = lines.line(NUMBER).map_err(|e| Some(reason(&e)))?;
        let Some((&first, text)) = line.split_first() else {
            return Err(None);
        };
        if first != prefix {
            let (wanted, got) = (prefix as char, first as char);
            return Err(Some(format!("Expected prefix '{wanted}', got: '{got}'")));
        }
        let (number, rest) = leading_number(text);
        line_end(rest)?;
        run.line += 1;
        Ok(number)
    }
}

fn line_end(rest: &[u8]) -> Step {
    if rest.starts_with(b"\r\n") {
        return Ok(());
    }
    let at = |i: usize| rest.get(i).copied().unwrap_or(0);
    Err(Some(format!(
        "Expected \\r\\n, got: {:02x}{:02x}",
        at(0),
        at(1)
    )))
}

/// The number at the beginning as `strtol` reads it, and what follows; zero and everything if there
/// is none.
fn leading_number(text: &[u8]) -> (i64, &[u8]) {
    let trimmed = text.trim_ascii_start();
    let (negative, digits) = match trimmed {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 {
        return (0, text);
    }
    let mut number = 0i64;
    for digit in &digits[..len] {
        let digit = i64::from(digit - b'0');
        number = number.saturating_mul(10);
        number = if negative {
            number.saturating_sub(digit)
        } else {
            number.saturating_add(digit)
        };
    }
    (number, &digits[len..])
}
