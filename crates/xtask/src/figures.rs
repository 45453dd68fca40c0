//! Figures beside a real server in the same run: CPU per operation, bytes per key, saving under
//! load; how the engine scales, and what two workers do in one hot slot.
//!
//! Absolute numbers say more of the machine than of the program, so every figure is a ratio, with
//! the order alternating and the median taken. The server is pinned to one core, the generator to
//! another.

mod cpu;
mod hot;
mod load;
mod memory;
mod page;
mod save;
mod scaling;
mod subject;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::arguments::Arguments;
use crate::run::build_shoal;
use cpu::Setting;
use subject::{Cores, Subject};

/// `cargo xtask figures`.
pub(crate) fn command(words: &str, arguments: &mut Arguments) -> Result<(), String> {
    let write = arguments.flag("--write");
    let cores = Cores {
        server: arguments.parsed("--server-core", 0)?,
        load: arguments.parsed("--load-core", 1)?,
    };
    let subject = arguments.option("--subject")?;
    let binary = arguments.option("--bin")?.map(PathBuf::from);
    let before = arguments.option("--beside")?.map(PathBuf::from);
    let only = arguments.list("--only")?;
    let parts = arguments.list("--parts")?;
    let cpu = cpu::Plan::from(arguments, only.clone())?;
    let memory = memory::Plan::from(arguments, only)?;
    let save = save::Plan::from(arguments)?;
    let scaling = scaling::Plan::from(arguments)?;
    let hot = hot::Plan::from(arguments)?;
    arguments.end()?;

    let ours = match (subject.as_deref(), binary) {
        (Some(name), None) => Subject::named(name)?,
        (None, Some(binary)) => Subject::ours(binary),
        (None, None) => Subject::ours(build_shoal(true)?),
        (Some(_), Some(_)) => return Err("--subject and --bin exclude each other".into()),
    };
    let base = match before {
        // An older binary of ours: what a change has cost.
        Some(binary) => Subject::before(binary),
        None => Subject::named("valkey")?,
    };
    if write && base.name != "valkey" {
        return Err("--write is for figures beside Valkey".into());
    }
    let wanted = |part: &str| {
        parts
            .as_ref()
            .is_none_or(|parts| parts.iter().any(|known| known == part))
    };
    let mut sections = Vec::new();
    if wanted("cpu") {
        sections.push((
            "cpu",
            cpu::measure(&cpu, [&ours, &base], cores, Setting::Alone)?,
        ));
    }
    if wanted("cluster") {
        let table = cpu::measure(&cpu, [&ours, &base], cores, Setting::Cluster)?;
        sections.push(("cluster", table));
    }
    if wanted("aof") {
        let table = cpu::measure(&cpu, [&ours, &base], cores, Setting::Logged)?;
        sections.push(("aof", table));
    }
    if wanted("memory") {
        sections.push(("memory", memory::measure(&memory, [&ours, &base], cores)?));
    }
    if wanted("save") {
        sections.push(("save", save::measure(&save, [&ours, &base], cores)?));
    }
    if wanted("scaling") {
        sections.push(("scaling", scaling::measure(&scaling)?));
    }
    if wanted("hot") {
        sections.push(("hot", hot::measure(&hot, &ours)?));
    }
    let heading = page::heading(words, &[&ours, &base])?;
    for (_, text) in &sections {
        println!("\n{text}");
    }
    println!("{heading}");
    if write {
        let path = crate::root().join("docs/figures.md");
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let new = page::merge(&old, &heading, &sections);
        std::fs::write(&path, new).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

/// A ratio as the page has it: what is judged is what can be read.
fn printed(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// The middle value; the mean of the two in the middle for an even count.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}
