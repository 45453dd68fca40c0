//! The least a server can be: GET, SET, DEL and PING over a hash map, to measure the loop alone.
//!
//! `cargo run --release -p net --example kv -- PORT [WORKERS]`; each worker has a map of its own.

use std::collections::HashMap;
use std::time::Duration;

use net::{
    Args, CloseReason, ConnId, Conns, Flow, Handler, Listen, Options, Output, PeerInfo, Server,
};

struct Kv {
    map: HashMap<Box<[u8]>, Box<[u8]>>,
}

impl Handler for Kv {
    type Conn = ();
    type Msg = ();

    fn open(&mut self, _: ConnId, _: &PeerInfo) -> Result<(), Vec<u8>> {
        Ok(())
    }

    fn close(&mut self, (): (), _: CloseReason) {}

    fn execute(&mut self, (): &mut (), cmd: Args<'_>, _: usize, out: &mut Output) -> Flow {
        let name = cmd.get(0);
        let mut reply = out.reply();
        match (cmd.len(), name) {
            (2, name) if name.eq_ignore_ascii_case(b"get") => match self.map.get(cmd.get(1)) {
                Some(value) => reply.bulk(value),
                None => reply.null(),
            },
            (3, name) if name.eq_ignore_ascii_case(b"set") => {
                self.map.insert(cmd.get(1).into(), cmd.get(2).into());
                reply.ok();
            }
            (2, name) if name.eq_ignore_ascii_case(b"del") => {
                reply.int(i64::from(self.map.remove(cmd.get(1)).is_some()));
            }
            (1, name) if name.eq_ignore_ascii_case(b"ping") => reply.raw(resp::shared::PONG),
            (1, name) if name.eq_ignore_ascii_case(b"quit") => {
                reply.ok();
                return Flow::Close;
            }
            _ => reply.error("ERR unknown command or wrong number of arguments"),
        }
        Flow::Done
    }

    fn on_msg(&mut self, (): (), _: &mut Conns<'_, Self>) {}

    fn tick(&mut self, _: &mut Conns<'_, Self>) -> Duration {
        Duration::from_secs(1)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().ok_or("usage: kv PORT [WORKERS]")?.parse()?;
    let workers = args.next().map_or(Ok(1), |count| count.parse())?;
    let listen = vec![Listen::Tcp(([127, 0, 0, 1], port).into())];
    let options = Options {
        workers,
        listen,
        ..Options::default()
    };
    let server = Server::start(options, |_| Kv {
        map: HashMap::new(),
    })?;
    println!("listening at {}", server.addresses()[0]);
    loop {
        std::thread::park();
    }
}
