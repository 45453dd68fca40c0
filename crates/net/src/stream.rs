//! A connected socket, TCP or Unix, in non-blocking mode.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mio::Interest;
use mio::Token;
use mio::unix::SourceFd;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// One end of a connection, shown as clients see it: `ip:port`, `[ip6]:port` or `path:0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// The path of the Unix socket that was listened at; both ends have it.
    Unix(Arc<PathBuf>),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(addr) => write!(f, "{addr}"),
            Address::Unix(path) => write!(f, "{}:0", path.display()),
        }
    }
}

/// A connected stream socket.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    tcp: bool,
}

impl Stream {
    /// Takes over a socket that is connected and in non-blocking mode.
    pub(crate) fn new(fd: OwnedFd, tcp: bool) -> Self {
        Stream { fd, tcp }
    }

    /// Whether it is TCP, and not a Unix socket.
    pub fn is_tcp(&self) -> bool {
        self.tcp
    }

    /// The bare descriptor.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Appends what can be read to `buf`, as far as it has spare capacity. `Ok(0)` is the end of
    /// the stream; [`io::ErrorKind::WouldBlock`] means that there is nothing now.
    #[inline]
    pub(crate) fn read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&self.fd, spare_capacity(buf), RecvFlags::empty()) {
                Ok((read, _)) => return Ok(read),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads into bytes that are there already.
    #[inline]
    pub(crate) fn read_into(&self, place: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&self.fd, &mut *place, RecvFlags::empty()) {
                Ok((read, _)) => return Ok(read),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes some of `bytes`.
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::net::send(&self.fd, bytes, SendFlags::NOSIGNAL) {
                Ok(written) => return Ok(written),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes some of several pieces. The process must ignore SIGPIPE, as Rust's runtime does.
    pub(crate) fn write_vectored(&self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match rustix::io::writev(&self.fd, pieces) {
                Ok(written) => return Ok(written),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the output and throws away some of the input, so that closing does not reset the
    /// connection under output that the peer has not read yet.
    pub(crate) fn linger(&self) {
        let _ = rustix::net::shutdown(&self.fd, rustix::net::Shutdown::Write);
        let mut scrap = Vec::with_capacity(64 * 1024);
        let _ = self.read(&mut scrap);
    }

    /// The error that a poller reported for the socket.
    pub(crate) fn take_error(&self) -> io::Result<()> {
        match rustix::net::sockopt::socket_error(&self.fd)? {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// No delay, and keep-alive probes after `keepalive` of silence, for TCP.
    pub(crate) fn tune(&self, keepalive: Option<Duration>) {
        if !self.tcp {
            return;
        }
        let socket = socket2::SockRef::from(&self.fd);
        // A peer that is gone already makes these fail; reading will tell.
        let _ = socket.set_tcp_nodelay(true);
        if let Some(idle) = keepalive {
            // A third of the time between probes and three of them, so that a dead peer is
            // known after twice the time.
            let interval = (idle / 3).max(Duration::from_secs(1));
            let probes = socket2::TcpKeepalive::new()
                .with_time(idle)
                .with_interval(interval);
            let _ = socket.set_tcp_keepalive(&probes.with_retries(3));
        }
    }

    pub(crate) fn register(
        &self,
        registry: &mio::Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.fd.as_raw_fd()), token, interest)
    }

    pub(crate) fn reregister(
        &self,
        registry: &mio::Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        registry.reregister(&mut SourceFd(&self.fd.as_raw_fd()), token, interest)
    }

    pub(crate) fn deregister(&self, registry: &mio::Registry) -> io::Result<()> {
        registry.deregister(&mut SourceFd(&self.fd.as_raw_fd()))
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
