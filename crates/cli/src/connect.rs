//! Opening connections as the options say.

use client::{Address, Connection, Error};

use crate::options::{Dialect, Options};

/// Connects to `address` with the options' time-out and authenticates. Nothing is printed.
///
/// # Errors
/// [`Error::Connect`] when nobody answers, [`Error::Server`] when the password is refused.
pub fn open(options: &Options, address: &Address) -> Result<Connection, Error> {
    let mut connection = bare(options, address)?;
    if let Some(password) = &options.password {
        connection.authenticate(options.user.as_deref(), password)?;
    }
    Ok(connection)
}

/// Connects and sends nothing.
pub(crate) fn bare(options: &Options, address: &Address) -> Result<Connection, Error> {
    let limits = client::Options {
        connect_timeout: options.connect_timeout,
        ..client::Options::default()
    };
    Connection::open_bare(address, &limits)
}

/// Connects, authenticates, switches the protocol and selects the database. A server that refuses
/// one of these is told of on standard error, and the connection is kept: the commands that follow
/// get the server's own answer.
pub(crate) fn open_for_commands(
    options: &Options,
    address: &Address,
    database: i64,
) -> Result<Prepared, Error> {
    let mut prepared = Prepared {
        connection: bare(options, address)?,
        database: 0,
        ready: false,
    };
    let connection = &mut prepared.connection;
    if let Some(password) = &options.password
        && !accepted(
            connection.authenticate(options.user.as_deref(), password),
            "AUTH",
        )?
    {
        return Ok(prepared);
    }
    if database != 0 {
        let name = format!("SELECT {database}");
        let reply = connection
            .query(&["SELECT", &database.to_string()])
            .map(drop);
        if !accepted(reply, &name)? {
            return Ok(prepared);
        }
        prepared.database = database;
    }
    match options.dialect {
        Dialect::Unasked => {}
        Dialect::Resp2 => {
            if !accepted(connection.query(&["HELLO", "2"]).map(drop), "HELLO 2")? {
                return Ok(prepared);
            }
        }
        Dialect::Resp3 => {
            if !accepted(connection.query(&["HELLO", "3"]).map(drop), "HELLO 3")? {
                return Ok(prepared);
            }
        }
        Dialect::Resp3IfKnown => match connection.query(&["HELLO", "3"]) {
            Ok(_) | Err(Error::Server(_)) => {}
            Err(fault) => return Err(fault),
        },
    }
    prepared.ready = true;
    Ok(prepared)
}

/// A connection and how far its preparation got.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) connection: Connection,
    /// The database that is selected.
    pub(crate) database: i64,
    /// Whether AUTH, SELECT and HELLO were all accepted.
    pub(crate) ready: bool,
}

fn accepted(result: Result<(), Error>, what: &str) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Server(text)) => {
            eprintln!("{what} failed: {text}");
            Ok(false)
        }
        Err(fault) => Err(fault),
    }
}
