//! What is written when the process panics: where, which command, which slot, from where.
//!
//! A panic ends the process: half-changed data is never served. The report is for whoever mends
//! the defect, so it holds no keys and no values.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Weak};

use config::LogLevel;

use crate::log::Log;
use crate::node::Node;

/// The thread that writes the log; it cannot wait for itself.
const LOG_THREAD: &str = "log";

/// Has every panic reported and end the process.
pub(crate) fn install(log: &Log, node: &Arc<Node>) {
    let (log, node): (Log, Weak<Node>) = (log.clone(), Arc::downgrade(node));
    std::panic::set_hook(Box::new(move |info| {
        let report = report(info);
        let thread = std::thread::current();
        // Whether it is wanted is asked of a lock that this thread may hold itself.
        let wanted = node.upgrade().is_none_or(|node| {
            let config = node.config.try_read();
            config.is_none_or(|config| config.crash_log_enabled)
        });
        if thread.name() == Some(LOG_THREAD) {
            eprintln!("{report}");
        } else {
            if wanted {
                for line in report.lines() {
                    log.line(LogLevel::Warning, line);
                }
            }
            log.flush();
        }
        std::process::abort();
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let command = engine::witness::executing().map_or_else(
        || "no command".to_owned(),
        |executing| {
            let name = executing.spec.full_name;
            match executing.slot {
                Some(slot) => format!("'{name}' on slot {slot}"),
                None => format!("'{name}'"),
            }
        },
    );
    format!(
        "=== SHOAL BUG REPORT START: please send it whole ===\n\
         Panic: {message}, at {place}\n\
         Shoal {}, thread '{thread}', which executed last: {command}\n\
         ------ STACK TRACE ------\n\
         {}\n\
         === SHOAL BUG REPORT END ===",
        env!("CARGO_PKG_VERSION"),
        Backtrace::force_capture(),
    )
}
