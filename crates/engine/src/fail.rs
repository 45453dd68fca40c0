//! Why a command did not run to its end, and what the client is told.
//!
//! Client-visible error texts stand here, once each; programs read them, so they match Redis.

use base::Slot;
use std::borrow::Cow;

/// Why a handler stopped.
#[derive(Debug)]
pub enum Fail {
    /// The client gets this error, prefix included (`ERR ...`).
    Error(Cow<'static, str>),
    /// The client gets these bytes after the minus sign; for texts that repeat what it sent.
    Raw(Vec<u8>),
    /// A slot was locked by another thread; nothing was changed, run the command again when it is
    /// free.
    Busy(Slot),
    /// The command needs the world; nothing was changed.
    World,
    /// The command needs the token: it finds out only while it runs which slots it touches.
    /// Nothing was changed.
    Token,
    /// The command needs this slot besides those of its keys; nothing was changed, run it again
    /// with the slot locked.
    More(Slot),
    /// The command needs this slot and has changed something already: a mistake of ours. The
    /// connection is closed, since no reply would be true.
    Undeclared(Slot),
    /// The reply comes later: the connection waits for something else.
    Blocked,
}

impl Fail {
    /// Whether nothing was done, and the command is run again when it has what it lacks.
    #[inline]
    pub(crate) fn is_restart(&self) -> bool {
        matches!(
            self,
            Fail::Busy(_) | Fail::World | Fail::Token | Fail::More(_)
        )
    }

    /// The text for the client, if it gets one.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Fail::Error(text) => Some(text.as_bytes()),
            Fail::Raw(text) => Some(text),
            _ => None,
        }
    }
}

/// What handlers return.
pub type Done = Result<(), Fail>;

impl From<&'static str> for Fail {
    fn from(text: &'static str) -> Fail {
        Fail::Error(Cow::Borrowed(text))
    }
}

impl From<String> for Fail {
    fn from(text: String) -> Fail {
        Fail::Error(Cow::Owned(text))
    }
}

/// The key holds another type.
pub const WRONGTYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
/// Options that make no sense.
pub const SYNTAX: &str = "ERR syntax error";
/// No integer where one must be.
pub const NOT_INTEGER: &str = "ERR value is not an integer or out of range";
/// No double where one must be.
pub const NOT_FLOAT: &str = "ERR value is not a valid float";
/// A negative or too large number where a size must be.
pub const OUT_OF_RANGE: &str = "ERR value is out of range";
/// The least integer where its opposite must be a number too.
pub const OUT_OF_LONG: &str =
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
/// A negative number where none may be.
pub const MUST_BE_POSITIVE: &str = "ERR value is out of range, must be positive";
/// There is no such key.
pub const NO_SUCH_KEY: &str = "ERR no such key";
/// INCR past 64 bits.
pub const OVERFLOW: &str = "ERR increment or decrement would overflow";
/// INCRBYFLOAT to no number.
pub const NAN_OR_INFINITY: &str = "ERR increment would produce NaN or Infinity";
/// An index that is not there.
pub const INDEX_OUT_OF_RANGE: &str = "ERR index out of range";
/// A value past `proto-max-bulk-len`.
pub const TOO_LONG: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
/// A database that does not exist.
pub const DB_OUT_OF_RANGE: &str = "ERR DB index is out of range";
/// A number that can be no database.
pub const BAD_DB: &str = "ERR value is out of range, value must between -2147483648 and 2147483647";
/// Not logged in.
pub const NOAUTH: &str = "NOAUTH Authentication required.";
/// The wrong name or password.
pub const WRONGPASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";
/// A write at a replica.
pub const READONLY: &str = "READONLY You can't write against a read only replica.";
/// A replica without its primary, which must not serve stale data.
pub const MASTERDOWN: &str =
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
/// The data set is not loaded yet.
pub const LOADING: &str = "LOADING Redis is loading the dataset in memory";
/// Too few replicas for a write.
pub const NOREPLICAS: &str = "NOREPLICAS Not enough good replicas to write.";
/// The last save failed.
pub const MISCONF_SAVE: &str = "MISCONF Redis is configured to save RDB snapshots, but it's \
    currently unable to persist to disk. Commands that may modify the data set are disabled, \
    because this instance is configured to report errors during writes if RDB snapshotting fails \
    (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
    error.";
