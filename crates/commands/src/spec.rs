//! The row of a command.

use crate::arg::Arg;
use crate::cmd::Cmd;
use crate::flags::{Acl, Flags, acl, flag};
use crate::keyspec::{KeyRange, KeySpec};
use crate::lookup::{BY_ID, PLACES};
use crate::secret::Secrets;

/// The group a command is documented under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Any kind of value.
    Generic,
    /// Strings.
    String,
    /// Bits of strings.
    Bitmap,
    /// Hashes.
    Hash,
    /// Lists.
    List,
    /// Transactions.
    Transactions,
    /// The connection.
    Connection,
    /// The server.
    Server,
    /// The cluster.
    Cluster,
}

impl Group {
    /// The name that `COMMAND DOCS` gives.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::Hash => "hash",
            Group::List => "list",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Cluster => "cluster",
        }
    }
}

/// Who runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunBy {
    /// The engine, under the slots of its keys.
    Engine,
    /// The program around the engine, with nothing locked: it may wait for something.
    Host,
    /// Nobody: only its subcommands run.
    Nobody,
}

/// A row whose command the engine runs; `family!` gives it an id.
pub(crate) const fn engine(
    full_name: &'static str,
    arity: i16,
    since: &'static str,
    group: Group,
) -> Spec {
    Spec::new(RunBy::Engine, full_name, arity, since, group)
}

/// A row whose command the host runs; `family!` gives it an id.
pub(crate) const fn host(
    full_name: &'static str,
    arity: i16,
    since: &'static str,
    group: Group,
) -> Spec {
    Spec::new(RunBy::Host, full_name, arity, since, group)
}

/// A row that only groups subcommands; `family!` gives it an id.
pub(crate) const fn container(
    full_name: &'static str,
    arity: i16,
    since: &'static str,
    group: Group,
) -> Spec {
    Spec::new(RunBy::Nobody, full_name, arity, since, group).flags(flag::CONTAINER)
}

/// All that is known about one command or subcommand.
///
/// What every call reads comes first and fits one cache line: dispatch touches no other.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Spec {
    /// What handlers match on.
    pub id: Cmd,
    /// Who runs it.
    pub run_by: RunBy,
    /// How many arguments, names included; negative: at least that many.
    pub arity: i16,
    /// What it is and where it may run.
    pub flags: Flags,
    /// Its access categories, those implied by the flags included.
    pub acl: Acl,
    /// The keys as one range, computed from `keys`.
    pub range: KeyRange,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// The name in lower case; a subcommand's with its container before a bar: `config|get`.
    pub full_name: &'static str,
    /// The last part of the name: `get` of `config|get`.
    pub name: &'static str,
    /// Tips for clients: how to route it in a cluster, whether replies repeat.
    pub tips: &'static [&'static str],
    /// The version of Redis that brought it.
    pub since: &'static str,
    /// The group it is documented under.
    pub group: Group,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What it costs; empty if nobody says.
    pub complexity: &'static str,
    /// Versions and what they changed.
    pub history: &'static [(&'static str, &'static str)],
    /// The version that deprecated it and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Made for servers, not for users (doc flag `syscmd`).
    pub system: bool,
    /// Which of its arguments are secrets.
    pub secrets: Secrets,
    /// Its arguments.
    pub args: &'static [Arg],
}

/// What a call reads of a row ends within its first cache line.
const _: () = assert!(std::mem::offset_of!(Spec, full_name) <= 64);

impl Spec {
    const fn new(
        run_by: RunBy,
        full_name: &'static str,
        arity: i16,
        since: &'static str,
        group: Group,
    ) -> Spec {
        Spec {
            id: Cmd::new(0),
            run_by,
            full_name,
            name: last_part(full_name),
            arity,
            flags: Flags(0),
            acl: Acl(acl::SLOW),
            keys: &[],
            range: KeyRange::NONE,
            tips: &[],
            since,
            group,
            summary: "",
            complexity: "",
            history: &[],
            deprecated: None,
            system: false,
            secrets: Secrets::None,
            args: &[],
        }
    }

