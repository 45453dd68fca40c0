//! Walking over all keys: `--scan`, and what the samplers need for it.

use client::{Connection, Error, Value};

use crate::options::{Format, Options};
use crate::output::{self, Exit};

/// A walk over the keys of the selected database.
pub(crate) struct Walk {
    cursor: Vec<u8>,
    pattern: Option<Vec<u8>>,
    count: u64,
    done: bool,
}

impl Walk {
    pub(crate) fn new(options: &Options) -> Self {
        Walk {
            cursor: b"0".to_vec(),
            pattern: options.pattern.clone(),
            count: options.scan_count,
            done: false,
        }
    }

    /// The next keys, perhaps none; `None` at the end.
    pub(crate) fn next(&mut self, c: &mut Connection) -> Result<Option<Vec<Vec<u8>>>, Error> {
        const FAULT: Error = Error::Shape("SCAN");
        if self.done {
            return Ok(None);
        }
        let mut args = vec![b"SCAN".to_vec(), self.cursor.clone()];
        if let Some(pattern) = &self.pattern {
            args.extend([b"MATCH".to_vec(), pattern.clone()]);
        }
        if self.count != 10 {
            args.extend([b"COUNT".to_vec(), self.count.to_string().into_bytes()]);
        }
        let reply = c.query(&args)?.into_items().ok_or(FAULT)?;
        let Ok([cursor, keys]) = <[Value; 2]>::try_from(reply) else {
            return Err(FAULT);
        };
        self.cursor = cursor.as_bytes().ok_or(FAULT)?.to_vec();
        self.done = self.cursor == b"0";
        let keys = keys.into_items().ok_or(FAULT)?;
        Ok(Some(
            keys.into_iter()
                .filter_map(|k| Some(k.as_bytes()?.to_vec()))
                .collect(),
        ))
    }
}

/// `--scan`: one key a line.
///
/// # Errors
/// Exit code 1 where the server refuses.
pub(crate) fn run(connection: &mut Connection, options: &Options) -> Result<(), Exit> {
    let mut walk = Walk::new(options);
    loop {
        let keys = match walk.next(connection) {
            Ok(Some(keys)) => keys,
            Ok(None) => return Ok(()),
            Err(fault) => return Err(refused("SCAN error", &fault)),
        };
        let mut out = Vec::new();
        for key in keys {
            if options.format == Format::Standard {
                base::quote(&mut out, &key);
            } else {
                out.extend(key);
            }
            out.push(b'\n');
        }
        output::write(&out)?;
        if !options.interval.is_zero() {
            std::thread::sleep(options.interval);
        }
    }
}

/// Tells of a command that a mode cannot do without.
pub(crate) fn refused(what: &str, fault: &Error) -> Exit {
    match fault {
        Error::Server(text) => output::complain(&format!("{what}: {text}")),
        other => output::complain(&format!("Error: {other}")),
    }
    Exit(1)
}
