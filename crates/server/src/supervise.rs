//! Telling a supervisor how the server is.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use config::Supervised;

/// Where systemd listens.
const SYSTEMD: &str = "NOTIFY_SOCKET";
/// Set by upstart.
const UPSTART: &str = "UPSTART_JOB";

/// Who watches this process.
#[derive(Debug)]
pub enum Supervisor {
    /// Nobody.
    None,
    /// systemd, at this address.
    Systemd(SocketAddr),
    /// upstart, which waits for the process to stop itself once.
    Upstart,
}

/// Why a supervisor that was asked for cannot be told.
#[derive(Debug)]
pub enum SuperviseError {
    /// The environment does not name it.
    Missing(&'static str),
    /// Its address is none.
    Address(io::Error),
}

impl fmt::Display for SuperviseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SuperviseError::Missing(name) => {
                write!(
                    f,
                    "supervision was asked for, but {name} is not in the environment"
                )
            }
            SuperviseError::Address(error) => write!(f, "cannot use {SYSTEMD}: {error}"),
        }
    }
}

impl std::error::Error for SuperviseError {}

impl Supervisor {
    /// The supervisor that the configuration means.
    pub fn find(wanted: Supervised) -> Result<Supervisor, SuperviseError> {
        Self::find_in(wanted, std::env::var_os(SYSTEMD), std::env::var_os(UPSTART))
    }

    fn find_in(
        wanted: Supervised,
        systemd: Option<OsString>,
        upstart: Option<OsString>,
    ) -> Result<Supervisor, SuperviseError> {
        match (wanted, systemd, upstart) {
            (Supervised::Upstart | Supervised::Auto, _, Some(_)) => Ok(Supervisor::Upstart),
            (Supervised::Upstart, _, None) => Err(SuperviseError::Missing(UPSTART)),
            (Supervised::Systemd | Supervised::Auto, Some(path), _) => {
                let bytes = path.as_bytes();
                // A name that begins with @ is one without a file.
                let address = match bytes.strip_prefix(b"@") {
                    Some(name) => SocketAddr::from_abstract_name(name),
                    None => SocketAddr::from_pathname(&path),
                };
                address
                    .map(Supervisor::Systemd)
                    .map_err(SuperviseError::Address)
            }
            (Supervised::Systemd, None, _) => Err(SuperviseError::Missing(SYSTEMD)),
            (Supervised::No | Supervised::Auto, ..) => Ok(Supervisor::None),
        }
    }

    /// Says that the server accepts connections.
    pub fn ready(&self) -> io::Result<()> {
        match self {
            Supervisor::None => Ok(()),
            Supervisor::Systemd(_) => self.notify("STATUS=Ready to accept connections\nREADY=1\n"),
            // It sees the stop and lets the process go on.
            Supervisor::Upstart => {
                let this = rustix::process::getpid();
                Ok(rustix::process::kill_process(
                    this,
                    rustix::process::Signal::STOP,
                )?)
            }
        }
    }

    /// Says in words what the server is doing.
    pub fn status(&self, text: &str) -> io::Result<()> {
        self.notify(&format!("STATUS={text}\n"))
    }

    /// Says that the server is going down.
    pub fn stopping(&self) -> io::Result<()> {
        self.notify("STOPPING=1\n")
    }

    fn notify(&self, text: &str) -> io::Result<()> {
        let Supervisor::Systemd(address) = self else {
            return Ok(());
        };
        UnixDatagram::unbound()?
            .send_to_addr(text.as_bytes(), address)
            .map(drop)
    }
}

#[cfg(test)]
mod tests;
