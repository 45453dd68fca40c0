//! A conversation with one server, which redirections and `connect` may change for another.

use client::{Address, Connection, Error, Redirect, Value};

use crate::connect;
use crate::format;
use crate::options::{Dialect, Format, Options};
use crate::output::{self, Exit};
use crate::report;
use crate::subscriptions::{self, Subscriptions};

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reply came and was shown.
    Done,
    /// The command is to be sent again, to where the session points now.
    Redirected,
    /// The connection is gone.
    Lost,
}

/// The conversation.
#[derive(Debug)]
pub(crate) struct Session {
    /// The options; the address in them follows redirections.
    pub(crate) options: Options,
    pub(crate) connection: Option<Connection>,
    /// Whether commands come line by line.
    pub(crate) interactive: bool,
    /// The database that the prompt shows.
    database: i64,
    /// Inside MULTI, the database to return to when the transaction comes to nothing.
    transaction: Option<i64>,
    pub(crate) subscriptions: Subscriptions,
    /// Whether the next command goes to a node that does not own its slot yet.
    asking: bool,
    /// SHUTDOWN was sent: the end of the connection is its answer.
    shutting_down: bool,
}

impl Session {
    pub(crate) fn new(options: Options) -> Self {
        Session {
            options,
            connection: None,
            interactive: false,
            database: 0,
            transaction: None,
            subscriptions: Subscriptions::default(),
            asking: false,
            shutting_down: false,
        }
    }

    /// Connects and prepares the connection; what fails is told on standard error. False when
    /// there is no connection.
    pub(crate) fn connect(&mut self) -> bool {
        self.connection = None;
        self.subscriptions.clear();
        self.transaction = None;
        let address = self.options.address();
        match connect::open_for_commands(&self.options, &address, self.options.database) {
            Ok(prepared) => {
                self.database = prepared.database;
                self.connection = Some(prepared.connection);
                true
            }
            Err(fault) => {
                output::complain(&fault.to_string());
                false
            }
        }
    }

    /// `connect HOST PORT`.
    pub(crate) fn connect_to(&mut self, host: &[u8], port: u16) {
        self.options.socket = None;
        self.options.host = String::from_utf8_lossy(host).into_owned();
        self.options.port = port;
        self.connect();
    }

    /// The prompt, its last space included.
    pub(crate) fn prompt(&self) -> String {
        if self.connection.is_none() {
            return "not connected> ".to_owned();
        }
        let mut prompt = match self.options.address() {
            Address::Unix(path) => format!("redis {}", path.display()),
            Address::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            tcp @ Address::Tcp { .. } => tcp.to_string(),
        };
        if self.database != 0 {
            prompt.push_str(&format!("[{}]", self.database));
        }
        if self.transaction.is_some() {
            prompt.push_str("(TX)");
        }
        if self.subscriptions.any() {
            prompt.push_str("(subscribed mode)");
        }
        prompt.push_str("> ");
        prompt
    }

    /// Sends a command `repeat` times (for ever if negative), following redirections if that was
    /// asked for.
    ///
    /// # Errors
    /// The exit code, when the program is to end.
    pub(crate) fn issue(&mut self, args: &[Vec<u8>], repeat: i64) -> Result<Outcome, Exit> {
        let mut left = repeat;
        loop {
            if self.connection.is_none() && !self.connect() {
                return Ok(Outcome::Lost);
            }
            match self.repeat(args, &mut left)? {
                Outcome::Redirected => self.connection = None,
                Outcome::Lost => {
                    self.connection = None;
                    return Ok(Outcome::Lost);
                }
                Outcome::Done => return Ok(Outcome::Done),
            }
        }
    }

    /// Sends a command until `left` is used up or it is redirected.
    fn repeat(&mut self, args: &[Vec<u8>], left: &mut i64) -> Result<Outcome, Exit> {
        while *left != 0 {
            let outcome = self.send(args)?;
            if outcome != Outcome::Done {
                return Ok(outcome);
            }
            if *left > 0 {
                *left -= 1;
            }
            if !self.options.interval.is_zero() {
                std::thread::sleep(self.options.interval);
            }
        }
        Ok(Outcome::Done)
    }

