//! The command table: the only truth about commands.
//!
//! One row ([`Spec`]) per command and per subcommand says how many arguments it takes, what it
//! does to keys, who may call it and how it is documented. Dispatch, access rules, routing in
//! server and proxy, `COMMAND` and the command line's help all read these rows. The rows stand in
//! one file per family; the lists of handlers that a family's rows define are filled in elsewhere,
//! so that a command without a handler does not compile.

#![forbid(unsafe_code)]

mod arg;
mod argv;
mod cmd;
mod describe;
pub mod family;
mod flags;
mod getkeys;
mod help;
mod hint;
mod keys;
mod keyspec;
mod lookup;
mod rename;
mod secret;
mod spec;
mod unknown;

pub use arg::{Arg, ArgKind};
pub use argv::{Argv, ByIndex};
pub use cmd::Cmd;
pub use describe::{Node, docs, info};
pub use flags::{Acl, Flags, KeyFlags, acl, flag, key};
pub use getkeys::{GetKeysError, get_keys, get_keys_by};
pub use help::help;
pub use hint::{hint, syntax};
pub use keys::{first_key, fuzz_keys, key_places, keys};
pub use keyspec::{Begin, Find, KeyRange, KeySpec};
pub use lookup::{all, lookup, lookup_full, resolve, top_level};
pub use rename::{Directory, RenameError};
pub use secret::{Secrets, may_hold_secrets, secrets};
pub use spec::{Group, RunBy, Spec};
pub use unknown::{Unknown, wrong_subcommand};

#[cfg(test)]
mod tests;
