//! Where a server listens: a host and port, or the path of a unix socket.

use std::fmt;
use std::path::PathBuf;

/// An address to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A host (name, IPv4 or IPv6 text without brackets) and a port.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port, 0 to 65535.
        port: u16,
    },
    /// A unix socket.
    Unix(PathBuf),
}

/// Why a text is no `host:port`.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid address '{0}': expected host:port")]
pub struct ParseAddressError(String);

impl Address {
    /// An address from its two halves.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Address::Tcp {
            host: host.into(),
            port,
        }
    }

    /// Reads `host:port`, the last colon being the one that counts (an IPv6 address may stand bare
    /// or in brackets), and drops the `@busport` and `,hostname` that CLUSTER NODES appends.
    pub fn parse(text: &str) -> Result<Self, ParseAddressError> {
        let fault = || ParseAddressError(text.to_owned());
        let endpoint = text.split(',').next().unwrap_or(text);
        let endpoint = endpoint.split('@').next().unwrap_or(endpoint);
        let (host, port) = endpoint.rsplit_once(':').ok_or_else(fault)?;
        let port = port.parse().map_err(|_| fault())?;
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Address::tcp(host, port))
    }

    /// The port, if there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Tcp { port, .. } => Some(*port),
            Address::Unix(_) => None,
        }
    }

    /// The host, if there is one.
    pub fn host(&self) -> Option<&str> {
        match self {
            Address::Tcp { host, .. } => Some(host),
            Address::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    /// `host:port` or the socket's path, as redis-cli names a server in its messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_servers_print() {
        let plain = Address::tcp("127.0.0.1", 7000);
        for text in [
            "127.0.0.1:7000",
            "127.0.0.1:7000@17000",
            "127.0.0.1:7000@17000,name",
        ] {
            assert_eq!(Address::parse(text).unwrap(), plain, "{text}");
        }
        assert_eq!(
            Address::parse("::1:7000").unwrap(),
            Address::tcp("::1", 7000)
        );
        assert_eq!(
            Address::parse("[::1]:7000").unwrap(),
            Address::tcp("::1", 7000)
        );
        assert_eq!(Address::parse(":7000").unwrap(), Address::tcp("", 7000));
        for text in ["127.0.0.1", "127.0.0.1:", "a:b", "a:70000", ""] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
