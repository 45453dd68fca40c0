//! What a local cluster consists of, kept in its directory.

use std::fs;
use std::path::{Path, PathBuf};

use super::node::Node;

/// How far the cluster bus lies above a node's port.
pub const BUS: u16 = 10_000;

const FILE: &str = "cluster.conf";
const FORMED: &str = "formed";

/// What the command line asks for; what it leaves open is as it was, or as usual.
#[derive(Debug, Default)]
pub struct Wanted {
    pub masters: Option<u16>,
    pub replicas: Option<u16>,
    pub port: Option<u16>,
    pub workers: Option<u16>,
}

/// A cluster and its directory.
#[derive(Debug)]
pub struct Plan {
    pub masters: usize,
    /// Replicas of each master.
    pub replicas: usize,
    /// The first node's port; the others follow.
    pub port: u16,
    /// Worker threads of each node.
    pub workers: u16,
    /// Absolute.
    pub directory: PathBuf,
}

impl Plan {
    /// The plan in a directory, if there is one.
    pub fn load(directory: &Path) -> Result<Option<Plan>, String> {
        let path = directory.join(FILE);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(None);
        };
        let directory = fs::canonicalize(directory)
            .map_err(|fault| format!("cannot find {}: {fault}", directory.display()))?;
        let field = |name: &str| {
            let words = text.lines().filter_map(|line| line.split_once(' '));
            let mut values = words
                .filter(|(word, _)| *word == name)
                .map(|(_, value)| value);
            values
                .next()
                .and_then(|value| value.trim().parse::<u16>().ok())
                .ok_or_else(|| format!("{} has no number for '{name}'.", path.display()))
        };
        Ok(Some(Plan {
            masters: field("masters")?.into(),
            replicas: field("replicas")?.into(),
            port: field("port")?,
            workers: field("workers")?,
            directory,
        }))
    }

    /// The plan in a directory; an error says how to make one.
    pub fn require(directory: &Path) -> Result<Plan, String> {
        Plan::load(directory)?.ok_or_else(|| {
            format!(
                "there is no cluster in {}. 'shoal cluster up' starts one, --dir names another \
                 directory.",
                directory.display()
            )
        })
    }

    /// The plan that is there, if it is as wanted, or a new one, which is written.
    pub fn load_or_make(directory: &Path, wanted: &Wanted) -> Result<Plan, String> {
        if let Some(plan) = Plan::load(directory)? {
            plan.require_as(wanted)?;
            return Ok(plan);
        }
        fs::create_dir_all(directory)
            .map_err(|fault| format!("cannot make {}: {fault}", directory.display()))?;
        let directory = fs::canonicalize(directory)
            .map_err(|fault| format!("cannot find {}: {fault}", directory.display()))?;
        let masters = usize::from(wanted.masters.unwrap_or(3));
        let replicas = usize::from(wanted.replicas.unwrap_or(1));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = (cores / (masters * (1 + replicas))).clamp(1, 128) as u16;
        let plan = Plan {
            masters,
            replicas,
            port: wanted.port.unwrap_or(7000),
            workers: wanted.workers.unwrap_or(share),
            directory,
        };
        let last = usize::from(plan.port) + plan.count() - 1;
        if last + usize::from(BUS) > usize::from(u16::MAX) {
            return Err(format!(
                "{} nodes from port {} on need ports up to {} for their bus; choose a lower --port.",
                plan.count(),
                plan.port,
                last + usize::from(BUS)
            ));
        }
        Ok(plan)
    }

    /// Writes the plan into its directory.
    pub fn save(&self) -> Result<(), String> {
        let text = format!(
            "# The local cluster in this directory, as 'shoal cluster' made it.\nmasters {}\n\
             replicas {}\nport {}\nworkers {}\n",
            self.masters, self.replicas, self.port, self.workers
        );
        let path = self.directory.join(FILE);
        fs::write(&path, text).map_err(|fault| format!("cannot write {}: {fault}", path.display()))
    }

    fn require_as(&self, wanted: &Wanted) -> Result<(), String> {
        let given = [
            ("--masters", wanted.masters.map(usize::from), self.masters),
            (
                "--replicas",
                wanted.replicas.map(usize::from),
                self.replicas,
            ),
            ("--port", wanted.port.map(usize::from), self.port.into()),
            (
                "--workers",
                wanted.workers.map(usize::from),
                self.workers.into(),
            ),
        ];
        for (name, asked, is) in given {
            if asked.is_some_and(|asked| asked != is) {
                return Err(format!(
                    "the cluster in {} has {name} {is}. Choose another --dir for a different \
                     cluster, or remove this one first with 'shoal cluster down --wipe'.",
                    self.directory.display()
                ));
            }
        }
        Ok(())
    }

    /// How many nodes.
    pub fn count(&self) -> usize {
        self.masters * (1 + self.replicas)
    }

    /// The nodes, those that begin as masters first.
    pub fn nodes(&self) -> Vec<Node> {
        (0..self.count())
            .map(|index| {
                let port = self.port + index as u16;
                Node::new(port, self.directory.join(port.to_string()))
            })
            .collect()
    }

    /// Whether the nodes were joined once: from then on they know each other.
    pub fn is_formed(&self) -> bool {
        self.directory.join(FORMED).exists()
    }

    /// Remembers that the nodes were joined.
    pub fn set_formed(&self) -> Result<(), String> {
        let path = self.directory.join(FORMED);
        fs::write(&path, "").map_err(|fault| format!("cannot write {}: {fault}", path.display()))
    }

    /// Removes the nodes' directories and the plan; the directory itself if nothing else is in it.
    pub fn wipe(&self) -> Result<(), String> {
        for node in self.nodes() {
            if node.directory.exists() {
                fs::remove_dir_all(&node.directory).map_err(|fault| {
                    format!("cannot remove {}: {fault}", node.directory.display())
                })?;
            }
        }
        for name in [FORMED, FILE] {
            let path = self.directory.join(name);
            if path.exists() {
                fs::remove_file(&path)
                    .map_err(|fault| format!("cannot remove {}: {fault}", path.display()))?;
            }
        }
        // It stays if somebody keeps other files in it.
        let _ = fs::remove_dir(&self.directory);
        Ok(())
    }
}
