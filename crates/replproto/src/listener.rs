//! What a replica sends while it follows: commands cut out of its bytes.

use resp::{Arena, Limits, Parser, Step};

/// Cuts commands out of bytes that arrive in pieces of any size.
#[derive(Debug, Default)]
pub struct Listener {
    parser: Parser,
    arena: Arena,
    buffer: Vec<u8>,
}

/// The bytes are no commands: the connection has nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCommands;

/// The most bytes that may wait to become a command: acknowledgements are short.
const LONGEST: usize = 64 * 1024;

impl Listener {
    /// Takes bytes in.
    pub fn input(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole command.
    ///
    /// # Errors
    /// When what came is no command.
    pub fn next_command(&mut self) -> Result<Option<Vec<Vec<u8>>>, NotCommands> {
        loop {
            self.arena.clear();
            let step = self
                .parser
                .next(&self.buffer, &mut self.arena, &Limits::default());
            match step.map_err(|_| NotCommands)? {
                Step::Command(command) => {
                    let args = self.arena.args(&command, &self.buffer);
                    let words = args.iter().map(<[u8]>::to_vec).collect();
                    self.buffer.drain(..command.len);
                    return Ok(Some(words));
                }
                Step::Nothing(bytes) => drop(self.buffer.drain(..bytes)),
                Step::Incomplete { .. } if self.buffer.len() > LONGEST => return Err(NotCommands),
                Step::Incomplete { .. } => return Ok(None),
            }
        }
    }
}
