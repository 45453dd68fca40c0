//! The packed blobs that small values travel in, each checked whole before any element is handed
//! out.
//!
//! Checking is always deep: sizes, counts, back references and, for pairs, doubled fields. Nothing
//! here trusts a number in a blob further than the blob reaches.
pub mod intset;
pub mod listpack;
mod repack;
#[cfg(test)]
pub(crate) mod tests;
pub mod ziplist;
pub mod zipmap;

pub use repack::Repacked;
pub(crate) use repack::{ziplist_to_listpacks, zipmap_to_listpacks};

use std::collections::HashSet;

/// One element of a packed blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// Stored as a number; its value is the decimal text.
    Integer(i64),
    /// Stored as bytes.
    Bytes(&'a [u8]),
}

impl Element<'_> {
    /// Appends the element's text.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Element::Integer(n) => base::num::write_i64(out, *n),
            Element::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The element's text.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }
}

/// What is wrong with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Shorter than its fixed parts.
    #[error("too short for its header")]
    TooShort,
    /// The size in the header is not the blob's.
    #[error("header does not give the blob's size")]
    WrongSize,
    /// The end marker is missing or stands too early.
    #[error("end marker missing or misplaced")]
    NoEnd,
    /// An element's code is not defined.
    #[error("undefined element encoding at byte {0}")]
    BadCode(usize),
    /// An element reaches past the end.
    #[error("element at byte {0} reaches past the end")]
    Overrun(usize),
    /// The length kept for walking backwards is not that of the element before.
    #[error("back reference at byte {0} is wrong")]
    BadBackReference(usize),
    /// The header's count is not the number of elements.
    #[error("header does not give the number of elements")]
    WrongCount,
    /// The header does not point to the last element.
    #[error("header does not point to the last element")]
    BadTail,
    /// A field without a value.
    #[error("odd number of elements in a hash")]
    Odd,
    /// A field twice.
    #[error("a field occurs twice")]
    Duplicate,
    /// Numbers of an integer set that do not ascend.
    #[error("numbers do not ascend")]
    Unsorted,
}

/// Below this many fields comparing all with all is cheaper than a table.
const FEW: usize = 8;

/// Checks that a sequence of fields and values is whole and names no field twice.
pub(crate) fn check_pairs<'a>(
    elements: impl Iterator<Item = Element<'a>> + Clone,
    count: usize,
) -> Result<(), Flaw> {
    if count % 2 == 1 {
        return Err(Flaw::Odd);
    }
    let mut fields = elements.step_by(2);
    if count / 2 <= FEW {
        while let Some(field) = fields.next() {
            if fields.clone().any(|other| same(field, other)) {
                return Err(Flaw::Duplicate);
            }
        }
        return Ok(());
    }
    let mut seen = HashSet::with_capacity(count / 2);
    let mut texts = HashSet::new();
    for field in fields {
        let fresh = match field {
            Element::Bytes(bytes) => match base::num::parse_i64(bytes) {
                Some(number) => texts.insert(number),
                None => seen.insert(bytes),
            },
            Element::Integer(number) => texts.insert(number),
        };
        if !fresh {
            return Err(Flaw::Duplicate);
        }
    }
    Ok(())
}

fn same(a: Element<'_>, b: Element<'_>) -> bool {
    match (a, b) {
        (Element::Integer(a), Element::Bytes(b)) | (Element::Bytes(b), Element::Integer(a)) => {
            base::num::parse_i64(b) == Some(a)
        }
        _ => a == b,
    }
}

/// Reads `N` bytes at `at`, if they are there.
fn fixed<const N: usize>(blob: &[u8], at: usize) -> Option<[u8; N]> {
    blob.get(at..at.checked_add(N)?)?.try_into().ok()
}
