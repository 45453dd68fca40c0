//! What the engine asks of the program around it: the commands that it cannot do alone, tickets for
//! connections that wait, and messages to them.

use crate::hosted::Call;
use crate::message::Message;
use crate::node::{Node, place};
use crate::persistence;
use config::LogLevel;
use engine::{Answer, ClientCard, Engine, Fail, Host, Session, Taken, Ticket};
use net::OutputClass;
use resp::ArgsBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::order::{Short, brief};

impl Host for Node {
    fn ticket(&self, session: &Session) -> Ticket {
        let workers = self.workers().cloned();
        let place = place(&session.card);
        Ticket::new(move |answer: Answer| {
            if let Some(workers) = workers {
                let _order = brief(Short::Inboxes);
                workers.send(usize::from(place.worker), Message::Answer(place, answer));
            }
        })
    }

    fn command(
        &self,
        _: &Engine,
        cmd: commands::Cmd,
        args: ArgsBuf,
        session: Option<&mut Session>,
    ) -> Result<Taken, Fail> {
        let call = Call {
            node: &self.shared(),
            engine: self.engine(),
            args: args.as_args(),
            session,
        };
        crate::hosted::run(cmd, call)
    }

    fn memory(&self) -> engine::MemoryReport {
        crate::memory::report(self)
    }

    fn pause_changed(&self) {
        self.after_pause();
    }

    fn fault(&self, text: &str) {
        self.log(LogLevel::Warning, text);
    }

    fn flushed(&self) {
        // Nothing is whole too, unless somebody puts something there.
        if let Some(loader) = self.replication().loader() {
            self.replication().replaced(&loader);
            crate::append_only::begin_later(self);
        }
        persistence::save_after_flush(&self.shared(), self.engine());
    }

    fn nudge(&self, card: &ClientCard) {
        if let Some(cut) = card.cut.get() {
            cut();
            return;
        }
        let place = place(card);
        self.send(place, Message::Look(place));
    }

    fn push(&self, card: &ClientCard, bytes: Arc<[u8]>) {
        if card.is_killed() {
            return;
        }
        let pushed = card.pushed.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        // They count as output from now on: a worker that is busy must not let them grow for ever.
        let (hard, ..) = self.engine().settings().output_limits[OutputClass::Normal as usize];
        if hard > 0 && pushed > hard {
            return self.cut_off_pushed(card, pushed);
        }
        let place = place(card);
        self.send(place, Message::Push(place, bytes));
    }
}
