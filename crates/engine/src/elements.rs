//! What the commands of all collections share: replies of elements, the steps of a scan, random
//! picks. A family says of its type what a [`Collection`] must, and adds its words.

mod random;
pub(crate) mod scan;

use ds::{Item, Kind, Object};
use resp::Reply;

pub(crate) use random::random;
pub(crate) use scan::scan;

/// Writes an element as a bulk.
#[inline]
pub(crate) fn reply_item(reply: &mut Reply<'_>, item: Item<'_>) {
    match item {
        Item::Int(integer) => reply.bulk_int(integer),
        Item::Str(bytes) => reply.bulk(bytes),
    }
}

/// An element, and what belongs to it: a field and its value.
pub(crate) type Element<'a> = (Item<'a>, Option<Item<'a>>);

/// A collection, as those commands look at it that are the same for all.
pub(crate) trait Collection {
    /// The kind of objects that have it.
    const KIND: Kind;
    /// Items that an element has.
    const WIDTH: usize;

    /// The collection of an object of this kind.
    fn of(object: &Object) -> &Self;

    /// The number of elements.
    fn len(&self) -> usize;

    /// All elements.
    fn iter(&self) -> impl Iterator<Item = Element<'_>>;

    /// One step of a scan: 0 begins, and 0 is returned at the end.
    fn scan(&self, cursor: u64, f: &mut dyn FnMut(Element<'_>)) -> u64;

    /// An element chosen at random; none of an empty collection.
    fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<Element<'_>>;
}
