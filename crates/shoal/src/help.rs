//! The text of `shoal --help`.

use crate::programs::{FAMILIES, PROGRAMS};

/// The whole text.
pub fn text() -> String {
    let mut text = String::from(
        "Shoal: an in-memory data store that speaks the protocol of Redis Cluster.\n\n\
         Usage: shoal COMMAND [ARGUMENTS]\n\nCommands:\n",
    );
    for program in &PROGRAMS {
        text.push_str(&format!("  {:<12} {}\n", program.word, program.summary));
    }
    text.push_str(CLUSTER);
    text.push_str(&format!("\nNames:\n  {}", NAMES_HEAD));
    for family in FAMILIES {
        let names: Vec<String> = PROGRAMS
            .iter()
            .map(|program| format!("{family}-{}", program.word))
            .collect();
        text.push_str(&format!("    {}\n", names.join(" ")));
    }
    text.push_str(NAMES_TAIL);
    text
}

const CLUSTER: &str =
    "  cluster      a local cluster: 'up', 'status', 'demo', 'down'; and redis-cli's \
     cluster
               manager: 'create', 'check', 'reshard', ... ('shoal cluster help')
  links DIR    make links in DIR by the names below

Local cluster:
  shoal cluster up [--masters 3] [--replicas 1] [--dir DIR] [--port 7000] [--workers N]
                   [--demo] [--failover]
      Starts the nodes on this machine and joins them; what already runs is left alone, and data
      of earlier runs is kept. Each node has a directory in DIR (default ./shoal-cluster) with
      its configuration, log and data. --demo shows the cluster at work; --failover takes a
      master away in the demonstration and shows its replica take over.
  shoal cluster status [--dir DIR]
      Shows the nodes: process, role, slots, offset.
  shoal cluster demo [--failover] ...
      The same as 'up --demo'.
  shoal cluster down [--wipe] [--dir DIR]
      Stops the nodes; --wipe removes their directories too.

Other options:
  --help       this text
  --version    the version
";

const NAMES_HEAD: &str = "Called by one of these names, shoal is that program:\n";

const NAMES_TAIL: &str = "
Put a directory of links first in PATH and programs that expect these names find them:
  shoal links ~/shoal-links && PATH=~/shoal-links:$PATH redis-cli --version
";
