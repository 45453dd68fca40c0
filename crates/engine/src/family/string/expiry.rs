//! Expiry options: EX, PX, EXAT, PXAT, PERSIST.

use crate::Cx;
use crate::fail::{Fail, SYNTAX, bad_expire};

/// What an expiry option asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    /// The key expires at this time, in ms since 1970.
    At(i64),
    /// The key loses its expiry.
    Never,
}

/// Reads the time of an option (`EX`, `PX`, `EXAT` or `PXAT`, any case) from argument `index`.
/// `None` when `option` is none of them.
///
/// # Errors
/// No integer, or a time that is not positive or does not fit.
pub(crate) fn parse_expiry(
    cx: &Cx<'_>,
    option: &[u8],
    index: usize,
) -> Option<Result<Expiry, Fail>> {
    let (scale, relative) = match option.to_ascii_uppercase().as_slice() {
        b"EX" => (1000, true),
        b"PX" => (1, true),
        b"EXAT" => (1000, false),
        b"PXAT" => (1, false),
        _ => return None,
    };
    if index >= cx.args.len() {
        return Some(Err(SYNTAX.into()));
    }
    Some(expire_at(cx, index, scale, relative).map(Expiry::At))
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
pub(super) fn parse_getex(cx: &Cx<'_>) -> Result<Option<Expiry>, Fail> {
    let mut expiry = None;
    let mut index = 2;
    while index < cx.args.len() {
        let option = cx.args.get(index);
        if expiry.is_some() {
            return Err(SYNTAX.into());
        }
        if option.eq_ignore_ascii_case(b"PERSIST") {
            expiry = Some(Ok(Expiry::Never));
            index += 1;
            continue;
        }
        // A bad time is reported only when the whole of the options makes sense.
        expiry = Some(parse_expiry(cx, option, index + 1).ok_or(SYNTAX)?);
        if index + 1 >= cx.args.len() {
            return Err(SYNTAX.into());
        }
        index += 2;
    }
    expiry.transpose()
}
