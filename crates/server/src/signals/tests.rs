//! Tests of signals, sent to the test process itself.

use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use super::{Watch, Wish};

#[test]
fn a_second_interrupt_insists() {
    let (sender, wishes) = channel();
    let watch = Watch::start(move |wish| sender.send(wish).unwrap()).unwrap();
    let raise = |signal, expected| {
        kill_process(getpid(), signal).unwrap();
        assert_eq!(wishes.recv_timeout(Duration::from_secs(20)), Ok(expected));
    };
    kill_process(getpid(), Signal::HUP).unwrap();
    raise(Signal::INT, Wish::Interrupt);
    raise(Signal::INT, Wish::Insist);
    watch.called_off();
    raise(Signal::INT, Wish::Interrupt);
    watch.called_off();
    raise(Signal::TERM, Wish::Terminate);
    raise(Signal::TERM, Wish::Terminate);
    raise(Signal::INT, Wish::Insist);
    watch.called_off();
    watch.ending();
    raise(Signal::INT, Wish::Insist);
    watch.stop();
}
