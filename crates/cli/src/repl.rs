//! Commands line by line: at a terminal with editing, history and hints, or from a pipe.

use crate::history::{self, History};
use crate::line::{Lines, Typed};
use crate::options::Format;
use crate::output::{self, Exit};
use crate::preferences::Preferences;
use crate::session::{Outcome, Session};
use crate::wait::{self, Event};
use crate::{help, number, words};

use std::time::Instant;

/// From which time on the duration of a command is shown.
const SLOW: std::time::Duration = std::time::Duration::from_millis(500);

/// What is shown at a terminal while messages are waited for.
const READING: &str = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";

/// Reads commands to the end of the input.
///
/// # Errors
/// The exit code, when the program is to end at once.
pub(crate) fn run(session: &mut Session, program: &str) -> Result<(), Exit> {
    session.interactive = true;
    // Without the handler Ctrl-C ends the program, which is what it mostly does anyway.
    let _ = wait::install();
    let mut preferences = Preferences::new();
    let terminal = Lines::at_terminal();
    let file = terminal.then(|| history::dot_file("REDISCLI_HISTFILE", ".rediscli_history"));
    let mut history = History::load(file.flatten());
    if terminal {
        preferences.load()?;
    }
    let mut lines = Lines::open(history.lines());
    session.connect();
    loop {
        if session.subscriptions.any() {
            read_messages(session, &mut lines)?;
        }
        let line = match lines.next(&session.prompt(), preferences.hints)? {
            Typed::Line(line) => line,
            Typed::End if session.subscriptions.any() => {
                session.connect();
                continue;
            }
            Typed::End => return Ok(()),
        };
        if !line.is_empty() {
            let mut entry = Entry {
                session,
                preferences: &mut preferences,
                program,
            };
            let end = entry.run(&line)?;
            lines.remember(&line);
            if terminal
                && !history::is_sensitive(&line)
                && let Ok(text) = std::str::from_utf8(&line)
            {
                history.keep(text);
            }
            if end {
                return Ok(());
            }
        }
    }
}

/// Shows messages until something is typed or Ctrl-C leaves the subscriptions.
fn read_messages(session: &mut Session, lines: &mut Lines) -> Result<(), Exit> {
    let shown = session.options.format != Format::Raw && output::is_terminal();
    let _raw = lines.single_keys();
    while session.subscriptions.any() {
        if lines.has_line() {
            return Ok(());
        }
        if shown {
            let (colour, end) = if output::has_colour() {
                ("\x1b[1;90m", "\x1b[0m")
            } else {
                ("", "")
            };
            output::print(&format!("{colour}{READING}{end}"))?;
        }
        let Some(connection) = session.connection.as_ref() else {
            return Ok(());
        };
        let event = wait::for_message_or_key(connection);
        if shown {
            output::print("\x1b[K")?;
        }
        match event {
            Event::Message => {
                session.show_message()?;
            }
            Event::Key => return Ok(()),
            Event::Interrupt => {
                session.subscriptions.clear();
                if !session.connect() {
                    return Err(Exit(1));
                }
            }
        }
    }
    Ok(())
}

/// One line and what it may change.
struct Entry<'a> {
    session: &'a mut Session,
    preferences: &'a mut Preferences,
    program: &'a str,
}

impl Entry<'_> {
    /// Runs a line; tells whether it ends the session.
    fn run(&mut self, line: &[u8]) -> Result<bool, Exit> {
        let Some(args) = words::split(line) else {
            output::print("Invalid argument(s)\n")?;
            return Ok(false);
        };
        if args.is_empty() {
            return Ok(false);
        }
        let (repeat, args) = match repetition(&args) {
            Some(Ok(n)) => (n, &args[1..]),
            Some(Err(())) => {
                output::print("Invalid redis-cli repeat command option value.\n")?;
                return Ok(false);
            }
            None => (1, args.as_slice()),
        };
        self.word(args, repeat)
    }

    fn word(&mut self, args: &[Vec<u8>], repeat: i64) -> Result<bool, Exit> {
        let name = args[0].to_ascii_lowercase();
        match (name.as_slice(), args.len()) {
            (b"quit" | b"exit", _) => return Ok(true),
            (b"restart", _) => output::print("Use 'restart' only in Lua debugging mode.\n")?,
            (b"help" | b"?", _) => help::show(&args[1..], self.program)?,
            (b"clear", 1) => output::print("\x1b[H\x1b[2J")?,
            (b"connect", 3) => {
                let port = number::leading_int(&String::from_utf8_lossy(&args[2]));
                match u16::try_from(port) {
                    Ok(port) => self.session.connect_to(&args[1], port),
                    Err(_) => output::complain("Invalid server port."),
                }
            }
            // Valkey's command line tells its own state so.
            (b":get", 2) if args[1].eq_ignore_ascii_case(b"pubsub") => {
                let subscribed = u8::from(self.session.subscriptions.any());
                output::print(&format!("{subscribed}\n"))?;
            }
            _ if name.starts_with(b":") => self.preferences.apply(args, "")?,
            _ => self.command(args, repeat)?,
        }
        Ok(false)
    }

    fn command(&mut self, args: &[Vec<u8>], repeat: i64) -> Result<(), Exit> {
        let start = Instant::now();
        let outcome = self.session.issue(args, repeat)?;
        let took = start.elapsed();
        let timed = took >= SLOW && self.session.options.format == Format::Standard;
        if outcome == Outcome::Done && timed {
            output::print(&format!("({:.2}s)\n", took.as_secs_f64()))?;
        }
        Ok(())
    }
}

/// The count before a command (`5 INCR n`); an error where it is none that makes sense.
fn repetition(args: &[Vec<u8>]) -> Option<Result<i64, ()>> {
    if args.len() < 2 {
        return None;
    }
    let text = std::str::from_utf8(&args[0]).ok()?;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().ok().filter(|&n| n > 0).ok_or(()))
}
