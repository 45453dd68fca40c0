//! The `--cluster-...` options.

use crate::number::{leading_float, leading_int};

/// What the cluster manager is told besides its command: the `--cluster-...` options, and those
/// of the rest of the command line that it heeds.
#[derive(Clone, Debug)]
pub struct Options {
    /// The user for every node (`--user`).
    pub user: Option<String>,
    /// The password for every node (`-a`, `REDISCLI_AUTH`).
    pub password: Option<String>,
    /// More is told (`--verbose`).
    pub verbose: bool,
    /// Prompts are answered with yes (`--cluster-yes`, `REDISCLI_CLUSTER_YES=1`).
    pub yes: bool,
    /// Replicas for each master (`create`).
    pub replicas: usize,
    /// Where slots or data come from (`reshard`, `import`).
    pub from: Option<String>,
    /// The receiving node (`reshard`).
    pub to: Option<String>,
    /// The user of the source (`import`).
    pub from_user: Option<String>,
    /// The password of the source (`import`).
    pub from_password: Option<String>,
    /// The source's password is asked for (`import`); the caller asks and sets `from_password`.
    pub from_askpass: bool,
    /// `node=weight` words (`rebalance`).
    pub weights: Vec<String>,
    /// How many slots move (`reshard`); 0 asks.
    pub slots: i64,
    /// The time-out of a MIGRATE, in milliseconds.
    pub timeout: i64,
    /// Keys in one MIGRATE.
    pub pipeline: i64,
    /// From which deviation on a node counts as out of balance, in percent.
    pub threshold: f32,
    /// Nothing is moved (`rebalance`).
    pub simulate: bool,
    /// Keys at the target are overwritten.
    pub replace: bool,
    /// Keys stay at the source (`import`).
    pub copy: bool,
    /// The new node becomes a replica (`add-node`).
    pub replica: bool,
    /// Of this master (`add-node`).
    pub master_id: Option<String>,
    /// Masters without slots get some (`rebalance`).
    pub use_empty_masters: bool,
    /// Slots that several nodes serve or hold keys of are looked for (`check`, `fix`).
    pub search_multiple_owners: bool,
    /// Slots are repaired although masters are out of reach (`fix`).
    pub fix_with_unreachable_masters: bool,
    /// Only masters are called (`call`).
    pub only_masters: bool,
    /// Only replicas are called (`call`).
    pub only_replicas: bool,
    /// Set by the command `fix`: what `check` finds is repaired.
    pub(super) fix: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            user: None,
            password: None,
            verbose: false,
            yes: false,
            replicas: 0,
            from: None,
            to: None,
            from_user: None,
            from_password: None,
            from_askpass: false,
            weights: Vec::new(),
            slots: 0,
            timeout: 60_000,
            pipeline: 10,
            threshold: 2.0,
            simulate: false,
            replace: false,
            copy: false,
            replica: false,
            master_id: None,
            use_empty_masters: false,
            search_multiple_owners: false,
            fix_with_unreachable_masters: false,
            only_masters: false,
            only_replicas: false,
            fix: false,
        }
    }
}

/// What [`Options::take`] made of a word of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many words were an option of the cluster manager.
    Words(usize),
    /// The word is none of its options (or lacks its value).
    Not,
    /// The word is one, wrongly used: the text for standard error; exit code 1.
    Refused(&'static str),
}

const WEIGHT_TWICE: &str = "WARNING: you cannot use --cluster-weight more than once.\nYou can set \
     more weights by adding them as a space-separated list, ie:\n--cluster-weight n1=w n2=w\n";

impl Options {
    /// Reads an option of the cluster manager from the head of `words`.
    pub fn take(&mut self, words: &[String]) -> Taken {
        let Some(name) = words
            .first()
            .and_then(|word| word.strip_prefix("--cluster-"))
        else {
            return Taken::Not;
        };
        if let Some(flag) = self.flag(name) {
            *flag = true;
            return Taken::Words(1);
        }
        let Some(value) = words.get(1) else {
            return Taken::Not;
        };
        match name {
            "replicas" => self.replicas = usize::try_from(leading_int(value)).unwrap_or(0),
            "master-id" | "primary-id" => self.master_id = Some(value.clone()),
            "from" => self.from = Some(value.clone()),
            "to" => self.to = Some(value.clone()),
            "from-user" => self.from_user = Some(value.clone()),
            "from-pass" => self.from_password = Some(value.clone()),
            "slots" => self.slots = leading_int(value),
            "timeout" => self.timeout = leading_int(value),
            "pipeline" => self.pipeline = leading_int(value),
            "threshold" => self.threshold = leading_float(value) as f32,
            "weight" => return self.take_weights(&words[1..]),
            _ => return Taken::Not,
        }
        Taken::Words(2)
    }

    /// Reads the variables of the environment that redis-cli heeds.
    pub fn take_environment(&mut self) {
        if std::env::var("REDISCLI_CLUSTER_YES").is_ok_and(|value| value == "1") {
            self.yes = true;
        }
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "yes" => &mut self.yes,
            "simulate" => &mut self.simulate,
            "replace" => &mut self.replace,
            "copy" => &mut self.copy,
            "slave" | "replica" => &mut self.replica,
            "use-empty-masters" | "use-empty-primaries" => &mut self.use_empty_masters,
            "search-multiple-owners" => &mut self.search_multiple_owners,
            "fix-with-unreachable-masters" | "fix-with-unreachable-primaries" => {
                &mut self.fix_with_unreachable_masters
            }
            "only-masters" | "only-primaries" => &mut self.only_masters,
            "only-replicas" => &mut self.only_replicas,
            "from-askpass" => &mut self.from_askpass,
            _ => return None,
        })
    }

    fn take_weights(&mut self, words: &[String]) -> Taken {
        if !self.weights.is_empty() {
            return Taken::Refused(WEIGHT_TWICE);
        }
        let given = words
            .iter()
            .take_while(|word| !word.starts_with('-') && word.contains('='));
        self.weights = given.cloned().collect();
        Taken::Words(1 + self.weights.len())
    }
}
