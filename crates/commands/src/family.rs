//! The families of the table, a file for each, and what a family's rows make: ids, and the types of
//! the lists of handlers.
//!
//! A family's file is one call of `family!` with its rows. A row begins with the name of its id and
//! who runs it: `engine`, `host` (the program around the engine) or `container` (nobody: only its
//! subcommands run). Subcommands follow their container. From the rows come
//!
//! * a constant of [`Cmd`] for each row;
//! * the struct `Handlers<H>` with a field for each row that the engine runs, and `Hosted<H>` for
//!   those of the host. Whoever runs commands fills them in: a row that has no handler, or a
//!   handler that has no row, does not compile.

/// Defines a family: its name, which is its file's, and its rows.
macro_rules! family {
    (
        $family:ident,
        $($name:ident = $by:ident $new:tt $(. $method:ident $args:tt)*),+ $(,)?
    ) => {
        enum Position { $($name),+ }

        /// How many rows there are.
        pub(crate) const COUNT: usize = [$(Position::$name as usize),+].len();

        const FIRST: usize = crate::family::first(crate::family::Family::$family);

        // An array, not a slice: only what a static itself holds has one address in all of the
        // program.
        pub(crate) static ROWS: [crate::spec::Spec; COUNT] = [
            $(crate::spec::$by $new .id(crate::Cmd::$name) $(. $method $args)*),+
        ];

        #[allow(non_upper_case_globals, reason = "they stand where variants of an enum would")]
        impl crate::Cmd {
            $(
                #[doc = concat!("The command of the row `", stringify!($name), "`.")]
                pub const $name: crate::Cmd = crate::Cmd::new(FIRST + Position::$name as usize);
            )+
        }

        handlers! { [] [] $($by $name)+ }
    };
}

/// Sorts the rows by who runs them, and defines the lists of their handlers.
macro_rules! handlers {
    ([$($engine:ident)*] [$($host:ident)*] engine $name:ident $($rest:tt)*) => {
        handlers! { [$($engine)* $name] [$($host)*] $($rest)* }
    };
    ([$($engine:ident)*] [$($host:ident)*] host $name:ident $($rest:tt)*) => {
        handlers! { [$($engine)*] [$($host)* $name] $($rest)* }
    };
    ([$($engine:ident)*] [$($host:ident)*] container $name:ident $($rest:tt)*) => {
        handlers! { [$($engine)*] [$($host)*] $($rest)* }
    };
    ([$($engine:ident)*] [$($host:ident)*]) => {
        handlers! { Handlers "What the engine runs of this family." $($engine)* }
        handlers! { Hosted "What the host runs of this family." $($host)* }
    };
    ($list:ident $doc:literal) => {};
    ($list:ident $doc:literal $($name:ident)+) => {
        #[doc = $doc]
        #[allow(non_snake_case, reason = "a field has the name of its id")]
        #[derive(Clone, Copy)]
        pub struct $list<H> {
            $(
                #[doc = concat!("Runs `Cmd::", stringify!($name), "`.")]
                pub $name: H,
            )+
        }

        impl<H: Copy> $list<H> {
            /// The table with these handlers at the numbers of their commands.
            pub const fn enter(
                self,
                mut table: [Option<H>; crate::Cmd::COUNT],
            ) -> [Option<H>; crate::Cmd::COUNT] {
                $(table[crate::Cmd::$name.index()] = Some(self.$name);)+
                table
            }
        }
    };
}

pub mod bitmap;
pub mod client;
pub mod cluster;
pub mod command;
pub mod config;
pub mod connection;
pub mod debug;
pub mod expire;
pub mod generic;
pub mod hash;
pub mod latency;
pub mod list;
pub mod memory;
pub mod monitor;
pub mod object;
pub mod payload;
pub mod persistence;
pub mod replication;
pub mod server;
pub mod slowlog;
pub mod sort;
pub mod string;
pub mod transactions;

use crate::cmd::Cmd;
use crate::spec::Spec;

/// Names the families, in the order of their ids.
macro_rules! families {
    ($($family:ident)+) => {
        /// A family by its place.
        #[allow(non_camel_case_types, reason = "they have the names of the files")]
        #[derive(Clone, Copy)]
        pub(crate) enum Family { $($family),+ }

        /// How many rows each has.
        const COUNTS: &[usize] = &[$($family::COUNT),+];

        /// The rows of all families.
        pub(crate) static FAMILIES: &[&[Spec]] = &[$(&$family::ROWS),+];
    };
}

families! {
    string bitmap hash list
    generic expire object payload sort transactions
    connection client
    server persistence debug command config latency memory slowlog monitor
    replication cluster
}

/// The number of the first id of a family.
pub(crate) const fn first(family: Family) -> usize {
    let (mut place, mut sum) = (0, 0);
    while place < family as usize {
        sum += COUNTS[place];
        place += 1;
    }
    sum
}

/// How many rows all families have.
pub(crate) const COUNT: usize = {
    let (mut place, mut sum) = (0, 0);
    while place < COUNTS.len() {
        sum += COUNTS[place];
        place += 1;
    }
    sum
};

/// Every row by the number of its id. Building it proves that ids are in the order of the rows.
pub(crate) const fn rows() -> [&'static Spec; COUNT] {
    let mut rows = [&FAMILIES[0][0]; COUNT];
    let (mut family, mut id) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            rows[id] = &FAMILIES[family][row];
            assert!(rows[id].id.index() == id, "a row with another's id");
            row += 1;
            id += 1;
        }
        family += 1;
    }
    rows
}

/// The place of a container among the ids, and its subcommands: where the first is, and how many.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The container, for a subcommand.
    pub(crate) parent: Option<Cmd>,
    first: usize,
    count: usize,
}

/// Where each row stands in its family: subcommands follow their container, whose name they begin
/// with.
pub(crate) const fn places(rows: &[&'static Spec; COUNT]) -> [Place; COUNT] {
    const ALONE: Place = Place {
        parent: None,
        first: 0,
        count: 0,
    };
    let mut places = [ALONE; COUNT];
    let (mut id, mut container) = (0, 0);
    while id < COUNT {
        if rows[id].name.len() == rows[id].full_name.len() {
            container = id;
            places[id].first = id + 1;
        } else {
            assert!(
                is_below(rows[id].full_name, rows[container].full_name),
                "a subcommand that does not stand behind its container"
            );
            places[id].parent = Some(Cmd::new(container));
            places[container].count += 1;
        }
        id += 1;
    }
    id = 0;
    while id < COUNT {
        let has_some = places[id].count > 0;
        assert!(
            rows[id].is_container() == has_some,
            "not a container, or an empty one"
        );
        id += 1;
    }
    places
}

impl Place {
    /// The subcommands among all rows.
    pub(crate) const fn subcommands(
        self,
        rows: &'static [&'static Spec; COUNT],
    ) -> &'static [&'static Spec] {
        let behind = rows.split_at(self.first).1;
        behind.split_at(self.count).0
    }
}

/// Whether `name` is `container`, a bar, and more.
const fn is_below(name: &str, container: &str) -> bool {
    let (name, container) = (name.as_bytes(), container.as_bytes());
    let mut i = 0;
    while i < container.len() {
        if i >= name.len() || name[i] != container[i] {
            return false;
        }
        i += 1;
    }
    i < name.len() && name[i] == b'|'
}
