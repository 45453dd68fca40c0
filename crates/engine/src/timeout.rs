//! Times to wait that commands take as an argument.

use crate::Fail;
use base::num;
use std::time::Duration;

/// A time-out in milliseconds, as WAIT and CLIENT PAUSE take it.
///
/// # Errors
/// What the client is told: no number, a negative one, or one whose end is past the end of time,
/// which for Redis is 2^63 milliseconds after 1970.
pub fn milliseconds(arg: &[u8]) -> Result<Duration, Fail> {
    let number = num::parse_i64(arg).ok_or("ERR timeout is not an integer or out of range")?;
    let timeout = u64::try_from(number).map_err(|_| "ERR timeout is negative")?;
    let end = number.checked_add(crate::wall_us() / 1000);
    end.ok_or("ERR timeout is out of range")?;
    Ok(Duration::from_millis(timeout))
}
