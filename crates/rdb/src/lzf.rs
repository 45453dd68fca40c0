//! LZF, the byte compressor of RDB strings.
//!
//! The format: a control byte below 32 is followed by that many plus one literal bytes. Otherwise
//! its top three bits hold a length (7: one more length byte follows) and its low five bits, with
//! the next byte, a distance less one; length plus two bytes are copied from that far back in the
//! output, where source and target may overlap.

#[cfg(test)]
mod tests;

/// Farthest distance a copy can reach back.
const WINDOW: usize = 1 << 13;
/// Longest copy.
const MAX_COPY: usize = 264;
/// Longest run of literals behind one control byte.
const MAX_LITERALS: usize = 32;
/// Most bytes that one compressed byte can stand for (three bytes make a copy of 264).
pub const MAX_RATIO: usize = MAX_COPY / 3;
const TABLE_BITS: u32 = 13;

/// Why a compressed string could not be expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LzfError {
    /// The input ended inside an instruction.
    #[error("compressed string ends early")]
    Truncated,
    /// A copy reached back before the beginning.
    #[error("compressed string refers to bytes before its beginning")]
    BadDistance,
    /// The result is longer or shorter than announced.
    #[error("compressed string does not have its announced length")]
    WrongLength,
}

/// A compressor that keeps its table between calls, so that short strings do not pay for clearing
/// it.
pub struct Compressor {
    /// Last place of each hash, as `base + position`; what is below `base` belongs to an earlier
    /// input.
    table: Box<[u32]>,
    base: u32,
}

impl Compressor {
    /// A compressor with an empty table (32 KB).
    pub fn new() -> Self {
        Compressor {
            table: vec![0; 1 << TABLE_BITS].into_boxed_slice(),
            base: 1,
        }
    }

    /// Appends the compressed form of `input` to `out` if it needs at most `limit` bytes; otherwise
    /// leaves `out` as it was and returns false.
    pub fn compress(&mut self, input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
        if input.len() < 4 || input.len() > u32::MAX as usize / 2 {
            return false;
        }
        if self.base > u32::MAX - input.len() as u32 - 1 {
            self.table.fill(0);
            self.base = 1;
        }
        let start = out.len();
        let done = self.run(input, start + limit, out);
        self.base += input.len() as u32 + 1;
        if !done {
            out.truncate(start);
        }
        done
    }

    fn run(&mut self, input: &[u8], end: usize, out: &mut Vec<u8>) -> bool {
        let mut literals = 0; // start of the literals not yet written
        let mut at = 0;
        let mut misses = 0u32;
        while at + 3 <= input.len() {
            let hash = hash(&input[at..at + 3]);
            let slot = std::mem::replace(&mut self.table[hash], self.base + at as u32);
            let length = match slot.checked_sub(self.base) {
                Some(earlier) => copy_length(input, earlier as usize, at),
                None => 0,
            };
            if length < 3 {
                misses += 1;
                // Data that does not compress is passed over faster and faster.
                at += 1 + (misses >> 6) as usize;
                continue;
            }
            misses = 0;
            put_literals(&input[literals..at], out);
            put_copy(at - (slot - self.base) as usize, length, out);
            if out.len() > end {
                return false;
            }
            let next = at + length;
            for inside in (at + 1..next.min(input.len().saturating_sub(2))).take(2) {
                self.table[self::hash(&input[inside..inside + 3])] = self.base + inside as u32;
            }
            at = next;
            literals = next;
        }
        put_literals(&input[literals..], out);
        out.len() <= end
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

fn hash(three: &[u8]) -> usize {
    let word = u32::from(three[0]) | u32::from(three[1]) << 8 | u32::from(three[2]) << 16;
    (word.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

/// How many bytes at `at` repeat those at `earlier`, zero if that is out of reach.
fn copy_length(input: &[u8], earlier: usize, at: usize) -> usize {
    if earlier >= at || at - earlier > WINDOW {
        return 0;
    }
    let most = MAX_COPY.min(input.len() - at);
    let (old, new) = (&input[earlier..earlier + most], &input[at..at + most]);
    let mut len = 0;
    for (a, b) in old.chunks_exact(8).zip(new.chunks_exact(8)) {
        let word = |w: &[u8]| w.try_into().map_or(0, u64::from_le_bytes);
        let differing = word(a) ^ word(b);
        if differing != 0 {
            return len + differing.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    let rest = old[len..].iter().zip(&new[len..]);
    len + rest.take_while(|(a, b)| a == b).count()
}

fn put_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(MAX_LITERALS) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn put_copy(distance: usize, length: usize, out: &mut Vec<u8>) {
    let (distance, length) = (distance - 1, length - 2);
    let high = (distance >> 8) as u8;
    if length < 7 {
        out.push((length as u8) << 5 | high);
    } else {
        out.push(7 << 5 | high);
        out.push((length - 7) as u8);
    }
    out.push(distance as u8);
}

/// Expands `input` to exactly `length` bytes. A length that no input of this size can have is
/// refused before anything is allocated.
pub fn decompress(input: &[u8], length: usize) -> Result<Vec<u8>, LzfError> {
    if length > input.len().saturating_mul(MAX_RATIO) {
        return Err(LzfError::WrongLength);
    }
    let mut out = Vec::with_capacity(length);
    let mut rest = input;
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        if control < 32 {
            let run = usize::from(control) + 1;
            let literals = rest.get(..run).ok_or(LzfError::Truncated)?;
            if out.len() + run > length {
                return Err(LzfError::WrongLength);
            }
            out.extend_from_slice(literals);
            rest = &rest[run..];
            continue;
        }
        let mut run = usize::from(control >> 5);
        if run == 7 {
            run += usize::from(take(&mut rest)?);
        }
        run += 2;
        let distance = (usize::from(control & 31) << 8 | usize::from(take(&mut rest)?)) + 1;
        let from = out
            .len()
            .checked_sub(distance)
            .ok_or(LzfError::BadDistance)?;
        if out.len() + run > length {
            return Err(LzfError::WrongLength);
        }
        if distance >= run {
            out.extend_from_within(from..from + run);
        } else {
            // The source grows with the target: each round copies as much as there is by then.
            let mut left = run;
            while left > 0 {
                let n = left.min(out.len() - from);
                out.extend_from_within(from..from + n);
                left -= n;
            }
        }
    }
    if out.len() == length {
        Ok(out)
    } else {
        Err(LzfError::WrongLength)
    }
}

fn take(rest: &mut &[u8]) -> Result<u8, LzfError> {
    let (&byte, after) = rest.split_first().ok_or(LzfError::Truncated)?;
    *rest = after;
    Ok(byte)
}