    /// Sends one command and deals with its reply.
    fn send(&mut self, args: &[Vec<u8>]) -> Result<Outcome, Exit> {
        let name = args[0].to_ascii_lowercase();
        if name == b"shutdown" {
            self.shutting_down = true;
        }
        if name == b"sync" || name == b"psync" {
            output::print("Entering replica output mode...  (press Ctrl-C to quit)\n")?;
            let Some(connection) = self.connection.as_mut() else {
                return Ok(Outcome::Lost);
            };
            crate::replica::follow(connection, args, &self.options)?;
            return Ok(Outcome::Lost);
        }
        let asking = std::mem::take(&mut self.asking);
        let Some(connection) = self.connection.as_mut() else {
            return Ok(Outcome::Lost);
        };
        if asking {
            connection.push_request(&["ASKING"]);
        }
        connection.push_request(args);
        let sent = connection.flush().and_then(|()| match asking {
            true => connection.read_reply().map(drop),
            false => Ok(()),
        });
        if let Err(fault) = sent {
            return self.broken(&fault);
        }
        if subscriptions::is_command(&name) {
            return self.subscription(args);
        }
        let verbatim = report::is_text(args);
        let (outcome, reply) = self.receive(verbatim)?;
        if let Some(reply) = reply {
            if name == b"monitor" && !reply.is_error() {
                return self.stream(false);
            }
            self.note(&name, args, &reply);
        }
        Ok(outcome)
    }

    /// Reads a reply, shows it, and follows it if it is a redirection.
    fn receive(&mut self, verbatim: bool) -> Result<(Outcome, Option<Value>), Exit> {
        loop {
            let Some(connection) = self.connection.as_mut() else {
                return Ok((Outcome::Lost, None));
            };
            let value = match connection.read_message() {
                Ok(value) => value,
                Err(_) if self.shutting_down => {
                    self.connection = None;
                    self.shutting_down = false;
                    return Ok((Outcome::Done, None));
                }
                Err(fault) => return self.broken(&fault).map(|o| (o, None)),
            };
            let value = match value {
                // In RESP2 a subscriber's replies are arrays; only RESP3 has pushes.
                Value::Push(items) => {
                    self.show_push(Value::Push(items))?;
                    continue;
                }
                reply => reply,
            };
            if let Value::Error(text) = &value {
                if self.options.follow_redirects
                    && let Some(redirect) = Redirect::parse(text, &self.options.address())
                {
                    self.redirect(&redirect)?;
                    return Ok((Outcome::Redirected, None));
                }
                if !self.interactive && self.options.exit_on_error {
                    output::complain(&String::from_utf8_lossy(text));
                    return Err(Exit(1));
                }
            }
            output::write(&format::reply(&value, &self.options, verbatim))?;
            return Ok((Outcome::Done, Some(value)));
        }
    }

    fn redirect(&mut self, redirect: &Redirect) -> Result<(), Exit> {
        if let Address::Tcp { host, port } = redirect.to() {
            self.options.socket = None;
            self.options.host.clone_from(host);
            self.options.port = *port;
        }
        self.asking = matches!(redirect, Redirect::Ask { .. });
        if self.interactive {
            output::print(&format!(
                "-> Redirected to slot [{}] located at {}:{}\n",
                redirect.slot(),
                self.options.host,
                self.options.port
            ))?;
        }
        Ok(())
    }

    /// A connection that failed: the end of the program, unless somebody can type again.
    fn broken(&mut self, fault: &Error) -> Result<Outcome, Exit> {
        output::complain(&format!("Error: {fault}"));
        let gone = match fault {
            Error::Closed => true,
            Error::Io(e) => matches!(
                e.kind(),
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
            ),
            _ => false,
        };
        self.connection = None;
        if self.interactive && gone {
            Ok(Outcome::Lost)
        } else {
            Err(Exit(1))
        }
    }

    /// Shows a message that answers no command.
    pub(crate) fn show_push(&mut self, push: Value) -> Result<(), Exit> {
        let wanted = self.options.show_pushes || self.subscriptions.any();
        if !wanted {
            return Ok(());
        }
        output::write(&push_text(&push, &self.options))
    }

