//! The exchange of one MIGRATE with its target.

use super::{LONGEST_LINE, Order, Parcel, READING, WRITING, deadline};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long it is tried to connect before it is looked whether the client is still there. The
/// system has asked twice by then.
const CONNECT_PERIOD: Duration = Duration::from_secs(2);

/// A connection to a target.
pub(super) struct Link {
    pub(super) stream: BufReader<TcpStream>,
    /// The database it has selected.
    db: Option<i64>,
    pub(super) used: Instant,
}

/// Why an exchange failed.
pub(super) enum Trouble {
    /// The connection: what the client is told, and what happened.
    Link(&'static str, io::ErrorKind),
    /// The target's error, without the minus sign.
    Refused(Vec<u8>),
}

pub(super) fn is_timeout(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Sends the parcels and reads an answer for each; `arrived` is told of the places of those that
/// were taken. The first error of the target is returned when all is read. When the client of the
/// order leaves, the connection is shut.
pub(super) fn exchange(
    link: &mut Link,
    order: &Order,
    parcels: &[Parcel],
    arrived: &mut dyn FnMut(usize),
) -> Result<(), Trouble> {
    let begun = order.call.begin_exchange(link.stream.get_ref());
    begun.map_err(|error| Trouble::Link(WRITING, error.kind()))?;
    let outcome = send_and_read(link, order, parcels, arrived);
    order.call.end_exchange();
    outcome
}

fn send_and_read(
    link: &mut Link,
    order: &Order,
    parcels: &[Parcel],
    arrived: &mut dyn FnMut(usize),
) -> Result<(), Trouble> {
    let mut text = Vec::new();
    if !order.auth.is_empty() {
        let mut words = vec![b"AUTH".as_slice()];
        words.extend(order.auth.iter().map(Vec::as_slice));
        rdb::aof::put_command(&mut text, &words);
    }
    let selects = link.db != Some(order.db);
    if selects {
        let db = order.db.to_string();
        rdb::aof::put_command(&mut text, &[b"SELECT", db.as_bytes()]);
    }
    let name: &[u8] = if order.asking {
        b"RESTORE-ASKING"
    } else {
        b"RESTORE"
    };
    for parcel in parcels {
        let ttl = parcel.ttl.to_string();
        let mut words = vec![name, &parcel.key, ttl.as_bytes(), &parcel.payload];
        if order.replace {
            words.push(b"REPLACE");
        }
        rdb::aof::put_command(&mut text, &words);
    }
    let sent = link.stream.get_mut().write_all(&text);
    sent.map_err(|error| Trouble::Link(WRITING, error.kind()))?;
    let mut first = None;
    let mut note = |answer: Result<(), Vec<u8>>| {
        let good = answer.is_ok();
        if let Err(text) = answer {
            first.get_or_insert(text);
        }
        good
    };
    // Whoever is not let in, or not into this database, has put nothing where it belongs.
    let mut ready = order.auth.is_empty() || note(read(link)?);
    if selects {
        let selected = note(read(link)?);
        link.db = selected.then_some(order.db);
        ready &= selected;
    }
    for nth in 0..parcels.len() {
        if note(read(link)?) && ready {
            arrived(nth);
        }
    }
    first.map_or(Ok(()), |text| Err(Trouble::Refused(text)))
}

/// Reads one answer: fine, or the target's error.
fn read(link: &mut Link) -> Result<Result<(), Vec<u8>>, Trouble> {
    let mut line = Vec::new();
    let mut input = io::Read::take(&mut link.stream, LONGEST_LINE);
    let got = input.read_until(b'\n', &mut line);
    got.map_err(|error| Trouble::Link(READING, error.kind()))?;
    if line.last() != Some(&b'\n') {
        return Err(Trouble::Link(READING, io::ErrorKind::UnexpectedEof));
    }
    Ok(match line.trim_ascii_end().split_first() {
        Some((b'-', text)) => Err(text.to_vec()),
        _ => Ok(()),
    })
}

pub(super) fn connect(order: &Order) -> io::Result<Link> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (order.host.as_str(), order.port).to_socket_addrs()? {
        match connect_to(&address, order) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(order.timeout))?;
                stream.set_write_timeout(Some(order.timeout))?;
                return Ok(Link {
                    stream: BufReader::new(stream),
                    db: None,
                    used: Instant::now(),
                });
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects in the time of the order, as long as its client is there.
fn connect_to(address: &SocketAddr, order: &Order) -> io::Result<TcpStream> {
    let until = deadline(order.timeout);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || order.call.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(address, left.min(CONNECT_PERIOD)) {
            Err(error) if is_timeout(error.kind()) => {}
            done => return done,
        }
    }
}
