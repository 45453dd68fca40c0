//! Events: what has happened to a key, as notifications of the key space name it.
//!
//! Whoever changes keys notes events while it does and posts them in one go: when the effects are
//! in the journal, and the slots are still locked.

use crate::Store;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The class of an event, as `notify-keyspace-events` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// `g`: of keys of any type.
    Generic,
    /// `$`
    String,
    /// `l`
    List,
    /// `h`
    Hash,
    /// `x`: a key was deleted because its time is up.
    Expired,
    /// `n`: there is a key that was not there.
    New,
}

impl Class {
    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Class::Generic => 'g',
            Class::String => '$',
            Class::List => 'l',
            Class::Hash => 'h',
            Class::Expired => 'x',
            Class::New => 'n',
        }
    }
}

/// What happens to a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its class.
    pub class: Class,
    /// Its name: mostly that of a command.
    pub name: &'static str,
}

impl Event {
    /// The time of a key was up.
    pub const EXPIRED: Event = Event::new(Class::Expired, "expired");

    /// An event of a class.
    pub const fn new(class: Class, name: &'static str) -> Event {
        Event { class, name }
    }
}

/// Events in the order in which they came.
#[derive(Default)]
pub struct Events {
    /// The number of the database, what happened, and where the key ends in `keys`.
    noted: Vec<(u16, Event, usize)>,
    keys: Vec<u8>,
}

/// How many bytes of keys the buffer keeps between commands.
const KEPT: usize = 1 << 16;

impl Events {
    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Notes one, of a key in a database (by its number).
    pub fn note(&mut self, db: u16, event: Event, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.noted.push((db, event, self.keys.len()));
    }

    /// The number of the database, what happened, and the key of each.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Event, &[u8])> {
        let mut start = 0;
        self.noted.iter().map(move |&(db, event, end)| {
            let key = &self.keys[std::mem::replace(&mut start, end)..end];
            (db, event, key)
        })
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.noted.clear();
        self.keys.clear();
        self.keys.shrink_to(KEPT);
        self.noted
            .shrink_to(KEPT / size_of::<(u16, Event, usize)>());
    }
}

type Hook = Box<dyn Fn(&Events) + Send + Sync>;

/// Who hears of events.
#[derive(Default)]
pub(crate) struct Listener {
    on: AtomicBool,
    hook: OnceLock<Hook>,
}

impl Store {
    /// Sets who hears of all events: of those of a command or transaction together, behind the
    /// append of its effects and before its slots are unlocked. So the hook waits for nothing. Only
    /// the first that is set hears of them.
    pub fn listen(&self, hook: impl Fn(&Events) + Send + Sync + 'static) {
        if self.listener.hook.set(Box::new(hook)).is_ok() {
            self.listener.on.store(true, Ordering::Release);
        }
    }

    /// Whether anybody hears of events: if not, none need be noted.
    #[inline]
    pub fn is_heard(&self) -> bool {
        self.listener.on.load(Ordering::Relaxed)
    }

    /// Tells who listens of what was noted, and forgets it.
    #[cold]
    pub fn post(&self, events: &mut Events) {
        if let Some(hook) = self.listener.hook.get() {
            hook(events);
        }
        events.clear();
    }
}