    /// Takes in what a command changes about the conversation.
    fn note(&mut self, name: &[u8], args: &[Vec<u8>], reply: &Value) {
        let failed = reply.is_error();
        match (name, args.len()) {
            (b"select", 2) if !failed => {
                let text = String::from_utf8_lossy(&args[1]).into_owned();
                self.set_database(crate::number::leading_int(&text));
            }
            (b"auth", 2 | 3) => self.select_again(),
            (b"multi", 1) if !failed => self.transaction = Some(self.database),
            (b"exec", 1) => {
                if let Some(before) = self.transaction.take()
                    && (failed || reply.is_null())
                {
                    self.set_database(before);
                }
            }
            (b"discard", 1) if !failed => {
                if let Some(before) = self.transaction.take() {
                    self.set_database(before);
                }
            }
            (b"reset", 1) if !failed => {
                self.transaction = None;
                self.subscriptions.clear();
                self.set_database(0);
                self.options.dialect = Dialect::Unasked;
            }
            (b"hello", 2..) if !failed => {
                self.options.dialect = if args[1] == b"3" {
                    Dialect::Resp3
                } else {
                    Dialect::Unasked
                };
            }
            _ => {}
        }
    }

    fn set_database(&mut self, database: i64) {
        self.database = database;
        self.options.database = database;
    }

    /// After AUTH the database that was wanted can perhaps be selected.
    fn select_again(&mut self) {
        let wanted = self.options.database;
        if wanted == self.database {
            return;
        }
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        match connection.query(&["SELECT", &wanted.to_string()]) {
            Ok(_) => self.database = wanted,
            Err(fault) => output::complain(&format!("SELECT {wanted} failed: {fault}")),
        }
    }

    /// Reads the confirmations of a (un)subscription; a session without a prompt then shows
    /// messages until it is ended.
    fn subscription(&mut self, args: &[Vec<u8>]) -> Result<Outcome, Exit> {
        let mut due = self.subscriptions.due(args);
        while due > 0 {
            let Some(connection) = self.connection.as_mut() else {
                return Ok(Outcome::Lost);
            };
            let value = match connection.read_message() {
                Ok(value) => value,
                Err(fault) => return self.broken(&fault),
            };
            if let Value::Error(text) = &value
                && self.options.follow_redirects
                && let Some(redirect) = Redirect::parse(text, &self.options.address())
            {
                self.redirect(&redirect)?;
                return Ok(Outcome::Redirected);
            }
            if self.subscriptions.confirm(&value) {
                due -= 1;
                output::write(&format::reply(&value, &self.options, false))?;
                continue;
            }
            if let Value::Push(_) = value {
                self.show_push(value)?;
                continue;
            }
            output::write(&format::reply(&value, &self.options, false))?;
            // A refusal, or QUEUED: no confirmation will come.
            if !subscriptions::is_message(&value) {
                break;
            }
        }
        if self.subscriptions.any() && !self.interactive {
            return self.stream(true);
        }
        Ok(Outcome::Done)
    }

    /// Shows what the server sends until the connection or the program ends.
    fn stream(&mut self, subscribed: bool) -> Result<Outcome, Exit> {
        if subscribed && self.options.format != Format::Raw && output::is_terminal() {
            output::print("Reading messages... (press Ctrl-C to quit)\n")?;
        }
        loop {
            let Some(connection) = self.connection.as_mut() else {
                return Ok(Outcome::Lost);
            };
            if !subscribed && self.interactive && !crate::wait::for_message(connection) {
                self.connect();
                return Ok(Outcome::Done);
            }
            match connection.read_message() {
                Ok(value) => output::write(&format::reply(&value, &self.options, false))?,
                Err(fault) => return self.broken(&fault),
            }
        }
    }

    /// Shows the next message of a subscription; false when the connection is gone.
    pub(crate) fn show_message(&mut self) -> Result<bool, Exit> {
        let Some(connection) = self.connection.as_mut() else {
            return Ok(false);
        };
        match connection.read_message() {
            Ok(push @ Value::Push(_)) => {
                // A server that gives a slot away ends the subscriptions to its channels.
                self.subscriptions.confirm(&push);
                self.show_push(push)?;
            }
            Ok(value) => output::write(&format::reply(&value, &self.options, false))?,
            Err(fault) => {
                self.broken(&fault)?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A push as it is shown among replies: invalidations in words.
fn push_text(push: &Value, options: &Options) -> Vec<u8> {
    if options.format == Format::Standard
        && let Some([kind, Value::Array(keys)]) = push.items()
        && kind.as_bytes() == Some(b"invalidate")
    {
        let mut out = b"-> invalidate: ".to_vec();
        for (n, key) in keys.iter().enumerate() {
            if n > 0 {
                out.extend(b", ");
            }
            base::quote(&mut out, key.as_bytes().unwrap_or_default());
        }
        out.push(b'\n');
        return out;
    }
    format::reply(push, options, false)
}
