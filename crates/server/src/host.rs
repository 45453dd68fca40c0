//! What the engine asks of the program around it: the commands that it cannot do alone, tickets for
//! connections that wait, and messages to them.

use crate::message::Message;
use crate::node::{Node, ok, place};
use crate::{append_only, persistence, replication};
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
        engine: &Engine,
        cmd: commands::Cmd,
        args: ArgsBuf,
        session: Option<&mut Session>,
    ) -> Result<Taken, Fail> {
        use commands::Cmd;
        let args = args.as_args();
        let (node, shared) = (self.shared(), self.engine());
        match cmd {
            Cmd::Info => Ok(crate::info::info(self, engine, args)),
            Cmd::ConfigGet => Ok(crate::configure::get(self, args)),
            Cmd::ConfigSet => crate::configure::set(&node, shared, args, session),
            Cmd::ConfigRewrite => crate::configure::rewrite(self, config::rewrite, session),
            Cmd::ConfigResetstat => {
                engine.stats.reset();
                engine.store.reset_stats();
                self.reset_stats();
                Ok(ok())
            }
            Cmd::Save => persistence::save(&node, shared, session.map(|s| self.ticket(s))),
            Cmd::Bgrewriteaof => append_only::bgrewriteaof(&node, shared),
            Cmd::Waitaof => crate::waiting::waitaof(&node, engine, args, session),
            Cmd::Bgsave => persistence::bgsave(&node, shared, args),
            Cmd::Debug => crate::debug::run(&node, shared, args, session),
            Cmd::MemoryPurge => Ok(crate::memory::purge()),
            Cmd::MemoryMallocStats => Ok(crate::memory::allocator_stats()),
            Cmd::Lastsave => {
                let at = self.persistence.last_save();
                Ok(Taken::Now(Box::new(move |reply| reply.int(at))))
            }
            Cmd::Role
            | Cmd::Replicaof
            | Cmd::Slaveof
            | Cmd::Replconf
            | Cmd::Psync
            | Cmd::Sync
            | Cmd::Wait => replication::run(&node, engine, cmd, args, session),
            Cmd::Migrate => crate::migrate::run(&node, engine, args, session),
            Cmd::Shutdown => crate::ending::shutdown(&node, args, session),
            _ if cmd.spec().parent == Some(Cmd::Cluster) => {
                crate::cluster_command::run(self, engine, cmd, args, session)
            }
            _ => Err(format!("ERR unknown command '{}'", cmd.spec().full_name).into()),
        }
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
            append_only::begin_later(self);
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
