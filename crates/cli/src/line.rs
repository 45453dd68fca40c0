//! The next line, from an editor at a terminal or from a pipe.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Read as _};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use crate::help;
use crate::output::{self, Exit};

/// What came from the input.
#[derive(Debug)]
pub(crate) enum Typed {
    Line(Vec<u8>),
    /// The end of the input, or Ctrl-C.
    End,
}

/// Where lines come from.
pub(crate) enum Lines {
    Terminal(Box<Editor<Assistant, MemHistory>>),
    Pipe(Pipe),
}

impl Lines {
    /// Whether somebody types.
    pub(crate) fn at_terminal() -> bool {
        io::stdin().is_terminal() || prompt_wanted()
    }

    /// Opens standard input; `history` is for the editor.
    pub(crate) fn open(history: &[String]) -> Self {
        if !io::stdin().is_terminal() {
            return Lines::Pipe(Pipe {
                input: Vec::new(),
                ended: false,
                prompt: prompt_wanted(),
            });
        }
        let config = Config::builder().auto_add_history(false).build();
        match Editor::with_history(config, MemHistory::new()) {
            Ok(mut editor) => {
                editor.set_helper(Some(Assistant { hints: true }));
                for line in history {
                    let _ = editor.add_history_entry(line.as_str());
                }
                Lines::Terminal(Box::new(editor))
            }
            Err(_) => Lines::Pipe(Pipe {
                input: Vec::new(),
                ended: false,
                prompt: true,
            }),
        }
    }

    /// Reads a line, showing `prompt` at a terminal.
    pub(crate) fn next(&mut self, prompt: &str, hints: bool) -> Result<Typed, Exit> {
        match self {
            Lines::Pipe(pipe) => pipe.next(prompt),
            Lines::Terminal(editor) => {
                if let Some(helper) = editor.helper_mut() {
                    helper.hints = hints;
                }
                match editor.readline(prompt) {
                    Ok(line) => Ok(Typed::Line(line.into_bytes())),
                    Err(ReadlineError::Interrupted | ReadlineError::Eof) => Ok(Typed::End),
                    Err(fault) => {
                        output::complain(&format!("Error: {fault}"));
                        Err(Exit(1))
                    }
                }
            }
        }
    }

    /// Puts a line where the arrow keys find it.
    pub(crate) fn remember(&mut self, line: &[u8]) {
        if let (Lines::Terminal(editor), Ok(text)) = (self, std::str::from_utf8(line)) {
            let _ = editor.add_history_entry(text);
        }
    }

    /// Whether a line can be had without waiting.
    pub(crate) fn has_line(&self) -> bool {
        match self {
            Lines::Pipe(pipe) => pipe.ended || pipe.input.contains(&b'\n'),
            Lines::Terminal(_) => false,
        }
    }

    /// Lets single keys count as input while the guard lives.
    pub(crate) fn single_keys(&self) -> Option<SingleKeys> {
        match self {
            Lines::Terminal(_) => SingleKeys::new(),
            Lines::Pipe(_) => None,
        }
    }
}

/// Test suites ask for the prompt without a terminal.
fn prompt_wanted() -> bool {
    std::env::var_os("FAKETTY_WITH_PROMPT").is_some()
}

/// Lines from something that is no terminal, read no further than needed.
pub(crate) struct Pipe {
    input: Vec<u8>,
    ended: bool,
    prompt: bool,
}

impl Pipe {
    fn next(&mut self, prompt: &str) -> Result<Typed, Exit> {
        if self.prompt {
            output::print(prompt)?;
        }
        loop {
            if let Some(end) = self.input.iter().position(|&b| b == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=end).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Typed::Line(line));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.input);
                return Ok(if rest.is_empty() {
                    Typed::End
                } else {
                    Typed::Line(rest)
                });
            }
            let mut chunk = [0; 4096];
            match io::stdin().read(&mut chunk) {
                Ok(0) | Err(_) => self.ended = true,
                Ok(n) => self.input.extend(&chunk[..n]),
            }
        }
    }
}

/// The terminal gives each key at once; set back when dropped.
pub(crate) struct SingleKeys(Termios);

impl SingleKeys {
    fn new() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut single = before.clone();
        single
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Drain, &single).ok()?;
        Some(SingleKeys(before))
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Completion and hints for the editor.
pub(crate) struct Assistant {
    hints: bool,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, help::completions(&line[..pos])))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        if !self.hints || pos < line.len() {
            return None;
        }
        help::hint(line)
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

impl Validator for Assistant {}

impl Helper for Assistant {}

/// Asks for a password; at a terminal it is not shown.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn ask_password(prompt: &str) -> Result<Vec<u8>, Exit> {
    output::print(prompt)?;
    let silent = Silence::new();
    let mut line = String::new();
    let _ = io::stdin().read_line(&mut line);
    if silent.is_some() {
        output::print("\n")?;
    }
    Ok(line.trim_end_matches(['\n', '\r']).as_bytes().to_vec())
}

/// The terminal shows nothing of what is typed; set back when dropped.
struct Silence(Termios);

impl Silence {
    fn new() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Silence(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
