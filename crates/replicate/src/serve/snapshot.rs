//! A replica's full sync: its turn, the cut, and the way of the snapshot.

use super::Serving;
use super::progress::Progressing;
use crate::steady_ms;
use crate::traffic::ToReplica;
use base::{Offset, ReplId, SlotSet};
use replproto::{Framing, Level};
use std::io::{self, Write};
use std::time::Duration;
use store::journal::Reader;
use store::{Locker, Tap};

/// How many snapshots can always be made beside those for replicas: the dump, and the base of the
/// append-only file.
const SPARE_LANES: usize = 2;

/// A replica that waits longer for its turn, in ms, is in the log.
const LONG_WAIT: u64 = 500;

impl Serving {
    /// Takes the cut and sends the snapshot; returns the reader of what came after the cut.
    pub(super) fn send_snapshot(&self, socket: &mut ToReplica) -> Result<Reader, String> {
        let store = self.hub.store();
        let locker = Locker::new(store);
        let streams = self.streams();
        let mut claim = None;
        let [_, lanes] = &self.hub.rows;
        let mut place = self.row().enter(self.link.id);
        let (began, mut told) = (steady_ms(), "");
        let (tap, reader, id) = loop {
            let whole = (self.options.whole)();
            if whole && place.is_first() && !streams && claim.is_none() {
                claim = self.hub.claim_file();
                if claim.is_some() {
                    place = lanes.enter(self.link.id);
                }
            }
            if whole
                && (streams || claim.is_some())
                && place.is_first()
                && let Some(begun) = self.begin_snapshot(&locker)?
            {
                break begun;
            }
            if self.is_over() {
                return Err("the connection was closed".into());
            }
            let reason = if whole {
                place.wait();
                "others take all snapshots there may be"
            } else {
                "the data set is not whole"
            };
            let long = steady_ms().saturating_sub(began) > LONG_WAIT;
            if long && std::mem::replace(&mut told, reason) != reason {
                let name = self.session.lock().name();
                let line = format!("Replica {name} waits: {reason}");
                (self.options.log)(Level::Notice, &line);
            }
            std::thread::sleep(Duration::from_millis(20));
            // The replica sees that this server lives.
            let limits = (self.options.limits)();
            self.session.lock().tick(steady_ms(), limits.timeout_ms);
            self.effects(socket).map_err(|error| error.to_string())?;
        };
        drop(place);
        // No replica is ahead of the append-only file.
        let over = || self.is_over();
        store.journal.await_release(tap.cut.sequence, over);
        let offset = Offset(tap.cut.offset);
        if streams {
            self.stream_snapshot(socket, tap.for_network(), &locker, id, offset)?;
        } else {
            self.file_snapshot(socket, tap, &locker, id, offset)?;
        }
        Ok(reader)
    }

    /// Takes the cut, if there is a lane and the data set is whole. The lane is looked for first
    /// without the world, which stops all workers for a moment.
    fn begin_snapshot(&self, locker: &Locker) -> Result<Option<(Tap, Reader, ReplId)>, String> {
        let store = self.hub.store();
        if store.free_taps() <= SPARE_LANES {
            return Ok(None);
        }
        let world = locker.world();
        if !(self.options.whole)() {
            return Ok(None);
        }
        if self.hub.begin_backlog((self.options.limits)().backlog) {
            let id = (self.options.random_id)();
            self.hub.change_history(|history| history.forget(id));
        }
        let tap = store.tap_leaving(SPARE_LANES, &world, locker, SlotSet::full());
        let Some(tap) = tap else {
            return Ok(None);
        };
        let reader = store.journal.reader(Some(tap.cut));
        let reader = reader.ok_or("the journal was cut")?;
        self.bound(&reader);
        Ok(Some((tap, reader, self.hub.history().id)))
    }

    fn stream_snapshot(
        &self,
        socket: &mut ToReplica,
        tap: Tap,
        locker: &Locker,
        id: ReplId,
        offset: Offset,
    ) -> Result<(), String> {
        let mark = *(self.options.random_id)().as_bytes();
        self.session
            .lock()
            .snapshot_begins(steady_ms(), id, offset, Some(mark));
        let text = |error: io::Error| error.to_string();
        let begun = self.effects(socket).map_err(text);
        let mut sink = Progressing {
            socket,
            serving: self,
            dead: begun.is_err(),
        };
        (self.options.snapshot)(tap, locker, &mut sink)?;
        begun?;
        socket
            .write_all(Framing::Mark(mark).trailer())
            .map_err(text)?;
        self.session.lock().snapshot_sent(steady_ms());
        Ok(())
    }

    fn file_snapshot(
        &self,
        socket: &mut ToReplica,
        tap: Tap,
        locker: &Locker,
        id: ReplId,
        offset: Offset,
    ) -> Result<(), String> {
        let text = |error: io::Error| error.to_string();
        let name = format!("temp-sync-{}-{}.rdb", std::process::id(), self.link.id);
        let path = self.options.directory.join(name);
        self.session
            .lock()
            .snapshot_begins(steady_ms(), id, offset, None);
        let begun = self.effects(socket).map_err(text);
        let made = std::fs::File::create(&path).map_err(text);
        let written = match made {
            Ok(mut file) => (self.options.snapshot)(tap, locker, &mut file),
            Err(reason) => {
                let mut walker = tap.walker();
                walker.abandon();
                while walker.next(locker).is_some() {}
                Err(reason)
            }
        };
        let sent = begun.map(drop).and(written).and_then(|()| {
            let mut file = std::fs::File::open(&path).map_err(text)?;
            let length = file.metadata().map_err(text)?.len();
            self.session.lock().snapshot_on_disk(length);
            self.effects(socket).map_err(text)?;
            let piece = |sent: &u64| *sent;
            while self
                .pace
                .send(|| socket.send_piece(&mut file), piece)
                .map_err(text)?
                > 0
            {}
            Ok(())
        });
        // The file was only for this replica; a leftover is overwritten by the next process.
        let _ = std::fs::remove_file(&path);
        sent?;
        self.session.lock().snapshot_sent(steady_ms());
        Ok(())
    }
}
