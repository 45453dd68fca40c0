//! What holds for links before a known node has spoken on them.

use super::{Deaf, Dir, options};
use crate::{Handle, Hooks, Primary, STRANGERS, start};
use base::{Epoch, NodeId, Offset, SlotSet};
use bus::{Body, Flags, Gossip, GossipEntry, Header, HeaderState, IpText, Packet};
use cluster::{Level, View};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

fn id(letter: u8) -> NodeId {
    NodeId::parse(&[letter; 40]).expect("a name")
}

const ME: u8 = b'a';
const FRIEND: u8 = b'b';
const STRANGER: u8 = b'c';

/// A node that knows one other, which cannot be reached.
fn node(name: &str, hooks: Box<dyn Hooks>) -> (Dir, Handle, u16) {
    node_of(name, hooks, 1000)
}

/// The same with a node time-out.
fn node_of(name: &str, hooks: Box<dyn Hooks>, timeout: u64) -> (Dir, Handle, u16) {
    let dir = Dir::new(name);
    let conf = format!(
        "{} 127.0.0.1:1@10001 myself,master - 0 0 1 connected\n\
         {} 127.0.0.1:2@2 master - 0 0 2 connected\n\
         vars currentEpoch 2 lastVoteEpoch 0\n",
        id(ME),
        id(FRIEND)
    );
    std::fs::write(dir.0.join("nodes.conf"), conf).expect("written");
    let mut options = options(&dir);
    options.settings.node_timeout = timeout;
    let port = options.settings.bus_port;
    (dir, start(options, hooks).expect("started"), port)
}

fn packet(from: u8, body: Body) -> Vec<u8> {
    packet_at((IpText::EMPTY, 2), from, body)
}

/// A packet that names the sender's address.
fn packet_at((ip, bus_port): (IpText, u16), from: u8, body: Body) -> Vec<u8> {
    let header = Header {
        sender: id(from),
        port: 2,
        secondary_port: 0,
        bus_port,
        current_epoch: Epoch(2),
        config_epoch: Epoch(2),
        offset: Offset(0),
        slots: Arc::default(),
        replica_of: None,
        ip,
        flags: Flags::MASTER,
        state: HeaderState::Ok,
        marks: 0,
    };
    Packet { header, body }.encode()
}

fn ping(from: u8) -> Vec<u8> {
    packet(from, Body::Ping(Gossip::default()))
}

fn publish(from: u8, length: usize) -> Vec<u8> {
    let body = Body::Publish {
        channel: b"c".to_vec(),
        message: vec![b'x'; length],
        sharded: false,
    };
    packet(from, body)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(LIMIT)).expect("set");
    stream.set_write_timeout(Some(LIMIT)).expect("set");
    stream
}

/// Reads one packet; whether one came.
fn answered(stream: &mut TcpStream) -> bool {
    let mut head = [0; 8];
    if stream.read_exact(&mut head).is_err() {
        return false;
    }
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    stream.read_exact(&mut vec![0; length - 8]).is_ok()
}

/// Whether the node has closed the link, which nothing more is to come by.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("set");
    let read = stream.read(&mut [0; 1]);
    stream.set_nonblocking(false).expect("set");
    !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Tells which messages come.
struct Ears(mpsc::Sender<usize>);

impl Hooks for Ears {
    fn view(&mut self, _: Arc<View>) {}
    fn serve_until(&mut self, _: Instant) {}
    fn replicate(&mut self, _: Primary) {}
    fn become_primary(&mut self) {}
    fn slots_lost(&mut self, _: SlotSet) {}
    fn empty_data(&mut self) {}
    fn pause(&mut self, _: Instant) {}
    fn unpause(&mut self) {}
    fn deliver(&mut self, _: Vec<u8>, message: Vec<u8>, _: bool) {
        _ = self.0.send(message.len());
    }
    fn log(&mut self, _: Level, _: String) {}
}

/// The machine knows the link once it has the first packet, and the second may be in the same read.
#[test]
fn a_node_may_send_a_long_message_right_behind_its_first_packet() {
    let (sender, heard) = mpsc::channel();
    let (_dir, node, port) = node("behind", Box::new(Ears(sender)));
    let mut link = connect(port);
    let mut bytes = ping(FRIEND);
    for length in [5, 3 << 20] {
        bytes.extend(publish(FRIEND, length));
    }
    link.write_all(&bytes).expect("written");
    assert_eq!(heard.recv_timeout(LIMIT), Ok(5));
    assert_eq!(heard.recv_timeout(LIMIT), Ok(3 << 20));
    node.shutdown();
}

#[test]
fn a_stranger_sends_no_long_packet_and_a_meet_with_much_gossip_passes() {
    let (_dir, node, port) = node("long", Box::new(Deaf));
    let mut link = connect(port);
    let long = link.write_all(&publish(STRANGER, 3 << 20));
    let sent = long.and_then(|()| link.write_all(&ping(STRANGER)));
    assert!(sent.is_err() || !answered(&mut link), "the link is closed");
    let entry = |nth: u32| {
        let mut name = [b'd'; 40];
        name[..8].copy_from_slice(format!("{nth:08x}").as_bytes());
        GossipEntry {
            id: NodeId::parse(&name).expect("a name"),
            ping_sent: 0,
            pong_received: 0,
            ip: IpText::EMPTY,
            port: 1,
            bus_port: 1,
            flags: Flags::MASTER.with(Flags::NOADDR),
            secondary_port: 0,
        }
    };
    let gossip = Gossip {
        entries: (0..9000).map(entry).collect(),
        extensions: Vec::new(),
    };
    let mut link = connect(port);
    link.write_all(&packet(STRANGER, Body::Meet(gossip)))
        .expect("written");
    assert!(answered(&mut link));
    node.shutdown();
}

