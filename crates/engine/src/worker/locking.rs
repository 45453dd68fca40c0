//! Which slots a command needs, and having all of them or none.

use crate::fail::Fail;
use base::Slot;
use commands::Spec;
use resp::Args;
use smallvec::SmallVec;
use store::gate::Token;
use store::{Guards, Locker};

/// The slots of a command.
pub(crate) type Slots = SmallVec<[Slot; 4]>;

/// After how many failures to lock all its slots a command takes the token.
pub(crate) const MISSES: u8 = 8;

/// Locks a command's slots, all or none of them: without the token by trying.
#[inline(always)]
pub(crate) fn lock<'a>(
    locker: &'a Locker,
    slots: &[Slot],
    token: Option<&Token<'_>>,
    misses: &mut u8,
) -> Result<Guards<'a>, Fail> {
    if let Some(token) = token {
        *misses = 0;
        return Ok(locker.lock_all(token, slots));
    }
    match slots {
        [] => Ok(Guards::default()),
        [slot] => locker
            .try_lock(*slot)
            .map(Guards::one)
            .ok_or(Fail::Busy(*slot)),
        many => match locker.try_lock_all(many) {
            Ok(guards) => {
                *misses = 0;
                Ok(guards)
            }
            Err(slot) => {
                *misses = misses.saturating_add(1);
                Err(Fail::Busy(slot))
            }
        },
    }
}

/// Adds the slots of a command's keys; ascending and without repetition.
pub(crate) fn slots_of(spec: &'static Spec, args: Args<'_>, slots: &mut Slots) {
    let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
    commands::keys(spec, &argv, &mut |index, _| {
        slots.push(Slot::of_key(args.get(index)))
    });
    if slots.len() > 1 {
        slots.sort_unstable();
        slots.dedup();
    }
}
