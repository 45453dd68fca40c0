//! What is appended at once: the records of one command or transaction.

use super::tail::Selected;
use super::{Audience, Effect};

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

fn select(db: u16) -> Vec<u8> {
    let number = db.to_string();
    let mut command = Vec::with_capacity(32);
    base::words::put(&mut command, ["SELECT", number.as_str()].iter());
    command
}

/// The effects of one command or transaction, with what has to stand around them.
pub(super) struct Unit<'a> {
    effects: &'a [Effect<'a>],
    /// Who reads at all.
    active: usize,
    /// Who sees MULTI and EXEC around it.
    frame: Option<Audience>,
    selects: Selects,
}

/// What a unit does to the database that the replication stream is in.
enum Selects {
    /// The stream is our own: it needs a SELECT where the database changes.
    Changes,
    /// It comes from a primary, whose stream is in this database behind it.
    PassesOn(u16),
    /// It is in no database.
    Nothing,
}

impl<'a> Unit<'a> {
    /// With more than one effect the unit is wrapped in MULTI and EXEC.
    pub(super) fn framed(effects: &'a [Effect<'a>], active: usize) -> Unit<'a> {
        // Whoever sees none of the unit sees no frame either.
        let everybody = effects.iter().map(|effect| effect.audience);
        let frame = everybody.reduce(Audience::or).map(|all| all.and(active));
        Unit {
            effects,
            active,
            frame: frame.filter(|all| effects.len() > 1 && all.bits() != 0),
            selects: Selects::Changes,
        }
    }

    /// The records as they are, behind which the primary's stream is in database `db`.
    pub(super) fn verbatim(effects: &'a [Effect<'a>], active: usize, db: u16) -> Unit<'a> {
        Unit {
            effects,
            active,
            frame: None,
            selects: Selects::PassesOn(db),
        }
    }

    /// Talk of the link, as it is.
    pub(super) fn talk(effects: &'a [Effect<'a>], active: usize) -> Unit<'a> {
        Unit {
            effects,
            active,
            frame: None,
            selects: Selects::Nothing,
        }
    }

    /// Calls `record` for each record: its database, who sees it, its command. `selected` is the
    /// database that the replication stream is in before it; returns that behind it.
    #[inline]
    pub(super) fn walk(
        &self,
        selected: Selected,
        mut record: impl FnMut(u16, Audience, &[u8]),
    ) -> Selected {
        let mut own = selected.own();
        // The selection belongs to the unit, as in Redis: a unit begins with its MULTI.
        if let Some(frame) = self.frame {
            record(self.effects[0].db, frame, MULTI);
        }
        for effect in self.effects {
            let audience = effect.audience.and(self.active);
            if audience.bits() == 0 {
                continue;
            }
            let changes = matches!(self.selects, Selects::Changes);
            if changes && audience.replicas() && own != Some(effect.db) {
                own = Some(effect.db);
                record(effect.db, Audience::REPLICAS, &select(effect.db));
            }
            record(effect.db, audience, effect.command);
        }
        if let Some(frame) = self.frame {
            record(self.effects[0].db, frame, EXEC);
        }
        match (&self.selects, own) {
            (Selects::PassesOn(db), _) => Selected::Primarys(*db),
            (_, Some(db)) => Selected::Own(db),
            (_, None) => selected,
        }
    }
}
