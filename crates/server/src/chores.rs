//! What commands have done that takes its time: one thread does one chore after another, while the
//! connections wait and their workers go on.

use parking_lot::Mutex;
use std::io;
use std::sync::mpsc::{Sender, channel};

type Chore = Box<dyn FnOnce() + Send>;

/// The thread that does chores, started with the first.
#[derive(Default)]
pub(crate) struct Chores(Mutex<Option<Sender<Chore>>>);

impl Chores {
    /// Has the thread do this behind all that it was given before.
    ///
    /// # Errors
    /// There is no thread and none can be started; nothing was done.
    pub(crate) fn add(&self, chore: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut sender = self.0.lock();
        if sender.is_none() {
            let (send, todo) = channel::<Chore>();
            std::thread::Builder::new()
                .name("chores".into())
                .spawn(move || todo.into_iter().for_each(|chore| chore()))?;
            *sender = Some(send);
        }
        if let Some(sender) = &*sender {
            // The thread lives as long as this sender.
            let _ = sender.send(Box::new(chore));
        }
        Ok(())
    }
}
