//! Keys that are on their way to another server (MIGRATE): commands on them wait for the outcome.

use crate::ahead::KnownKey;
use resp::Args;
use store::Guards;

/// The first such key among those of a command, whose slots are locked.
#[inline]
pub(crate) fn among(
    guards: &mut Guards<'_>,
    args: Args<'_>,
    known: &[KnownKey],
) -> Option<Box<[u8]>> {
    if !guards.have_leaving() {
        return None;
    }
    look(guards, args, known)
}

#[cold]
fn look(guards: &mut Guards<'_>, args: Args<'_>, known: &[KnownKey]) -> Option<Box<[u8]>> {
    known.iter().find_map(|known| {
        let key = args.get(known.index as usize);
        let place = guards.find(known.slot)?;
        guards.at(place).is_leaving(key).then(|| key.into())
    })
}
