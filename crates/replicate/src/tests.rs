//! Tests of the drivers.

use crate::{Hub, ServeLimits, ServeOptions, serve};
use base::{ReplId, SlotSet};
use replproto::{PrimarySession, Role};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Locker, Store};

const LIMIT: Duration = Duration::from_secs(30);

fn random_id() -> ReplId {
    ReplId::NONE
}

/// Options of a server that streams no snapshots and writes empty ones.
fn options() -> ServeOptions {
    ServeOptions {
        role: Box::new(|| Role::Primary),
        limits: Box::new(|| ServeLimits {
            timeout_ms: 60_000,
            lag: 0,
            backlog: 1 << 20,
        }),
        diskless: false,
        nodelay: true,
        directory: std::env::temp_dir(),
        snapshot: Arc::new(|_, _, _| Err("none is made".into())),
        log: Arc::new(|_, _| {}),
        random_id,
        whole: Box::new(|| true),
        closed: Arc::default(),
        acknowledge_now: Box::new(|| {}),
    }
}

/// A replica that has sent SYNC; and the thread that serves it.
fn replica(hub: &Arc<Hub>) -> (TcpStream, std::thread::JoinHandle<()>) {
    replica_of(hub, options())
}

fn replica_of(hub: &Arc<Hub>, options: ServeOptions) -> (TcpStream, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let theirs = TcpStream::connect(address).expect("a connection");
    let (ours, _) = listener.accept().expect("it is there");
    let hub = hub.clone();
    let serving = std::thread::spawn(move || {
        let session = PrimarySession::new("127.0.0.1");
        let request = vec![b"SYNC".to_vec()];
        serve(&hub, ours.into(), session, request, Vec::new(), options);
    });
    theirs.set_read_timeout(Some(LIMIT)).expect("it is set");
    (theirs, serving)
}

/// Who waits for a snapshot shows that the server lives, and does not ask for the world: as long as
/// this thread has it, nobody else gets it.
#[test]
fn who_waits_for_a_snapshot_does_not_take_the_world() {
    let store = Store::new(1);
    let hub = Hub::new(&store, random_id());
    let locker = Locker::new(&store);
    let world = locker.world();
    let mut taps = Vec::new();
    while store.free_taps() > 2 {
        taps.extend(store.tap(&world, &locker, SlotSet::full()));
    }
    let (mut replica, serving) = replica(&hub);
    let mut beats = [0; 3];
    let read = replica.read_exact(&mut beats);
    drop(world);
    read.expect("it is told that the server lives");
    assert_eq!(&beats, b"\n\n\n");
    drop(replica);
    serving.join().expect("it ends");
}

/// A replica that takes nothing of the file that was made for it gives back its place.
#[test]
fn a_replica_that_takes_nothing_of_its_file_is_let_go() {
    let store = Store::new(1);
    let hub = Hub::new(&store, random_id());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let replica = TcpStream::connect(listener.local_addr().expect("it has one")).expect("a link");
    let (ours, _) = listener.accept().expect("it is there");
    let options = ServeOptions {
        limits: Box::new(|| ServeLimits {
            timeout_ms: 300,
            lag: 0,
            backlog: 1 << 20,
        }),
        // More than sockets hold.
        snapshot: Arc::new(|tap, locker, out| {
            let mut walker = tap.walker();
            walker.abandon();
            while walker.next(locker).is_some() {}
            let piece = vec![b'x'; 1 << 20];
            let written = (0..64).try_for_each(|_| out.write_all(&piece));
            written.map_err(|error| error.to_string())
        }),
        ..options()
    };
    let (end, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let session = PrimarySession::new("127.0.0.1");
        let request = vec![b"SYNC".to_vec()];
        serve(&hub, ours.into(), session, request, Vec::new(), options);
        let _ = end.send(());
    });
    ended.recv_timeout(LIMIT).expect("its place is free");
    drop(replica);
}

/// Half a data set would take the place of the replica's own.
#[test]
fn no_snapshot_is_made_of_what_is_not_whole() {
    let store = Store::new(1);
    let hub = Hub::new(&store, random_id());
    let whole = Arc::new(AtomicBool::new(false));
    let made = Arc::new(AtomicBool::new(false));
    let (asked, makes) = (whole.clone(), made.clone());
    let options = ServeOptions {
        whole: Box::new(move || asked.load(Ordering::Acquire)),
        snapshot: Arc::new(move |tap, locker, _| {
            makes.store(true, Ordering::Release);
            let mut walker = tap.walker();
            walker.abandon();
            while walker.next(locker).is_some() {}
            Err("that is all".into())
        }),
        ..options()
    };
    let (mut replica, serving) = replica_of(&hub, options);
    let mut beats = [0; 3];
    let read = replica.read_exact(&mut beats);
    read.expect("it is told that the server lives");
    assert!(!made.load(Ordering::Acquire));
    whole.store(true, Ordering::Release);
    serving.join().expect("it ends");
    assert!(made.load(Ordering::Acquire));
}
