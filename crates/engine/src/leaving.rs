//! Keys that are on their way to another server (MIGRATE): commands on them wait for the outcome.

use crate::Keyspace;
use base::Slot;
use commands::Spec;
use resp::Args;
use store::Guards;

/// The first such key that a command, whose slots are locked, names.
#[inline]
pub(crate) fn among(
    guards: &mut Guards<'_>,
    spec: &'static Spec,
    args: Args<'_>,
) -> Option<Box<[u8]>> {
    if !guards.have_leaving() {
        return None;
    }
    look(spec, args, &mut |key| {
        let place = guards.find(Slot::of_key(key))?;
        Some(guards.at(place).is_leaving(key))
    })
}

/// The same for a command that has the world.
pub(crate) fn met(
    keys: &mut Keyspace<'_>,
    spec: &'static Spec,
    args: Args<'_>,
) -> Option<Box<[u8]>> {
    look(spec, args, &mut |key| {
        Some(keys.guard(Slot::of_key(key)).is_leaving(key))
    })
}

#[cold]
fn look(
    spec: &'static Spec,
    args: Args<'_>,
    is_leaving: &mut dyn FnMut(&[u8]) -> Option<bool>,
) -> Option<Box<[u8]>> {
    let mut found = None;
    let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
    commands::keys(spec, &argv, &mut |index, _| {
        let key = args.get(index);
        if found.is_none() && is_leaving(key) == Some(true) {
            found = Some(key.into());
        }
    });
    found
}
