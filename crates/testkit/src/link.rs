//! A TCP proxy that stands before a server, to cut, stall and delay its connections.
//!
//! A node that announces the link's port instead of its own (`cluster-announce-port`,
//! `cluster-announce-bus-port`) is reached only through the link.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Which way bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the one that connected to the server.
    ToServer,
    /// From the server to the one that connected.
    FromServer,
}

#[derive(Debug, Default)]
struct State {
    cut: bool,
    stalled: [bool; 2],
    delay: [Duration; 2],
    streams: Vec<TcpStream>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    closed: AtomicBool,
    carried: [AtomicU64; 2],
}

/// A proxy before one port; closed when dropped.
#[derive(Debug)]
pub struct Link {
    port: u16,
    shared: Arc<Shared>,
}

impl Link {
    /// Opens a link to a port on 127.0.0.1, on a free port of its own.
    ///
    /// # Errors
    /// Those of the listening socket.
    pub fn to(target: u16) -> io::Result<Link> {
        Self::on(0, target)
    }

    /// Opens a link on a given port.
    ///
    /// # Errors
    /// Those of the listening socket.
    pub fn on(port: u16, target: u16) -> io::Result<Link> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if own.closed.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(client) = client {
                    own.carry(client, target);
                }
            }
        });
        Ok(Link { port, shared })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Bytes carried so far in one direction.
    pub fn carried(&self, direction: Direction) -> u64 {
        self.shared.carried[direction as usize].load(Ordering::SeqCst)
    }

    /// Closes every connection and refuses new ones.
    pub fn cut(&self) {
        self.shared.change(|state| {
            state.cut = true;
            for stream in state.streams.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }

    /// Holds the bytes of one direction back; connections stay open. Held bytes flow again after
    /// [`Link::heal`], as after a pause of the network.
    pub fn stall(&self, direction: Direction) {
        self.shared
            .change(|state| state.stalled[direction as usize] = true);
    }

    /// Lets every piece of one direction wait this long before it is passed on.
    pub fn delay(&self, direction: Direction, wait: Duration) {
        self.shared
            .change(|state| state.delay[direction as usize] = wait);
    }

    /// Ends cut, stall and delay.
    pub fn heal(&self) {
        self.shared.change(|state| {
            state.cut = false;
            state.stalled = [false; 2];
            state.delay = [Duration::ZERO; 2];
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Wakes the thread that accepts, so that it sees the flag.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn carry(self: &Arc<Self>, client: TcpStream, target: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
            return;
        };
        let pair = || Ok::<_, io::Error>((client.try_clone()?, server.try_clone()?));
        let (Ok(kept), Ok((client_two, server_two))) = (pair(), pair()) else {
            return;
        };
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.cut {
                return;
            }
            state.streams.extend([kept.0, kept.1]);
        }
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let forth = Arc::clone(self);
        std::thread::spawn(move || forth.pump(client, server_two, Direction::ToServer));
        let back = Arc::clone(self);
        std::thread::spawn(move || back.pump(server, client_two, Direction::FromServer));
    }

    /// Passes bytes on until one side closes.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let wait = self.pass(direction);
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
            self.carried[direction as usize].fetch_add(count as u64, Ordering::SeqCst);
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Waits while the direction is stalled; answers its delay.
    fn pass(&self, direction: Direction) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self
            .changed
            .wait_while(state, |state| {
                let over = state.cut || self.closed.load(Ordering::SeqCst);
                state.stalled[direction as usize] && !over
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.delay[direction as usize]
    }
}
