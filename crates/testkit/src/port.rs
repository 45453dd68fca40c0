//! Ports that no other test, in this process or another, uses at the same time.
//!
//! A port is held by locked files in `/tmp`, whatever `TMPDIR` says: ports belong to the machine.
//! There is one for the port and one for its cluster-bus port (port + 10000). Both lie below 32768,
//! where the kernel gives no ports of its own to outgoing connections.
//! `SHOAL_TEST_PORTS=FIRST-LAST` narrows the range.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::wait::wait_for;

/// How far the cluster bus lies above the port for clients.
const BUS: u16 = 10_000;
/// Ports from here on belong to the kernel's outgoing connections.
const EPHEMERAL: u16 = 32_768;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A reserved port; free again when dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _locks: [File; 2],
}

impl Port {
    /// The port for clients.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port of the cluster bus.
    pub fn bus(&self) -> u16 {
        self.number + BUS
    }
}

/// Reserves any free port.
///
/// # Panics
/// When none is free.
pub fn reserve() -> Port {
    let range = range();
    let count = u32::from(range.end() - range.start()) + 1;
    // Processes begin at different places, so that they seldom try the same file.
    let start = std::process::id().wrapping_mul(37) + TAKEN.fetch_add(1, Ordering::Relaxed);
    (0..count)
        .map(|step| range.start() + u16::try_from((start + step) % count).expect("in the range"))
        .find_map(try_reserve)
        .unwrap_or_else(|| panic!("no free port in {range:?}"))
}

/// Reserves `count` free ports.
pub fn reserve_many(count: usize) -> Vec<Port> {
    (0..count).map(|_| reserve()).collect()
}

/// Reserves exactly these ports, waiting up to two minutes for their present holder: the
/// tutorial's 7000 to 7005 belong to one test at a time.
///
/// # Panics
/// When they do not become free.
pub fn reserve_exact(ports: RangeInclusive<u16>) -> Vec<Port> {
    ports
        .map(|number| {
            let what = format!("port {number} and its bus port free");
            wait_for(&what, Duration::from_secs(120), || try_reserve(number))
        })
        .collect()
}

fn range() -> RangeInclusive<u16> {
    let Ok(text) = std::env::var("SHOAL_TEST_PORTS") else {
        // 20900 to 21999 belong to the upstream suite, which knows no locks.
        return 12_000..=20_899;
    };
    let parsed = text
        .split_once('-')
        .and_then(|(first, last)| Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?));
    match parsed {
        Some(range) if !range.is_empty() && *range.end() < EPHEMERAL - BUS => range,
        _ => panic!(
            "SHOAL_TEST_PORTS must be FIRST-LAST below {}: {text}",
            EPHEMERAL - BUS
        ),
    }
}

fn try_reserve(number: u16) -> Option<Port> {
    let locks = [lock(number)?, lock(number + BUS)?];
    // Somebody who does not know of the locks may sit there.
    let free = |port: u16| TcpListener::bind(("0.0.0.0", port)).is_ok();
    (free(number) && free(number + BUS)).then_some(Port {
        number,
        _locks: locks,
    })
}

fn lock(number: u16) -> Option<File> {
    let folder = std::path::Path::new("/tmp/shoal-ports");
    std::fs::create_dir_all(folder)
        .unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    let path = folder.join(number.to_string());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    file.try_lock().ok().map(|()| file)
}
