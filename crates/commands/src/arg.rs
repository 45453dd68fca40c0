//! The tree of arguments of a command: for `COMMAND DOCS`, and for hints on the command line.

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// Any string.
    String,
    /// An integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key.
    Key,
    /// A glob pattern.
    Pattern,
    /// A Unix time.
    UnixTime,
    /// A word that stands for itself.
    PureToken,
    /// One of the arguments below it.
    OneOf,
    /// All of the arguments below it, in order.
    Block,
}

impl ArgKind {
    /// The name that `COMMAND DOCS` gives.
    pub const fn name(self) -> &'static str {
        match self {
            ArgKind::String => "string",
            ArgKind::Integer => "integer",
            ArgKind::Double => "double",
            ArgKind::Key => "key",
            ArgKind::Pattern => "pattern",
            ArgKind::UnixTime => "unix-time",
            ArgKind::PureToken => "pure-token",
            ArgKind::OneOf => "oneof",
            ArgKind::Block => "block",
        }
    }
}

/// One argument, or a group of arguments.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name, unique among its siblings.
    pub name: &'static str,
    /// What hints show in its place; the name unless said otherwise.
    pub display: &'static str,
    /// What it is.
    pub kind: ArgKind,
    /// The word that announces it. Tokens compare without regard to case.
    pub token: Option<&'static str>,
    /// The version that brought it, if later than the command.
    pub since: Option<&'static str>,
    /// The version from which on it should not be used.
    pub deprecated_since: Option<&'static str>,
    /// The key spec (by its place in the row) that finds this argument.
    pub key_spec: Option<u8>,
    /// It may be left out.
    pub optional: bool,
    /// It may come more than once.
    pub multiple: bool,
    /// When it comes more than once, its token is repeated too.
    pub multiple_token: bool,
    /// The members of a group.
    pub args: &'static [Arg],
}

impl Arg {
    const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg {
            name,
            display: name,
            kind,
            token: None,
            since: None,
            deprecated_since: None,
            key_spec: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            args: &[],
        }
    }

    pub(crate) const fn token(mut self, token: &'static str) -> Arg {
        self.token = Some(token);
        self
    }

    pub(crate) const fn show(mut self, display: &'static str) -> Arg {
        self.display = display;
        self
    }

    pub(crate) const fn since(mut self, version: &'static str) -> Arg {
        self.since = Some(version);
        self
    }

    pub(crate) const fn deprecated(mut self, version: &'static str) -> Arg {
        self.deprecated_since = Some(version);
        self
    }

    pub(crate) const fn found_by(mut self, key_spec: u8) -> Arg {
        self.key_spec = Some(key_spec);
        self
    }

    pub(crate) const fn opt(mut self) -> Arg {
        self.optional = true;
        self
    }

    pub(crate) const fn multi(mut self) -> Arg {
        self.multiple = true;
        self
    }

    pub(crate) const fn multi_token(mut self) -> Arg {
        self.multiple_token = true;
        self
    }
}

pub(crate) const fn string(name: &'static str) -> Arg {
    Arg::new(name, ArgKind::String)
}

pub(crate) const fn integer(name: &'static str) -> Arg {
    Arg::new(name, ArgKind::Integer)
}

pub(crate) const fn double(name: &'static str) -> Arg {
    Arg::new(name, ArgKind::Double)
}

pub(crate) const fn key(name: &'static str, key_spec: u8) -> Arg {
    Arg::new(name, ArgKind::Key).found_by(key_spec)
}

pub(crate) const fn pattern(name: &'static str) -> Arg {
    Arg::new(name, ArgKind::Pattern)
}

pub(crate) const fn unix_time(name: &'static str) -> Arg {
    Arg::new(name, ArgKind::UnixTime)
}

pub(crate) const fn word(name: &'static str, token: &'static str) -> Arg {
    Arg::new(name, ArgKind::PureToken).token(token)
}

pub(crate) const fn oneof(name: &'static str, args: &'static [Arg]) -> Arg {
    let mut arg = Arg::new(name, ArgKind::OneOf);
    arg.args = args;
    arg
}

pub(crate) const fn block(name: &'static str, args: &'static [Arg]) -> Arg {
    let mut arg = Arg::new(name, ArgKind::Block);
    arg.args = args;
    arg
}
