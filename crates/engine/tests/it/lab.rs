//! An engine with one connection: commands in, replies out.

use engine::{Alone, ClientCard, Engine, Foreign, Outcome, Session, Settings, Worker};
use resp::ArgsBuf;
use std::sync::{Arc, Mutex};
use store::journal::{Audience, Reader};
use testkit::Reply;

/// An engine without a program around it.
pub fn engine(settings: Settings) -> Arc<Engine> {
    let directory = commands::Directory::default();
    Engine::new(store::Store::new(16), settings, directory, Arc::new(Alone))
}

/// A new connection.
pub fn session(engine: &Engine) -> Session {
    let local = "127.0.0.1:1".to_owned();
    let id = engine.clients.next_id();
    let card = Arc::new(ClientCard::new(id, local.clone(), local, -1, (0, 0)));
    engine.clients.add(card.clone());
    Session::new(card, true)
}

/// Hears of all events of an engine: each in a line, as scripts have them.
pub fn listen(engine: &Engine) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let lines = heard.clone();
    engine.store.listen(move |events| {
        let mut lines = lines.lock().unwrap();
        for (db, event, key) in events.iter() {
            let class = event.class.letter();
            lines.push(testkit::script::event_line(class, event.name, key, db));
        }
    });
    heard
}

/// A thread's worker with one connection.
pub struct Lab {
    pub engine: Arc<Engine>,
    pub worker: Worker,
    pub session: Session,
}

impl Lab {
    /// A new engine with the defaults.
    pub fn new() -> Lab {
        Lab::of(&engine(Settings::default()))
    }

    /// For this thread, on an engine that others may use as well.
    pub fn of(engine: &Arc<Engine>) -> Lab {
        Lab {
            engine: engine.clone(),
            worker: Worker::new(engine),
            session: session(engine),
        }
    }

    /// Another connection of the same thread takes the place of this one.
    pub fn reconnect(&mut self) {
        self.worker.forget(&mut self.session);
        self.session = session(&self.engine);
    }

    /// Executes one command once.
    pub fn execute<A: AsRef<[u8]>>(&mut self, words: &[A]) -> (Outcome, Vec<u8>) {
        let words: ArgsBuf = words.iter().map(AsRef::as_ref).collect();
        let mut out = Vec::new();
        self.worker.begin_batch();
        let outcome = self
            .worker
            .execute(&mut self.session, words.as_args(), &mut out);
        self.worker.end_batch();
        (outcome, out)
    }

    /// Executes a line of words and reads the one reply.
    #[track_caller]
    pub fn line(&mut self, line: &str) -> Reply {
        let words: Vec<&str> = line.split(' ').collect();
        let (outcome, out) = self.execute(&words);
        assert_eq!(outcome, Outcome::Done, "{line}");
        one_reply(&out)
    }

    /// Executes a line; its reply must be this, as text.
    #[track_caller]
    pub fn check(&mut self, line: &str, reply: &str) {
        assert_eq!(show(&self.line(line)), reply, "{line}");
    }
}

/// The only reply among some bytes.
#[track_caller]
pub fn one_reply(bytes: &[u8]) -> Reply {
    let mut rest = bytes;
    let reply = Reply::read(&mut rest);
    let reply = reply.unwrap_or_else(|error| panic!("{error}: {}", bytes.escape_ascii()));
    assert!(
        rest.is_empty(),
        "more than one reply: {}",
        bytes.escape_ascii()
    );
    reply
}

/// A reply in a line.
pub fn show(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) => format!("+{text}"),
        Reply::Error(text) => format!("-{text}"),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Nil => "nil".into(),
        Reply::Array(items) | Reply::Set(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(" "))
        }
        other => format!("{other:?}"),
    }
}

/// A replica of an engine: it applies what the journal hands out.
pub struct Copy {
    engine: Arc<Engine>,
    reader: Reader,
    foreign: Foreign,
}

impl Copy {
    /// Of an engine that is still empty.
    pub fn of(primary: &Arc<Engine>, settings: Settings) -> Copy {
        let journal = &primary.store.journal;
        journal.set_active(Audience::ALL, true);
        let reader = journal.reader(None).expect("a reader at the end");
        let engine = engine(settings);
        let foreign = Foreign::new(&engine, engine::Caller::Log);
        Copy {
            engine,
            reader,
            foreign,
        }
    }

    /// Applies what has come.
    ///
    /// # Errors
    /// What the first command that failed was answered.
    pub fn follow(&mut self) -> Result<(), String> {
        self.lines().map(drop)
    }

    /// Applies what has come; each command of it in a line.
    ///
    /// # Errors
    /// What the first command that failed was answered.
    pub fn lines(&mut self) -> Result<Vec<String>, String> {
        let (mut stream, mut lines) = (Vec::new(), Vec::new());
        while let Some(batch) = self.reader.next_batch() {
            let mut skip = batch.skip;
            for record in batch.records() {
                let skip = std::mem::take(&mut skip);
                if record.audience.replicas() {
                    stream.extend_from_slice(&record.command[skip..]);
                    let command = Reply::read(&mut &record.command[..]);
                    let command = command.map_err(|error| error.to_string())?;
                    let words = command.array().iter().map(Reply::bytes);
                    lines.push(testkit::script::command_line(words));
                }
            }
        }
        let applied = self.foreign.unit(&stream).map(|_| lines);
        applied.map_err(|why| format!("{why}: {}", stream.escape_ascii()))
    }

    /// A connection to it.
    pub fn lab(&self) -> Lab {
        Lab::of(&self.engine)
    }
}