    /// Sets the id, which `family!` does.
    pub(crate) const fn id(mut self, id: Cmd) -> Spec {
        self.id = id;
        self
    }

    /// Sets the flags, and the categories that follow from them.
    pub(crate) const fn flags(mut self, flags: u32) -> Spec {
        self.flags = Flags(self.flags.0 | flags);
        let mut implied = self.acl.0 & !(acl::SLOW | acl::FAST);
        let rules = [
            (flag::WRITE, acl::WRITE),
            (flag::READONLY, acl::READ),
            (flag::ADMIN, acl::ADMIN | acl::DANGEROUS),
            (flag::PUBSUB, acl::PUBSUB),
            (flag::BLOCKING, acl::BLOCKING),
        ];
        let mut i = 0;
        while i < rules.len() {
            if self.flags.has(rules[i].0) {
                implied |= rules[i].1;
            }
            i += 1;
        }
        let speed = if self.flags.has(flag::FAST) {
            acl::FAST
        } else {
            acl::SLOW
        };
        self.acl = Acl(implied | speed);
        self
    }

    /// Adds categories that do not follow from the flags.
    pub(crate) const fn acl(mut self, categories: u32) -> Spec {
        self.acl = Acl(self.acl.0 | categories);
        self
    }

    pub(crate) const fn keys(mut self, keys: &'static [KeySpec]) -> Spec {
        self.keys = keys;
        self.range = KeyRange::of(keys);
        if self.range.movable {
            self.flags = Flags(self.flags.0 | flag::MOVABLE_KEYS);
        }
        self
    }

    pub(crate) const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    pub(crate) const fn text(mut self, summary: &'static str, complexity: &'static str) -> Spec {
        self.summary = summary;
        self.complexity = complexity;
        self
    }

    pub(crate) const fn history(
        mut self,
        history: &'static [(&'static str, &'static str)],
    ) -> Spec {
        self.history = history;
        self
    }

    pub(crate) const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Spec {
        self.deprecated = Some((since, instead));
        self
    }

    pub(crate) const fn system(mut self) -> Spec {
        self.system = true;
        self
    }

    pub(crate) const fn secrets(mut self, secrets: Secrets) -> Spec {
        self.secrets = secrets;
        self
    }

    pub(crate) const fn args(mut self, args: &'static [Arg]) -> Spec {
        self.args = args;
        self
    }

    /// Whether any of these [`flag`] bits is set.
    #[inline]
    pub const fn has(&self, flags: u32) -> bool {
        self.flags.has(flags)
    }

    /// The subcommands; a command that has any is a container.
    pub fn subcommands(&self) -> &'static [&'static Spec] {
        PLACES[self.id.index()].subcommands(&BY_ID)
    }

    /// The container's id, for a subcommand.
    pub fn parent(&self) -> Option<Cmd> {
        PLACES[self.id.index()].parent
    }

    /// Whether it groups subcommands. `COMMAND` groups some and is a command as well: see
    /// [`Spec::run_by`].
    #[inline]
    pub const fn is_container(&self) -> bool {
        self.has(flag::CONTAINER)
    }

    /// Whether `argc` arguments, names included, are as many as it takes.
    #[inline]
    pub const fn takes(&self, argc: usize) -> bool {
        if self.arity >= 0 {
            argc == self.arity as usize
        } else {
            argc >= -self.arity as usize
        }
    }

    /// The subcommand of this name, upper and lower case alike.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Spec> {
        let mut subcommands = self.subcommands().iter().copied();
        subcommands.find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether it takes keys at all.
    pub fn has_keys(&self) -> bool {
        self.keys
            .iter()
            .any(|spec| !spec.flags.has(crate::key::NOT_KEY))
    }
}

const fn last_part(full_name: &'static str) -> &'static str {
    let bytes = full_name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'|' {
            return full_name.split_at(i + 1).1;
        }
        i += 1;
    }
    full_name
}
