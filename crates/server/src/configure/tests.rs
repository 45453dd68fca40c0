//! Tests of changes of the configuration.

use super::set;
use crate::node::Node;
use config::Config;
use engine::{ClientCard, Engine, Session, Taken};
use resp::ArgsBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);

fn server() -> (Arc<Node>, Arc<Engine>) {
    let node = Node::new(Config::default());
    let settings = engine::Settings::of(&node.config.read());
    let (store, names) = (store::Store::new(16), commands::Directory::new());
    let engine = Engine::new(store, settings, names, node.clone());
    node.set_engine(engine.clone());
    (node, engine)
}

/// A worker waited there with its gate open, so that no other one got the world.
#[test]
fn no_worker_waits_for_another_change() {
    let (node, engine) = server();
    // Somebody waits for the acceptor.
    let turn = node.config_turns.changes.lock();
    let (sender, taken) = channel();
    let for_worker = node.clone();
    let worker = std::thread::spawn(move || {
        let card = ClientCard::new(1, String::new(), String::new(), 0, (0, 0));
        let mut session = Session::new(Arc::new(card), true);
        let mut words = ArgsBuf::new();
        for word in ["CONFIG", "SET", "hz", "11"] {
            words.push(word.as_bytes());
        }
        let taken = set(&for_worker, &engine, words.as_args(), Some(&mut session));
        let _ = sender.send(matches!(taken, Ok(Taken::Later)));
    });
    assert_eq!(taken.recv_timeout(LIMIT), Ok(true), "the worker waits");
    assert_eq!(node.config.read().hz, 10);
    drop(turn);
    let until = Instant::now() + LIMIT;
    while node.config.read().hz != 11 {
        assert!(Instant::now() < until, "the change is not carried out");
        std::thread::yield_now();
    }
    assert!(worker.join().is_ok());
}
