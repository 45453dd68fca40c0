//! What `:set` and the file `~/.redisclirc` choose.

use crate::output::{self, Exit};
use crate::{history, words};

/// The choices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preferences {
    /// Whether arguments are shown behind the line that is being typed.
    pub(crate) hints: bool,
}

impl Preferences {
    pub(crate) fn new() -> Self {
        Preferences { hints: true }
    }

    /// Takes the user's file.
    ///
    /// # Errors
    /// When standard output is gone.
    pub(crate) fn load(&mut self) -> Result<(), Exit> {
        let Some(path) = history::dot_file("REDISCLI_RCFILE", ".redisclirc") else {
            return Ok(());
        };
        let Ok(text) = std::fs::read(path) else {
            return Ok(());
        };
        for line in text.split(|&b| b == b'\n') {
            if let Some(args) = words::split(line)
                && !args.is_empty()
            {
                self.apply(&args, ".redisclirc: ")?;
            }
        }
        Ok(())
    }

    /// Does what a line that begins with a colon says.
    ///
    /// # Errors
    /// When standard output is gone.
    pub(crate) fn apply(&mut self, args: &[Vec<u8>], place: &str) -> Result<(), Exit> {
        let text = |n: usize| String::from_utf8_lossy(&args[n]).into_owned();
        if !args[0].eq_ignore_ascii_case(b":set") || args.len() < 2 {
            let command = text(0);
            return output::print(&format!(
                "{place}unknown redis-cli internal command '{command}'\n"
            ));
        }
        match args[1].to_ascii_lowercase().as_slice() {
            b"hints" => self.hints = true,
            b"nohints" => self.hints = false,
            _ => {
                let name = text(1);
                return output::print(&format!("{place}unknown redis-cli preference '{name}'\n"));
            }
        }
        Ok(())
    }
}
