//! Where the cluster manager writes and reads: status lines in redis-cli's colours, prompts,
//! complaints.

use std::fmt;
use std::io::{Read, Write};

/// Output, complaints and answers of one command.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    input: &'a mut dyn Read,
    colors: bool,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("colors", &self.colors)
            .finish_non_exhaustive()
    }
}

impl<'a> Console<'a> {
    /// A console; `colors` puts terminal colours around status lines.
    pub fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        input: &'a mut dyn Read,
        colors: bool,
    ) -> Console<'a> {
        Console {
            out,
            err,
            input,
            colors,
        }
    }

    /// Writes plain text. A reader that went away does not stop a command that moves data.
    pub(super) fn say(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.out.write_all(text.as_ref());
    }

    /// Writes to standard error.
    pub(super) fn complain(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Makes what was written visible.
    pub(super) fn flush(&mut self) {
        let _ = self.out.flush();
    }

    /// A status line about what is being done.
    pub(super) fn info(&mut self, text: impl AsRef<str>) {
        self.colored("29;1", text.as_ref());
    }

    /// A status line about something to look at.
    pub(super) fn warn(&mut self, text: impl AsRef<str>) {
        self.colored("33;1", text.as_ref());
    }

    /// A status line about something that is wrong.
    pub(super) fn error(&mut self, text: impl AsRef<str>) {
        self.colored("31;1", text.as_ref());
    }

    /// A status line about something that is right.
    pub(super) fn good(&mut self, text: impl AsRef<str>) {
        self.colored("32;1", text.as_ref());
    }

    fn colored(&mut self, color: &str, text: &str) {
        if self.colors {
            self.say(format!("\x1b[{color}m{text}\x1b[0m"));
        } else {
            self.say(text);
        }
    }

    /// Asks and reads one line, without its end; `None` at the end of the input.
    ///
    /// It is read byte by byte: what stands after the line belongs to the next question.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        self.say(question);
        self.flush();
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.input.read(&mut byte) {
                Ok(1) if byte[0] == b'\n' => break,
                Ok(1) => line.push(byte[0]),
                Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
                _ if line.is_empty() => return None,
                _ => break,
            }
        }
        Some(
            String::from_utf8_lossy(&line)
                .trim_end_matches('\r')
                .to_owned(),
        )
    }

    /// Asks for a "yes".
    pub(super) fn confirms(&mut self, question: &str) -> bool {
        self.ask(&format!("{question} (type 'yes' to accept): "))
            .as_deref()
            == Some("yes")
    }
}
