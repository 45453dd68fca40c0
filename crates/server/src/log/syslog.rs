//! The system's log: datagrams to its socket, as the C library sends them.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use config::{LogLevel, SyslogFacility};

/// A sender to the system's log.
#[derive(Debug)]
pub struct Syslog {
    ident: String,
    facility: u8,
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// A sender whose lines carry `ident`.
    pub fn new(ident: &[u8], facility: SyslogFacility) -> Self {
        Self::at(PathBuf::from("/dev/log"), ident, facility)
    }

    /// The same, to another socket.
    pub(crate) fn at(path: PathBuf, ident: &[u8], facility: SyslogFacility) -> Self {
        let facility = match facility {
            SyslogFacility::User => 1,
            SyslogFacility::Local0 => 16,
            SyslogFacility::Local1 => 17,
            SyslogFacility::Local2 => 18,
            SyslogFacility::Local3 => 19,
            SyslogFacility::Local4 => 20,
            SyslogFacility::Local5 => 21,
            SyslogFacility::Local6 => 22,
            SyslogFacility::Local7 => 23,
        };
        let ident = String::from_utf8_lossy(ident).into_owned();
        Syslog {
            ident,
            facility,
            path,
            socket: None,
        }
    }

    /// Sends one line. A system without a log, or with one that is busy, loses it.
    pub(crate) fn send(&mut self, level: LogLevel, text: &[u8]) {
        let severity = match level {
            LogLevel::Debug => 7,
            LogLevel::Verbose => 6,
            LogLevel::Notice => 5,
            LogLevel::Warning | LogLevel::Nothing => 4,
        };
        let priority = self.facility * 8 + severity;
        let head = format!("<{priority}>{}[{}]: ", self.ident, std::process::id());
        let packet = [head.as_bytes(), text].concat();
        if self.socket.is_none() {
            self.socket = self.connect().ok();
        }
        let sent = self
            .socket
            .as_ref()
            .is_some_and(|socket| socket.send(&packet).is_ok());
        if !sent {
            // The log may have been restarted: the next line tries anew.
            self.socket = None;
        }
    }

    fn connect(&self) -> std::io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}
