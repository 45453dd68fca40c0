//! What a worker asks of the program that embeds it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resp::{Args, ProtocolError};

use crate::conn::{ConnStats, Ticket};
use crate::conns::Conns;
use crate::output::Output;
use crate::stream::{Address, Stream};

/// Names a connection for as long as the process lives: its worker, its place there, and how
/// often that place was used before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConnId {
    /// Index of the worker that owns it.
    pub worker: u16,
    /// Index in that worker's table.
    pub index: u32,
    /// Tells apart those that had the same index.
    pub generation: u32,
}

/// What is known of a connection when it opens.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// The other end.
    pub peer: Address,
    /// This end.
    pub local: Address,
    /// File descriptor, for display only.
    pub fd: i32,
    /// The connection's counters, which any thread may read.
    pub stats: Arc<ConnStats>,
}

/// What a connection may send.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Longest argument, and whether the client is authenticated.
    pub request: resp::Limits,
    /// `client-query-buffer-limit`: most bytes that may wait to become a command. Values above
    /// 4 GiB count as 4 GiB.
    pub query_buffer: usize,
    /// Most unsent bytes with which the connection is read from and its commands are executed: for
    /// clients that nobody knows yet, who may not make the server keep much for them. One whose
    /// pipeline is longer than that must read before the rest of it is answered. Up to 16
    /// commands run between two looks at it.
    pub unsent: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        ReadLimits {
            request: resp::Limits::default(),
            query_buffer: 1 << 30,
            unsent: usize::MAX,
        }
    }
}

/// Whose output limits apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OutputClass {
    /// An ordinary client.
    #[default]
    Normal,
    /// A replica.
    Replica,
    /// A client with subscriptions.
    PubSub,
}

/// How much unsent output a connection may have. Zero means no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputLimits {
    /// Bytes at which it is closed at once.
    pub hard: usize,
    /// Bytes that it may exceed only for a while.
    pub soft: usize,
    /// How long that is.
    pub soft_for: Duration,
    /// Bytes for it that wait in inboxes, as whoever pushed them has counted; they count as
    /// output.
    pub pushed: usize,
}

/// How a connection goes on after a command.
pub enum Flow {
    /// With the next command.
    Done,
    /// The command has done nothing yet and is executed again from its beginning when the
    /// connection is woken by [`Conns::unpark`]; input stops meanwhile. A peer that leaves is
    /// noticed only after the command ran.
    Park,
    /// As `Park`, for a wait that may be long (CLIENT PAUSE): when the peer leaves, the
    /// connection is closed and the command never runs.
    Hold,
    /// The command is done as far as input goes, and its reply comes later through [`Conns`];
    /// input stops until [`Conns::unblock`]. When the peer leaves, the connection is closed.
    Blocked,
    /// Close once all output is sent; what else the client sent is not executed.
    Close,
    /// Close now and drop unsent output.
    CloseNow,
    /// The socket leaves the worker once no output is withheld by a mark: the function gets it
    /// with what was not executed and not sent. It runs on the worker's thread.
    Detach(Box<dyn FnOnce(Detached) + Send>),
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flow::Done => "Done",
            Flow::Park => "Park",
            Flow::Hold => "Hold",
            Flow::Blocked => "Blocked",
            Flow::Close => "Close",
            Flow::CloseNow => "CloseNow",
            Flow::Detach(_) => "Detach",
        })
    }
}

/// A socket that has left its worker.
#[derive(Debug)]
pub struct Detached {
    /// The socket, in non-blocking mode.
    pub stream: Stream,
    /// Bytes that were read behind the command that detached.
    pub unread: Vec<u8>,
    /// Output that the socket did not take yet, that command's reply included.
    pub unsent: Vec<u8>,
    /// The connection's counters.
    pub stats: Arc<ConnStats>,
    /// Its place among the server's clients, which is free again once this is dropped.
    pub ticket: Ticket,
}

/// Why a connection was closed.
#[derive(Debug)]
pub enum CloseReason {
    /// The peer has closed it.
    Peer,
    /// The socket failed.
    Io(io::Error),
    /// What it sent is no request; the error was sent to it.
    Protocol(ProtocolError),
    /// It passed `client-query-buffer-limit`.
    QueryBuffer {
        /// Bytes that waited.
        bytes: usize,
    },
    /// It passed an output limit.
    OutputLimit {
        /// Unsent bytes, those in inboxes included.
        bytes: usize,
        /// Whether it was the soft limit, passed for too long.
        soft: bool,
    },
    /// It was idle for too long.
    Idle,
    /// The handler asked for it.
    Asked,
    /// The socket goes on elsewhere.
    Detached,
    /// The server stops.
    Stopped,
}

