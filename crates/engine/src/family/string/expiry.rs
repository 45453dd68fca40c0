//! Expiry options: EX, PX, EXAT, PXAT, PERSIST.

use crate::Cx;
use crate::fail::{Fail, SYNTAX, bad_expire};

/// An option that says when a key expires, and how its number is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unit {
    /// Milliseconds in one of what the number counts.
    scale: i64,
    /// Whether it counts from now.
    relative: bool,
}

impl Unit {
    /// The meaning of `EX`, `PX`, `EXAT` and `PXAT`, in any case.
    pub(crate) fn named(option: &[u8]) -> Option<Unit> {
        let (scale, relative) = match option.to_ascii_uppercase().as_slice() {
            b"EX" => (1000, true),
            b"PX" => (1, true),
            b"EXAT" => (1000, false),
            b"PXAT" => (1, false),
            _ => return None,
        };
        Some(Unit { scale, relative })
    }
}

/// Such an option with the index of its number. The number is read when all options make sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    unit: Unit,
    index: usize,
}

impl Given {
    /// Takes an option whose number is at `index`; one that was given before may come again, and
    /// the last one counts, but no two different ones.
    ///
    /// # Errors
    /// It is no such option, or does not go with the one before, or there is no number.
    pub(crate) fn take(
        cx: &Cx<'_>,
        before: Option<Given>,
        option: &[u8],
        index: usize,
    ) -> Result<Given, Fail> {
        let unit = Unit::named(option)
            .filter(|unit| before.is_none_or(|before| before.unit == *unit))
            .filter(|_| index < cx.args.len())
            .ok_or(SYNTAX)?;
        Ok(Given { unit, index })
    }

    /// The point in time, in ms since 1970.
    ///
    /// # Errors
    /// No integer, or a time that is not positive or does not fit.
    pub(crate) fn at(self, cx: &Cx<'_>) -> Result<i64, Fail> {
        expire_at(cx, self.index, self.unit.scale, self.unit.relative)
    }
}

/// What the options of GETEX ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Getex {
    /// The key expires.
    Expire(Given),
    /// The key loses its expiry.
    Persist,
}

/// The point in time that argument `index` means, in ms since 1970.
pub(crate) fn expire_at(
    cx: &Cx<'_>,
    index: usize,
    scale: i64,
    relative: bool,
) -> Result<i64, Fail> {
    let bad = || bad_expire(cx.spec.full_name);
    let value = cx.int(index)?;
    if value <= 0 {
        return Err(bad());
    }
    let at = value.checked_mul(scale).ok_or_else(bad)?;
    if relative {
        at.checked_add(cx.now_ms()).ok_or_else(bad)
    } else {
        Ok(at)
    }
}

/// The options of GETEX.
pub(super) fn parse_getex(cx: &Cx<'_>) -> Result<Option<Getex>, Fail> {
    let mut wanted = None;
    let mut index = 2;
    while index < cx.args.len() {
        let option = cx.args.get(index);
        index += 1;
        let persist = option.eq_ignore_ascii_case(b"PERSIST");
        let before = match wanted {
            None | Some(Getex::Persist) if persist => {
                wanted = Some(Getex::Persist);
                continue;
            }
            None => None,
            Some(Getex::Expire(before)) => Some(before),
            Some(Getex::Persist) => return Err(SYNTAX.into()),
        };
        wanted = Some(Getex::Expire(Given::take(cx, before, option, index)?));
        index += 1;
    }
    Ok(wanted)
}
