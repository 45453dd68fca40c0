//! From a name to its row.
//!
//! Top-level names of at most 15 bytes, which is all of them so far, are folded with their length
//! into one integer and found in a small open-addressed table that is built at compile time: a
//! lookup is a multiplication, a load and a comparison of integers.

use crate::argv::Argv;
use crate::cmd::Cmd;
use crate::family::{FAMILIES, Place, places, rows};
use crate::spec::Spec;
use crate::unknown::Unknown;

/// Every row by the number of its id.
pub(crate) static BY_ID: [&Spec; Cmd::COUNT] = rows();
/// Where each row stands, by the number of its id.
pub(crate) static PLACES: [Place; Cmd::COUNT] = places(&BY_ID);

/// Longest name that the integer form holds.
const FOLDED: usize = 15;
/// Slots of the hash table: a power of two, sparse enough that most names stand alone.
const SLOTS: usize = 1024;
/// A folded name with its row.
type Entry = (u128, Option<&'static Spec>);

static BY_NAME: [Entry; SLOTS] = names();

const fn names() -> [Entry; SLOTS] {
    let mut table: [Entry; SLOTS] = [(0, None); SLOTS];
    let mut id = 0;
    while id < Cmd::COUNT {
        let spec = BY_ID[id];
        if PLACES[id].parent.is_none() {
            let name = spec.name.as_bytes();
            assert!(name.len() <= FOLDED, "a name longer than the integer form");
            let mut folded = (name.len() as u128) << (8 * FOLDED);
            let mut i = 0;
            while i < name.len() {
                folded |= (name[i] as u128) << (8 * i);
                i += 1;
            }
            let mut slot = slot_of(folded);
            while table[slot].1.is_some() {
                assert!(table[slot].0 != folded, "two rows with one name");
                slot = (slot + 1) % SLOTS;
            }
            table[slot] = (folded, Some(spec));
        }
        id += 1;
    }
    table
}

const fn slot_of(folded: u128) -> usize {
    let mixed = (folded as u64) ^ ((folded >> 64) as u64).rotate_left(29);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize % SLOTS
}

/// A name of 1 to 15 bytes as an integer, in small letters and with its length on top.
#[inline]
fn fold(name: &[u8]) -> u128 {
    let length = name.len();
    let (low, high) = if let Some((first, rest)) = name.split_first_chunk::<8>() {
        // The last eight bytes overlap the first; the shift drops what was read already.
        let last = name
            .last_chunk::<8>()
            .map_or(0, |last| u64::from_le_bytes(*last));
        let high = if rest.is_empty() {
            0
        } else {
            last >> (8 * (16 - length))
        };
        (u64::from_le_bytes(*first), high)
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        (u64::from(first) | u64::from(last) << (8 * (length - 4)), 0)
    } else {
        let byte = |index: usize| u64::from(name[index]) << (8 * index);
        (byte(0) | byte(length / 2) | byte(length - 1), 0)
    };
    let top = (length as u64) << 56;
    u128::from(small(low)) | u128::from(small(high) | top) << 64
}

/// Eight bytes with capital letters made small, all at once: a sum carries into a byte's top bit
/// if the byte is at least `A`, another if it is past `Z`.
#[inline]
const fn small(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let seven = bytes & (0x7f * EACH);
    let from_a = seven + (0x80 - b'A' as u64) * EACH;
    let past_z = seven + (0x7f - b'Z' as u64) * EACH;
    let capital = (from_a ^ past_z) & !bytes & (0x80 * EACH);
    bytes | capital >> 2
}

/// The row of a top-level command, upper and lower case alike.
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Spec> {
    if name.is_empty() || name.len() > FOLDED {
        return None;
    }
    let folded = fold(name);
    let mut slot = slot_of(folded);
    loop {
        let (candidate, spec) = BY_NAME[slot];
        if spec.is_none() || candidate == folded {
            return spec;
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The row of a command or, as `config|get`, of a subcommand, upper and lower case alike.
pub fn lookup_full(name: &[u8]) -> Option<&'static Spec> {
    let mut parts = name.splitn(2, |b| *b == b'|');
    let spec = lookup(parts.next()?)?;
    match parts.next() {
        None => Some(spec),
        Some(sub) => spec.subcommand(sub),
    }
}

/// The row that a command with these arguments means: a container's subcommand if there is an
/// argument to name it. A container alone resolves to itself, and its arity refuses it.
///
/// # Errors
/// Says which part of the name nobody knows.
#[inline]
pub fn resolve<A: Argv + ?Sized>(argv: &A) -> Result<&'static Spec, Unknown> {
    if argv.count() == 0 {
        return Err(Unknown::Command);
    }
    below(lookup(argv.arg(0)), argv)
}

#[inline]
pub(crate) fn below<A: Argv + ?Sized>(
    found: Option<&'static Spec>,
    argv: &A,
) -> Result<&'static Spec, Unknown> {
    let spec = found.ok_or(Unknown::Command)?;
    if !spec.is_container() || argv.count() == 1 {
        return Ok(spec);
    }
    spec.subcommand(argv.arg(1))
        .ok_or(Unknown::Subcommand(spec))
}

/// All rows: every command, each container followed by its subcommands.
pub fn all() -> impl Iterator<Item = &'static Spec> + Clone {
    FAMILIES.iter().flat_map(|rows| rows.iter())
}

/// The rows of the commands, without subcommands.
pub fn top_level() -> impl Iterator<Item = &'static Spec> + Clone {
    all().filter(|spec| spec.parent().is_none())
}