#[test]
fn silent_strangers_are_closed_and_nodes_are_not() {
    let (_dir, node, port) = node("silent", Box::new(Deaf));
    let mut friend = connect(port);
    friend.write_all(&ping(FRIEND)).expect("written");
    assert!(answered(&mut friend));
    // One that never says anything, and one that never ends its packet.
    let (mut silent, mut slow) = (connect(port), connect(port));
    slow.write_all(&ping(STRANGER)[..2255]).expect("written");
    let since = Instant::now();
    assert!(!answered(&mut silent));
    assert!(!answered(&mut slow));
    assert!(since.elapsed() < LIMIT, "closed by the node");
    friend.write_all(&ping(FRIEND)).expect("written");
    assert!(answered(&mut friend));
    node.shutdown();
}

#[test]
fn strangers_take_places_from_each_other_and_from_no_node() {
    let (_dir, node, port) = node("crowd", Box::new(Deaf));
    let mut friend = connect(port);
    friend.write_all(&ping(FRIEND)).expect("written");
    assert!(answered(&mut friend));
    let mut crowd: Vec<TcpStream> = (0..200).map(|_| connect(port)).collect();
    // Who makes itself known now has a place.
    let mut late = connect(port);
    late.write_all(&packet(STRANGER, Body::Meet(Gossip::default())))
        .expect("written");
    assert!(answered(&mut late));
    let open = crowd
        .iter_mut()
        .filter_map(|link| (!is_closed(link)).then_some(()));
    let open = open.count();
    assert!(open <= STRANGERS, "{open}");
    friend.write_all(&ping(FRIEND)).expect("written");
    assert!(answered(&mut friend));
    node.shutdown();
}

#[test]
fn answers_that_a_stranger_does_not_take_are_not_kept() {
    let (_dir, node, port) = node("deaf", Box::new(Deaf));
    let mut link = connect(port);
    let bytes = ping(STRANGER).repeat(100);
    let written = (0..1000).take_while(|_| link.write_all(&bytes).is_ok());
    assert!(written.count() < 1000, "it is cut off");
    assert!(node.link_bytes() < 8 << 20, "{}", node.link_bytes());
    node.shutdown();
}

/// Each MEET names another address, where somebody listens who says nothing.
#[test]
fn a_stranger_has_no_crowd_of_nodes_dialled() {
    let (_dir, node, port) = node_of("dialled", Box::new(Deaf), 60_000);
    let ear = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let at = ear.local_addr().expect("an address").port();
    let (sender, dialled) = mpsc::channel();
    std::thread::spawn(move || while sender.send(ear.accept()).is_ok() {});
    let mut link = connect(port);
    for last in 1..=50 {
        let ip = IpText::new(&format!("127.0.1.{last}")).expect("an address");
        let meet = Body::Meet(Gossip::default());
        link.write_all(&packet_at((ip, at), STRANGER, meet))
            .expect("written");
        assert!(answered(&mut link));
    }
    let mut open = Vec::new();
    while let Ok(link) = dialled.recv_timeout(Duration::from_secs(1)) {
        open.push(link.expect("a connection"));
    }
    assert_eq!(open.len(), STRANGERS);
    node.shutdown();
}

/// Stands still at each message until it may go on.
struct Stops(mpsc::Sender<()>, mpsc::Receiver<()>);

impl Hooks for Stops {
    fn view(&mut self, _: Arc<View>) {}
    fn serve_until(&mut self, _: Instant) {}
    fn replicate(&mut self, _: Primary) {}
    fn become_primary(&mut self) {}
    fn slots_lost(&mut self, _: SlotSet) {}
    fn empty_data(&mut self) {}
    fn pause(&mut self, _: Instant) {}
    fn unpause(&mut self) {}
    fn deliver(&mut self, _: Vec<u8>, _: Vec<u8>, _: bool) {
        _ = self.0.send(());
        _ = self.1.recv();
    }
    fn log(&mut self, _: Level, _: String) {}
}

/// A node whose link waits among many others is read before those take its place, and nobody has to
/// go before he could have said who he is.
#[test]
fn a_node_among_many_strangers_is_heard() {
    let (stopped, stops) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let (_dir, _handle, port) = node("crowd", Box::new(Stops(stopped, goes_on)));
    let mut first = connect(port);
    first.write_all(&publish(FRIEND, 1)).expect("sent");
    stops.recv_timeout(LIMIT).expect("it stands still");
    let turn = STRANGERS + 4;
    let before: Vec<TcpStream> = (0..turn).map(|_| connect(port)).collect();
    let mut friend = connect(port);
    friend.write_all(&ping(FRIEND)).expect("sent");
    let mut behind: Vec<TcpStream> = (0..3 * turn).map(|_| connect(port)).collect();
    let began = Instant::now();
    go_on.send(()).expect("it waits");
    assert!(answered(&mut friend), "the friend was closed unheard");
    // Whoever came in the third turn took the place of one that came in the second.
    let mut byte = [0; 1];
    assert_eq!(behind[0].read(&mut byte).ok(), Some(0), "it had to go");
    assert!(began.elapsed() >= 2 * Duration::from_millis(20));
    drop(before);
}
