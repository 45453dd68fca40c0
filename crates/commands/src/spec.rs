//! The row of a command.

use crate::arg::Arg;
use crate::cmd::Cmd;
use crate::flags::{Acl, Flags, acl, flag};
use crate::keyspec::{KeyRange, KeySpec};
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

/// All that is known about one command or subcommand.
///
/// What every call reads comes first and fits one cache line: dispatch touches no other.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Spec {
    /// What handlers match on.
    pub id: Cmd,
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
    /// The subcommands; a command that has any is a container.
    pub subcommands: &'static [Spec],
    /// The name in lower case; a subcommand's with its container before a bar: `config|get`.
    pub full_name: &'static str,
    /// The last part of the name: `get` of `config|get`.
    pub name: &'static str,
    /// The container's id, for a subcommand.
    pub parent: Option<Cmd>,
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
    pub(crate) const fn new(
        id: Cmd,
        full_name: &'static str,
        arity: i16,
        since: &'static str,
        group: Group,
    ) -> Spec {
        Spec {
            id,
            full_name,
            name: last_part(full_name),
            parent: None,
            subcommands: &[],
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

    pub(crate) const fn of(mut self, parent: Cmd) -> Spec {
        self.parent = Some(parent);
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

    pub(crate) const fn subcommands(mut self, subcommands: &'static [Spec]) -> Spec {
        self.subcommands = subcommands;
        self
    }

    /// Whether any of these [`flag`] bits is set.
    #[inline]
    pub const fn has(&self, flags: u32) -> bool {
        self.flags.has(flags)
    }

    /// Whether it only groups subcommands. `COMMAND` groups some and is a command as well.
    pub fn is_container(&self) -> bool {
        !self.subcommands.is_empty()
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
        self.subcommands
            .iter()
            .find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
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
