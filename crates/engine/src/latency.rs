//! The latency monitor: what took longer than `latency-monitor-threshold`.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::VecDeque;

/// How many samples of an event are kept.
const KEPT: usize = 160;

/// Samples of all events.
#[derive(Default)]
pub struct LatencyMonitor(Mutex<BTreeMap<&'static str, Event>>);

/// One event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The longest that it ever took, in milliseconds.
    pub longest: u64,
    /// When, in seconds since 1970, and how long, in milliseconds; oldest first, one a second.
    pub samples: VecDeque<(i64, u64)>,
}

impl LatencyMonitor {
    /// Notes that an event took so many milliseconds.
    pub fn note(&self, event: &'static str, milliseconds: u64) {
        let now = crate::wall_us() / 1_000_000;
        let mut events = self.0.lock();
        let event = events.entry(event).or_default();
        event.longest = event.longest.max(milliseconds);
        match event.samples.back_mut() {
            Some((at, longest)) if *at == now => *longest = (*longest).max(milliseconds),
            _ => event.samples.push_back((now, milliseconds)),
        }
        if event.samples.len() > KEPT {
            event.samples.pop_front();
        }
    }

    /// All events, by name.
    pub fn events(&self) -> Vec<(&'static str, Event)> {
        let events = self.0.lock();
        events
            .iter()
            .map(|(name, event)| (*name, event.clone()))
            .collect()
    }

    /// The event of a name.
    pub fn event(&self, name: &[u8]) -> Option<(&'static str, Event)> {
        let mut events = self.events().into_iter();
        events.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Forgets the events for which `wanted` holds; how many there were.
    pub fn reset(&self, wanted: impl Fn(&str) -> bool) -> usize {
        let mut events = self.0.lock();
        let before = events.len();
        events.retain(|name, _| !wanted(name));
        before - events.len()
    }
}