/// One value per worker, made on the worker's thread and never leaving it.
///
/// Nothing here may block: a worker that waits makes all its connections wait.
pub trait Handler: Sized {
    /// State of a connection.
    type Conn;
    /// What other threads may send to this worker.
    type Msg: Send + 'static;

    /// A connection has been accepted. `Err` refuses it: the bytes are written and it is closed,
    /// and there will be no call of `close`.
    fn open(&mut self, id: ConnId, peer: &PeerInfo) -> Result<Self::Conn, Vec<u8>>;

    /// A connection is gone.
    fn close(&mut self, conn: Self::Conn, why: CloseReason);

    /// Comes before a batch: `look_ahead`, `prefetch` and `execute` are called only between this
    /// and `batch_end`. At most 64 commands and about 200 µs lie between them, if no single command
    /// takes longer; when the time is up before the commands are, `batch_end` and `batch_begin`
    /// are called and execution goes on with the next `nth`, without another `look_ahead`.
    fn batch_begin(&mut self) {}

    /// Comes after a batch, before its replies are written. `on_msg` and `tick` come outside of
    /// batches (but see [`Handler::inbox_first`]).
    fn batch_end(&mut self, conns: &mut Conns<'_, Self>) {
        let _ = conns;
    }

    /// Comes before replies are written, outside of batches. What they wait for may be done here,
    /// and released.
    fn before_delivery(&mut self, conns: &mut Conns<'_, Self>) {
        let _ = conns;
    }

    /// Comes after replies were written when marks withhold some: whoever lets them go has to tell
    /// this worker. What was released before is released here.
    fn withholds(&mut self, conns: &mut Conns<'_, Self>) {
        let _ = conns;
    }

    /// Comes when all commands of a round have been executed, before the worker writes their
    /// replies or sleeps: what batches that follow at once may put off is due now. A connection
    /// that is closed here gets none of them.
    fn rest(&mut self, conns: &mut Conns<'_, Self>) {
        let _ = conns;
    }

    /// Looks at a command that will be executed in this batch, as number `nth` of it, unless its
    /// connection parks, blocks or closes before. No command of the batch has been executed yet.
    /// Here the command and its slots are found, and the memory of the slots is asked for.
    fn look_ahead(&mut self, conn: &Self::Conn, cmd: Args<'_>, nth: usize) {
        let _ = (conn, cmd, nth);
    }

    /// Comes when all commands of a batch have been looked at, before the first is executed: the
    /// memory of their entries is asked for.
    fn prefetch(&mut self) {}

    /// Executes a command and writes its reply. `nth` is the number it had in `look_ahead`.
    fn execute(
        &mut self,
        conn: &mut Self::Conn,
        cmd: Args<'_>,
        nth: usize,
        out: &mut Output,
    ) -> Flow;

    /// A message from the inbox.
    fn on_msg(&mut self, msg: Self::Msg, conns: &mut Conns<'_, Self>);

    /// Timers are due; answers how long until they are again (1 ms at least).
    fn tick(&mut self, conns: &mut Conns<'_, Self>) -> Duration;

    /// When `tick` must come earlier than it asked for: asked before each sleep, so that a command
    /// or a message can set a timer.
    fn due(&mut self) -> Option<Instant> {
        None
    }

    /// What the connection may send now. Asked before each parsing, outside of batches.
    fn read_limits(&mut self, conn: &Self::Conn) -> ReadLimits {
        let _ = conn;
        ReadLimits::default()
    }

    /// How much unsent output the connection may have. Asked after commands and pushes that
    /// left some.
    fn output_limits(&self, conn: &Self::Conn) -> OutputLimits {
        let _ = conn;
        OutputLimits::default()
    }

    /// After how long without input the connection is closed; `None` for never. Asked about
    /// twice a second, for connections that are not blocked or parked.
    fn idle_limit(&self, conn: &Self::Conn) -> Option<Duration> {
        let _ = conn;
        None
    }

    /// Whether messages in the inbox must reach this connection before the reply of the command
    /// executed next: true with subscriptions or tracking. Then the worker takes in its inbox
    /// after `execute`, within the batch, and appends the reply behind what came.
    fn inbox_first(&self, conn: &Self::Conn) -> bool {
        let _ = conn;
        false
    }

    /// After how many commands the clock is looked at, to bound the batch. A handler for which
    /// [`Handler::clock`] costs nothing says 1.
    const CLOCK_EVERY: usize = 8;

    /// The time. A handler that has just looked at the clock answers with what it saw.
    fn clock(&mut self) -> Instant {
        Instant::now()
    }
}
