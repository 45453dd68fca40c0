//! CONFIG, of which the engine has only the help.

use crate::family::command;
use crate::handlers::Handler;
use commands::family::config::Handlers;
/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    ConfigHelp: command::help,
};