/// A command that may need memory, past `maxmemory`.
pub const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
/// EXEC of such commands.
pub const EXECABORT_OOM: &str = "EXECABORT Transaction discarded because of: OOM command not \
    allowed when used memory > 'maxmemory'.";
/// Keys of more than one slot.
pub const CROSSSLOT: &str = "CROSSSLOT Keys in request don't hash to the same slot";
/// The slot belongs to nobody.
pub const CLUSTERDOWN_SLOT: &str = "CLUSTERDOWN Hash slot not served";
/// The cluster is down.
pub const CLUSTERDOWN: &str = "CLUSTERDOWN The cluster is down";
/// The cluster is down and only reads are allowed.
pub const CLUSTERDOWN_WRITE: &str =
    "CLUSTERDOWN The cluster is down and only accepts read commands";
/// Some keys of the command have moved already.
pub const TRYAGAIN: &str = "TRYAGAIN Multiple keys request during rehashing of slot";
/// EXEC after an error while queueing.
pub const EXECABORT: &str = "EXECABORT Transaction discarded because of previous errors.";
/// EXEC without MULTI.
pub const EXEC_WITHOUT_MULTI: &str = "ERR EXEC without MULTI";
/// DISCARD without MULTI.
pub const DISCARD_WITHOUT_MULTI: &str = "ERR DISCARD without MULTI";
/// MULTI in MULTI.
pub const NESTED_MULTI: &str = "ERR MULTI calls can not be nested";
/// WATCH in MULTI.
pub const WATCH_IN_MULTI: &str = "ERR WATCH inside MULTI is not allowed";
/// An unknown protocol version.
pub const NOPROTO: &str = "NOPROTO unsupported protocol version";
/// A command of a cluster without one.
pub const CLUSTER_DISABLED: &str = "ERR This instance has cluster support disabled";
/// A payload that is damaged or too new.
pub const BAD_PAYLOAD: &str = "ERR DUMP payload version or checksum are wrong";
/// A payload that cannot be read.
pub const BAD_DATA: &str = "ERR Bad data format";
/// The target key exists.
pub const BUSYKEY: &str = "BUSYKEY Target key name already exists.";

/// DEBUG is not for this client.
pub const NO_DEBUG: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is \
    set to \"local\", you can run it from a local connection, otherwise you need to set this \
    option in the configuration file, and then restart the server.";

/// The number of arguments does not fit.
pub fn wrong_arity(full_name: &str) -> Fail {
    Fail::Error(format!("ERR wrong number of arguments for '{full_name}' command").into())
}

/// A subcommand with more or other arguments than it takes, where the table's arity does not tell:
/// it is named as the client wrote it.
pub fn bad_subcommand(args: resp::Args<'_>) -> Fail {
    let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(&commands::wrong_subcommand(&argv));
    Fail::Raw(text)
}

/// The error with which EXEC does not begin: what was wrong, and that nothing was run.
pub fn aborted(why: Fail) -> Fail {
    let text = match why {
        Fail::Error(text) => text.into_owned().into_bytes(),
        Fail::Raw(text) => text,
        other => return other,
    };
    let mut aborted = b"EXECABORT Transaction discarded because of: ".to_vec();
    aborted.extend_from_slice(if text.starts_with(b"ERR wrong number") {
        &text[4..]
    } else {
        &text
    });
    Fail::Raw(aborted)
}

/// An expiry that makes no sense.
pub fn bad_expire(name: &str) -> Fail {
    Fail::Error(format!("ERR invalid expire time in '{name}' command").into())
}
