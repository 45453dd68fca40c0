//! One connection to one server.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::address::Address;
use crate::decode::{Decoder, Fault};
use crate::error::Error;
use crate::request::append_request;
use crate::stream::Stream;
use crate::value::Value;

/// The protocol a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What a server speaks unasked.
    #[default]
    Resp2,
    /// Asked for with HELLO 3.
    Resp3,
}

/// How to open a connection.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long connecting may take; no limit when absent.
    pub connect_timeout: Option<Duration>,
    /// How long a read or a write may take; no limit when absent.
    pub io_timeout: Option<Duration>,
    /// The user to authenticate as; the default user when absent.
    pub user: Option<Vec<u8>>,
    /// The password; no AUTH is sent when absent.
    pub password: Option<Vec<u8>>,
    /// The database to select, if not 0.
    pub database: u32,
    /// The protocol to switch to.
    pub protocol: Protocol,
    /// The name to give the connection with CLIENT SETNAME.
    pub name: Option<Vec<u8>>,
}

impl Options {
    /// Options with one time-out for connecting, reading and writing.
    pub fn with_timeout(limit: Duration) -> Self {
        Options {
            connect_timeout: Some(limit),
            io_timeout: Some(limit),
            ..Options::default()
        }
    }
}

/// A connection on which requests are sent and replies read in order.
///
/// After an [`Error`] that [`Error::is_fatal`] calls fatal the connection is out of step with the
/// server and is to be dropped.
#[derive(Debug)]
pub struct Connection {
    decoder: Decoder<Stream>,
    output: Vec<u8>,
    pushes: VecDeque<Value>,
    address: Address,
}

impl Connection {
    /// Connects and does what `options` ask for: AUTH, HELLO, CLIENT SETNAME, SELECT.
    pub fn open(address: &Address, options: &Options) -> Result<Self, Error> {
        let mut connection = Self::open_bare(address, options)?;
        if let Some(password) = &options.password {
            connection.authenticate(options.user.as_deref(), password)?;
        }
        if options.protocol == Protocol::Resp3 {
            connection.query(&["HELLO", "3"])?;
        }
        if let Some(name) = &options.name {
            connection.query(&[b"CLIENT".as_slice(), b"SETNAME", name])?;
        }
        if options.database != 0 {
            connection.query(&["SELECT", &options.database.to_string()])?;
        }
        Ok(connection)
    }

    /// Connects with the time-outs of `options` and sends nothing.
    pub fn open_bare(address: &Address, options: &Options) -> Result<Self, Error> {
        let fault = |source| Error::Connect {
            address: address.clone(),
            source,
        };
        let stream = Stream::connect(address, options.connect_timeout).map_err(fault)?;
        stream.set_timeouts(options.io_timeout).map_err(fault)?;
        Ok(Connection {
            decoder: Decoder::new(stream),
            output: Vec::new(),
            pushes: VecDeque::new(),
            address: address.clone(),
        })
    }

    /// Sends AUTH, with a user if there is one.
    pub fn authenticate(&mut self, user: Option<&[u8]>, password: &[u8]) -> Result<(), Error> {
        match user {
            Some(user) => self.query(&[b"AUTH".as_slice(), user, password])?,
            None => self.query(&[b"AUTH".as_slice(), password])?,
        };
        Ok(())
    }

    /// The server's address, as it was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Changes the time-out of reads and writes.
    pub fn set_io_timeout(&mut self, limit: Option<Duration>) -> Result<(), Error> {
        self.decoder.source().set_timeouts(limit).map_err(Error::Io)
    }

    /// Puts a request into the output without sending it.
    pub fn push_request<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        append_request(&mut self.output, args);
    }

    /// Puts bytes that are already in the server's format into the output.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Sends what is in the output.
    pub fn flush(&mut self) -> Result<(), Error> {
        let output = std::mem::take(&mut self.output);
        self.decoder
            .source_mut()
            .write_all(&output)
            .map_err(Error::from_io)
    }

    /// Reads the next message, push or reply.
    pub fn read_message(&mut self) -> Result<Value, Error> {
        self.decoder.reply().map_err(|fault| match fault {
            Fault::Io(e) => Error::from_io(e),
            Fault::Decode(e) => Error::Protocol(e),
        })
    }

    /// Reads the next reply; pushes that come before it are kept for [`Connection::take_push`].
    pub fn read_reply(&mut self) -> Result<Value, Error> {
        loop {
            match self.read_message()? {
                push @ Value::Push(_) => self.pushes.push_back(push),
                reply => return Ok(reply),
            }
        }
    }

    /// The oldest push that came along with replies.
    pub fn take_push(&mut self) -> Option<Value> {
        self.pushes.pop_front()
    }

    /// Sends one request and reads its reply, which may be an error reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, Error> {
        self.push_request(args);
        self.flush()?;
        self.read_reply()
    }

    /// Sends one request; an error reply is an [`Error::Server`].
    pub fn query<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, Error> {
        self.call(args)?.into_result()
    }

    /// Sends all requests at once and reads as many replies.
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, requests: &[Vec<A>]) -> Result<Vec<Value>, Error> {
        for request in requests {
            self.push_request(request);
        }
        self.flush()?;
        requests.iter().map(|_| self.read_reply()).collect()
    }

    /// Whether a message can be read without waiting for the socket to say so.
    pub fn has_buffered(&self) -> bool {
        self.decoder.has_buffered()
    }

    /// The bytes that come next, unparsed: after SYNC, PSYNC or MONITOR.
    pub fn read_raw(&mut self) -> Result<Vec<u8>, Error> {
        self.decoder.read_raw().map_err(Error::from_io)
    }

    /// Gives back bytes that [`Connection::read_raw`] took too many of.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.decoder.unread(bytes);
    }

    /// A second handle on the socket for another thread to write to.
    pub fn writer(&self) -> io::Result<impl io::Write + Send + use<>> {
        self.decoder.source().try_clone()
    }

    /// Sends bytes as they are, at once.
    pub fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.decoder.source_mut().write_all(bytes)
    }

    /// Makes reads and writes return at once where they would wait.
    pub fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        self.decoder.source().set_nonblocking(on)
    }

    /// Writes as many bytes as the socket takes now.
    pub fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.decoder.source_mut().write(bytes)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.decoder.source().as_fd()
    }
}
