//! Tests of what comes before a command runs.

use super::*;
use crate::{ClientCard, Host, MemoryReport, Taken, Ticket};
use resp::ArgsBuf;

/// Nothing here asks the program around the engine.
struct Nobody;

impl Host for Nobody {
    fn memory(&self) -> MemoryReport {
        MemoryReport::default()
    }

    fn ticket(&self, _: &Session) -> Ticket {
        Ticket::new(|_| {})
    }

    fn command(
        &self,
        _: &Engine,
        cmd: Cmd,
        _: ArgsBuf,
        _: Option<&mut Session>,
    ) -> Result<Taken, Fail> {
        panic!("{cmd:?} is not part of this")
    }

    fn pause_changed(&self) {}

    fn nudge(&self, _: &ClientCard) {}

    fn push(&self, _: &ClientCard, _: Arc<[u8]>) {}
}

#[test]
fn commands_wait_for_a_load_that_may_be_over_in_a_moment() {
    let directory = commands::Directory::default();
    let settings = Settings::default();
    let engine = Engine::new(store::Store::new(16), settings, directory, Arc::new(Nobody));
    let card = ClientCard::new(1, String::new(), String::new(), -1, (0, 0));
    let mut session = Session::new(Arc::new(card), true);
    let mut worker = Worker::new(&engine);
    let words: ArgsBuf = [b"GET".as_slice(), b"k"].into_iter().collect();
    let mut get = |worker: &mut Worker| {
        let mut out = Vec::new();
        worker.begin_batch();
        let outcome = worker.execute(&mut session, words.as_args(), &mut out);
        worker.end_batch();
        (outcome, out)
    };
    assert_eq!(get(&mut worker), (Outcome::Done, b"$-1\r\n".to_vec()));
    engine.change_settings(|settings| settings.loading = true);
    // The batch's clock was read before the worker saw that.
    assert_eq!(get(&mut worker), (Outcome::Later, Vec::new()));
    // What takes its time is told.
    worker.loading_since = Instant::now().checked_sub(Duration::from_secs(1));
    let (outcome, out) = get(&mut worker);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.starts_with(b"-LOADING "), "{out:?}");
    // The next load is another one.
    engine.change_settings(|settings| settings.loading = false);
    assert_eq!(get(&mut worker).0, Outcome::Done);
    engine.change_settings(|settings| settings.loading = true);
    assert_eq!(get(&mut worker).0, Outcome::Later);
}
