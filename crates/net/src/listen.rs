//! Listening sockets, TCP and Unix.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::Mode;
use socket2::{Domain, Socket, Type};

use crate::stream::{Address, Stream};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// TCP; port 0 takes any free port.
    Tcp(SocketAddr),
    /// A Unix socket. What lies at the path is removed first.
    Unix {
        /// Path of the socket.
        path: PathBuf,
        /// Its permissions, as for chmod; by the umask if `None`.
        mode: Option<u32>,
    },
}

/// Why listening failed.
#[derive(Debug)]
pub struct ListenError {
    /// Where.
    pub at: Listen,
    /// What the system said.
    pub source: io::Error,
}

impl std::fmt::Display for ListenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            Listen::Tcp(addr) => write!(f, "cannot listen at {addr}: {}", self.source),
            Listen::Unix { path, .. } => {
                write!(f, "cannot listen at {}: {}", path.display(), self.source)
            }
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A socket that listens. A Unix socket's file goes when it is dropped.
pub(crate) struct Listener {
    pub(crate) at: Listen,
    pub(crate) address: Address,
    socket: Accepting,
}

enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener, Arc<PathBuf>),
}

impl Listener {
    /// Binds and listens; connections beyond `backlog` wait in the kernel's hands or are refused.
    pub(crate) fn open(at: &Listen, backlog: i32) -> Result<Listener, ListenError> {
        let opened = match at {
            Listen::Tcp(addr) => open_tcp(*addr, backlog),
            Listen::Unix { path, mode } => open_unix(path, *mode, backlog),
        };
        match opened {
            Ok((socket, address)) => Ok(Listener {
                at: at.clone(),
                address,
                socket,
            }),
            Err(source) => Err(ListenError {
                at: at.clone(),
                source,
            }),
        }
    }

    pub(crate) fn fd(&self) -> RawFd {
        match &self.socket {
            Accepting::Tcp(socket) => socket.as_raw_fd(),
            Accepting::Unix(socket, _) => socket.as_raw_fd(),
        }
    }

    /// Accepts one connection: it, its other end, its own.
    pub(crate) fn accept(&self) -> io::Result<(Stream, Address, Address)> {
        match &self.socket {
            Accepting::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                stream.set_nonblocking(true)?;
                let local = stream.local_addr()?;
                let stream = Stream::new(OwnedFd::from(stream), true);
                Ok((stream, Address::Tcp(peer), Address::Tcp(local)))
            }
            Accepting::Unix(socket, path) => {
                let (stream, _) = socket.accept()?;
                stream.set_nonblocking(true)?;
                let address = Address::Unix(path.clone());
                Ok((
                    Stream::new(OwnedFd::from(stream), false),
                    address.clone(),
                    address,
                ))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Accepting::Unix(_, path) = &self.socket {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(path.as_path());
        }
    }
}

fn open_tcp(addr: SocketAddr, backlog: i32) -> io::Result<(Accepting, Address)> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    if addr.is_ipv6() {
        // Both families are often bound to the same port.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from(socket);
    let address = Address::Tcp(listener.local_addr()?);
    Ok((Accepting::Tcp(listener), address))
}

fn open_unix(path: &PathBuf, mode: Option<u32>, backlog: i32) -> io::Result<(Accepting, Address)> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = socket2::SockAddr::unix(path)?;
    match mode {
        None => socket.bind(&address)?,
        Some(mode) => {
            // Nobody may get in between bind and chmod.
            let before = rustix::process::umask(Mode::from_raw_mode(!mode & 0o777));
            let bound = socket.bind(&address);
            rustix::process::umask(before);
            bound?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
    }
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    let path = Arc::new(path.clone());
    let listener = UnixListener::from(OwnedFd::from(socket));
    Ok((Accepting::Unix(listener, path.clone()), Address::Unix(path)))
}
