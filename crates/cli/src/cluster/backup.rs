//! `backup`: an RDB file of each master, and the cluster's shape as JSON.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use client::Connection;

use super::node::Node;
use super::session::Session;
use super::{Failed, Outcome};

/// `--cluster backup`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(&args[..1])?;
    session.load_cluster(&host, port)?;
    let is_sound = session.check(false).is_ok();
    let faults = if is_sound { 0 } else { session.faults };
    let directory = Path::new(&args[1]);
    let mut entries = Vec::new();
    for index in 0..session.nodes.len() {
        entries.push(describe(&session.nodes[index], faults));
        if session.nodes[index].master.is_some() {
            continue;
        }
        let address = session.nodes[index].address();
        session
            .console
            .info(format!(">>> Node {address} -> Saving RDB...\n"));
        session.console.flush();
        if let Err(text) = session.save_node(index, directory) {
            session.console.complain(&text);
            session.console.error("[ERR] Failed to back cluster!\n");
            return Err(Failed);
        }
    }
    let path = format!(
        "{}/nodes.json",
        args[1].strip_suffix('/').unwrap_or(&args[1])
    );
    session.console.flush();
    session
        .console
        .info(format!("Saving cluster configuration to: {path}\n"));
    if std::fs::write(&path, format!("[\n{}\n]", entries.join(",\n"))).is_err() {
        session
            .console
            .error(format!("Could not save nodes to: {path}\n"));
        session.console.error("[ERR] Failed to back cluster!\n");
        return Err(Failed);
    }
    if !is_sound {
        session.console.warn(
            "*** Cluster seems to have some problems, please be aware of it if you're going to \
             restore this backup.\n",
        );
    }
    session
        .console
        .good(format!("[OK] Backup created into: {}\n", args[1]));
    Ok(())
}

/// A node as an entry of `nodes.json`.
fn describe(node: &Node, faults: usize) -> String {
    let replicate = match &node.master {
        Some(master) => format!("\"{master}\""),
        None => "null".to_owned(),
    };
    let range = |range: std::ops::RangeInclusive<u16>| match (*range.start(), *range.end()) {
        (first, last) if first == last => format!("[{first}]"),
        (first, last) => format!("[{first},{last}]"),
    };
    let slots: Vec<String> = node.slots.ranges().into_iter().map(range).collect();
    let mut text = format!(
        "  {{\n    \"name\": \"{}\",\n    \"host\": \"{}\",\n    \"port\": {},\n    \"replicate\": \
         {replicate},\n    \"slots\": [{}],\n    \"slots_count\": {},\n    \"flags\": \"{}\",\n    \
         \"current_epoch\": {}",
        node.id,
        node.host,
        node.port,
        slots.join(","),
        node.slots.len(),
        node.flags.join(","),
        node.config_epoch
    );
    if faults > 0 {
        text.push_str(&format!(",\n    \"cluster_errors\": {faults}"));
    }
    for (name, open) in [
        ("migrating", &node.migrating),
        ("importing", &node.importing),
    ] {
        if !open.is_empty() {
            let pairs: Vec<String> = open
                .iter()
                .map(|(slot, id)| format!("\"{slot}\": \"{id}\""))
                .collect();
            text.push_str(&format!(",\n    \"{name}\": {{{}}}", pairs.join(",")));
        }
    }
    text.push_str("\n  }");
    text
}

impl Session<'_> {
    /// Has one master send its data set and writes it to a file; the error is to be shown.
    fn save_node(&mut self, index: usize, directory: &Path) -> Result<(), String> {
        let node = &self.nodes[index];
        let name = format!("redis-node-{}-{}-{}.rdb", node.host, node.port, node.id);
        let path = directory.join(name);
        let shown = path.display().to_string();
        let mut node = std::mem::replace(&mut self.nodes[index], Node::new("", 0, None));
        let result = self.save_to(&mut node, &path, &shown);
        // SYNC has made a replication link of the connection: it is of no further use.
        node.connection = None;
        self.nodes[index] = node;
        result
    }

    fn save_to(&mut self, node: &mut Node, path: &Path, shown: &str) -> Result<(), String> {
        let Some(connection) = node.connection.as_mut() else {
            return Err("SYNC with master failed: no connection\n".to_owned());
        };
        connection
            .write_raw(b"SYNC\r\n")
            .map_err(|_| "Error writing to master\n".to_owned())?;
        let mut input = RawInput {
            connection,
            ahead: Vec::new(),
        };
        let length = input.payload_length()?;
        self.console.complain(&format!(
            "SYNC sent to master, writing {length} bytes to '{shown}'\n"
        ));
        let mut file =
            File::create(path).map_err(|fault| format!("Error opening '{shown}': {fault}\n"))?;
        input.copy_to(&mut file, length)?;
        file.sync_all()
            .map_err(|fault| format!("Fail to fsync '{shown}': {fault}\n"))?;
        self.console.complain("Transfer finished with success.\n");
        Ok(())
    }
}

/// The bytes of a connection after SYNC.
struct RawInput<'a> {
    connection: &'a mut Connection,
    ahead: Vec<u8>,
}

impl RawInput<'_> {
    fn more(&mut self) -> Result<(), String> {
        let bytes = self.connection.read_raw();
        let bytes = bytes.map_err(|fault| format!("SYNC with master failed: {fault}\n"))?;
        if bytes.is_empty() {
            return Err("SYNC with master failed: Server closed the connection\n".to_owned());
        }
        self.ahead.extend_from_slice(&bytes);
        Ok(())
    }

    /// Reads the line that announces the transfer and its length (a server tells the length to
    /// whoever did not say that it can do without); empty lines before it keep the link alive.
    fn payload_length(&mut self) -> Result<u64, String> {
        loop {
            let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') else {
                self.more()?;
                continue;
            };
            let line: Vec<u8> = self.ahead.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if line.is_empty() {
                continue;
            }
            let length = line
                .strip_prefix('$')
                .and_then(|length| length.parse().ok());
            return length.ok_or_else(|| format!("SYNC with master failed: {line}\n"));
        }
    }

    fn copy_to(&mut self, file: &mut File, mut left: u64) -> Result<(), String> {
        while left > 0 {
            if self.ahead.is_empty() {
                self.more()?;
            }
            let now = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(self.ahead.len());
            file.write_all(&self.ahead[..now])
                .map_err(|fault| format!("Error writing to file: {fault}\n"))?;
            self.ahead.drain(..now);
            left -= now as u64;
        }
        Ok(())
    }
}
