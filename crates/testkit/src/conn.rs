//! A blocking connection that sends requests and reads replies, for tests.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::reply::Reply;

/// How long a connection waits for bytes before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server on this machine.
#[derive(Debug)]
pub struct Conn {
    stream: BufReader<TcpStream>,
}

impl Conn {
    /// Connects to a port on 127.0.0.1.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn open(port: u16) -> io::Result<Conn> {
        Conn::over(TcpStream::connect(("127.0.0.1", port))?)
    }

    /// Goes over a socket that is connected.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn over(stream: TcpStream) -> io::Result<Conn> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Conn {
            stream: BufReader::new(stream),
        })
    }

    /// Sets how long a read may take.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn set_patience(&mut self, limit: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(limit))
    }

    /// Sends one request and reads its reply.
    ///
    /// # Panics
    /// When the connection fails; error replies are replies.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, request: &[A]) -> Reply {
        self.try_call(request).unwrap_or_else(|error| {
            let words: Vec<_> = request
                .iter()
                .map(|word| String::from_utf8_lossy(word.as_ref()))
                .collect();
            panic!("{}: {error}", words.join(" "))
        })
    }

    /// Sends the words of `line`, split at spaces, and reads the reply.
    ///
    /// # Panics
    /// When the connection fails.
    #[track_caller]
    pub fn line(&mut self, line: &str) -> Reply {
        self.call(&line.split_ascii_whitespace().collect::<Vec<_>>())
    }

    /// As [`Conn::call`], with the connection's error for the caller.
    ///
    /// # Errors
    /// Those of the socket, and `InvalidData` when the server does not speak RESP.
    pub fn try_call<A: AsRef<[u8]>>(&mut self, request: &[A]) -> io::Result<Reply> {
        self.send(request)?;
        self.receive()
    }

    /// Sends one request and does not wait.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn send<A: AsRef<[u8]>>(&mut self, request: &[A]) -> io::Result<()> {
        self.send_raw(&encode(request))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the next reply.
    ///
    /// # Errors
    /// Those of the socket, and `InvalidData` when the server does not speak RESP.
    pub fn receive(&mut self) -> io::Result<Reply> {
        Reply::read(&mut self.stream)
    }

    /// Sends all requests at once, then reads as many replies.
    ///
    /// # Errors
    /// As [`Conn::try_call`].
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, requests: &[Vec<A>]) -> io::Result<Vec<Reply>> {
        let bytes: Vec<u8> = requests
            .iter()
            .flat_map(|request| encode(request))
            .collect();
        self.send_raw(&bytes)?;
        requests.iter().map(|_| self.receive()).collect()
    }

    /// The fields of an INFO section (or of CLUSTER INFO with `["CLUSTER", "INFO"]`).
    ///
    /// # Errors
    /// As [`Conn::try_call`].
    pub fn fields<A: AsRef<[u8]>>(&mut self, request: &[A]) -> io::Result<Vec<(String, String)>> {
        let reply = self.try_call(request)?;
        if let Some(error) = reply.error() {
            return Err(io::Error::other(error.to_string()));
        }
        Ok(reply
            .text()
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect())
    }

    /// One field of INFO (all sections).
    ///
    /// # Errors
    /// As [`Conn::try_call`].
    pub fn info(&mut self, field: &str) -> io::Result<Option<String>> {
        let fields = self.fields(&["INFO", "everything"])?;
        Ok(fields
            .into_iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value))
    }

    /// The socket below.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}

/// A request as an array of bulk strings.
fn encode<A: AsRef<[u8]>>(request: &[A]) -> Vec<u8> {
    let mut bytes = Vec::new();
    base::words::put(&mut bytes, request.iter());
    bytes
}
