//! Which slots a command needs, and having all of them or none.

use crate::fail::Fail;
use base::Slot;
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
