//! Where the programs write, what they are answered, and what time it is.
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// The surroundings of a run.
pub struct Console<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// Standard input, for the question before a file is cut.
    pub input: &'a mut dyn BufRead,
    /// Unix milliseconds, against which expiries are held.
    pub now_ms: i64,
}

impl std::fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}

impl Console<'_> {
    /// Runs a program on the process's own streams.
    pub(crate) fn with_process(run: impl FnOnce(&mut Console<'_>) -> i32) -> ExitCode {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut out = std::io::stdout().lock();
        let mut err = std::io::stderr().lock();
        let mut input = std::io::stdin().lock();
        let code = run(&mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            now_ms: now.as_millis() as i64,
        });
        let _ = out.flush();
        ExitCode::from(code as u8)
    }

    /// Prints one line. A closed pipe is no reason to stop checking.
    pub(crate) fn line(&mut self, text: impl AsRef<[u8]>) {
        self.print(text);
        let _ = self.out.write_all(b"\n");
    }

    /// Prints without a line end.
    pub(crate) fn print(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.out.write_all(text.as_ref());
        let _ = self.out.flush();
    }

    /// Prints a line as the server's log would have it.
    pub(crate) fn log(&mut self, text: &str) {
        let stamp = stamp(self.now_ms);
        self.line(format!("{}:C {stamp} # {text}", std::process::id()));
    }

    /// Asks, and is true for an answer that begins with y.
    pub(crate) fn agreed(&mut self) -> bool {
        let mut answer = [0];
        let read = self.input.read(&mut answer);
        matches!(read, Ok(1)) && answer[0].eq_ignore_ascii_case(&b'y')
    }
}

/// A time as log lines have it, in UTC: `22 Nov 2026 23:59:46.352`.
pub(crate) fn stamp(ms: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, within) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Years are counted from March, so that the leap day is the last of its year.
    let era_days = days + 719_468;
    let (era, day) = (era_days.div_euclid(146_097), era_days.rem_euclid(146_097));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400 + i64::from(month >= 10);
    let (seconds, millis) = (within / 1000, within % 1000);
    format!(
        "{day_of_month:02} {} {year} {:02}:{:02}:{:02}.{millis:03}",
        MONTHS[((month + 2) % 12) as usize],
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The reason of an I/O error in the words of the system, without the number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_string(),
        None => text,
    }
}
