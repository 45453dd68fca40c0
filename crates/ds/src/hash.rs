//! Hashes: a listpack of fields and values while small, a table of one-allocation entries when
//! large.

mod field;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ptr::NonNull;

use field::Field;

use crate::elements::{Elements, ElementsPin};
use crate::listpack::{self, Item, Listpack, Pack, decode, skip};
use crate::pin::Meter;
use crate::table;

/// The options `hash-max-listpack-entries` and `hash-max-listpack-value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLimits {
    /// The most fields of a small hash.
    pub entries: usize,
    /// The longest field or value of a small hash, in bytes.
    pub value: usize,
}

impl Default for HashLimits {
    fn default() -> Self {
        HashLimits {
            entries: 512,
            value: 64,
        }
    }
}

/// A hash of fields with values. The handle has eight bytes: a listpack's, or that of elements.
#[repr(transparent)]
pub struct Hash(NonNull<u8>);

// SAFETY: what the handle leads to is owned, or shared and `Send + Sync`.
unsafe impl Send for Hash {}
// SAFETY: through a shared reference only what has a lock is changed.
unsafe impl Sync for Hash {}

enum Shape<'a> {
    Small(&'a Listpack),
    Large(&'a Elements<Field>),
}

enum ShapeMut<'a> {
    Small(&'a mut Listpack),
    Large(&'a mut Elements<Field>),
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Hash {
    fn drop(&mut self) {
        // SAFETY: the handle is of what `is_large` says, and is dropped only here.
        unsafe {
            if self.is_large() {
                drop(Elements::<Field>::from_word(self.0));
            } else {
                drop(Listpack::from_word(self.0));
            }
        }
    }
}

impl Clone for Hash {
    fn clone(&self) -> Self {
        match self.shape() {
            Shape::Small(pack) => Hash::small(pack.clone()),
            Shape::Large(fields) => Hash::large(fields.clone()),
        }
    }
}

impl Hash {
    /// An empty hash.
    pub fn new() -> Hash {
        Hash::small(Listpack::new())
    }

    /// A hash that is this pack of fields and values by turns, made large if there are more than
    /// the limits allow; as in Redis, values that are too long do not matter until the hash is
    /// changed. Nothing, if a value is missing or a field is there twice.
    pub fn from_listpack(pack: Listpack, limits: HashLimits) -> Option<Hash> {
        let n = pack.iter().count();
        let mut seen = HashSet::with_capacity(n / 2);
        let fresh = pack.iter().step_by(2).all(|f| seen.insert(f.to_vec()));
        if !n.is_multiple_of(2) || !fresh {
            return None;
        }
        let mut hash = Hash::small(pack);
        if n / 2 > limits.entries {
            hash.enlarge();
        }
        Some(hash)
    }

    fn small(pack: Listpack) -> Hash {
        Hash(pack.into_word())
    }

    fn large(fields: Elements<Field>) -> Hash {
        Hash(fields.into_word())
    }

    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        Elements::<Field>::is_handle(self.0)
    }

    #[inline]
    fn shape(&self) -> Shape<'_> {
        let word = &raw const self.0;
        // SAFETY: the handle is of what `is_large` says, and both are transparent over it.
        unsafe {
            if self.is_large() {
                Shape::Large(&*word.cast())
            } else {
                Shape::Small(&*word.cast())
            }
        }
    }

    #[inline]
    fn shape_mut(&mut self) -> ShapeMut<'_> {
        let (large, word) = (self.is_large(), &raw mut self.0);
        // SAFETY: as in `shape`, borrowed exclusively.
        unsafe {
            if large {
                ShapeMut::Large(&mut *word.cast())
            } else {
                ShapeMut::Small(&mut *word.cast())
            }
        }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        match self.shape() {
            Shape::Small(pack) => pack.len() / 2,
            Shape::Large(fields) => fields.len(),
        }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        if self.is_large() {
            "hashtable"
        } else {
            "listpack"
        }
    }

    /// The pack of a small hash, as an RDB file has it.
    pub fn as_listpack(&self) -> Option<&[u8]> {
        match self.shape() {
            Shape::Small(pack) => Some(pack.as_bytes()),
            Shape::Large(_) => None,
        }
    }

    /// Bytes that the allocator has given out.
    pub fn memory(&self) -> usize {
        match self.shape() {
            Shape::Small(pack) => pack.memory(),
            Shape::Large(fields) => fields.memory(),
        }
    }

    /// Before `count` fields are set, of which no name and no value is longer than `longest`: a
    /// small hash that would pass its limits becomes a large one, even if some of the fields should
    /// turn out to be there already.
    pub fn reserve(&mut self, count: usize, longest: usize, bytes: usize, limits: HashLimits) {
        if let Shape::Small(pack) = self.shape()
            && (count > limits.entries || longest > limits.value || !pack.has_room(bytes))
        {
            self.enlarge();
        }
    }

    fn enlarge(&mut self) {
        let (mut name, mut text) = (Vec::new(), Vec::new());
        let fields = Elements::of(self.iter().map(|(field, value)| {
            name.clear();
            text.clear();
            field.append_to(&mut name);
            value.append_to(&mut text);
            Field::new(&name, &text)
        }));
        *self = Hash::large(fields);
    }

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Item<'_>> {
        match self.shape() {
            Shape::Small(pack) => seek(pack, field).map(|at| decode(pack.as_bytes(), at).0),
            Shape::Large(fields) => fields.find(field).map(|f| Item::Str(f.parts().1)),
        }
    }

    /// Whether `field` is there.
    pub fn contains(&self, field: &[u8]) -> bool {
        match self.shape() {
            Shape::Small(pack) => seek(pack, field).is_some(),
            Shape::Large(fields) => fields.find(field).is_some(),
        }
    }

    /// Gives `field` a value; says whether the field is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: HashLimits) -> bool {
        self.reserve(
            1,
            field.len().max(value.len()),
            field.len() + value.len(),
            limits,
        );
        let (new, count) = match self.shape_mut() {
            ShapeMut::Large(fields) => {
                let new = || Field::new(field, value);
                return fields.put(field, new, |old| old.set(value));
            }
            ShapeMut::Small(pack) => (set_small(pack, field, value), pack.len() / 2),
        };
        if count > limits.entries {
            self.enlarge();
        }
        new
    }

    /// Takes `field` out; says whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match self.shape_mut() {
            ShapeMut::Small(pack) => remove_small(pack, field),
            ShapeMut::Large(fields) => fields.remove(field),
        }
    }

    /// All fields with their values: in the order in which they came while the hash is small, in
    /// none after that.
    pub fn iter(&self) -> Iter<'_> {
        match self.shape() {
            Shape::Small(pack) => Iter::Small(pack.iter()),
            Shape::Large(fields) => Iter::Large(fields.iter()),
        }
    }

    /// One step of HSCAN: 0 begins, and 0 is returned at the end. All of a small hash is one step.
    pub fn scan(&self, cursor: u64, f: &mut dyn FnMut(Item<'_>, Item<'_>)) -> u64 {
        match self.shape() {
            Shape::Small(_) => {
                self.iter().for_each(|(field, value)| f(field, value));
                0
            }
            Shape::Large(fields) => fields.scan(cursor, &mut |e| {
                let (field, value) = e.parts();
                f(Item::Str(field), Item::Str(value));
            }),
        }
    }

    /// A field with its value, chosen at random. `random` yields 64 random bits a call.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<(Item<'_>, Item<'_>)> {
        match self.shape() {
            Shape::Small(pack) if pack.is_empty() => None,
            Shape::Small(pack) => {
                let (b, n) = (pack.as_bytes(), random() % (pack.len() as u64 / 2));
                let at = pack.seek(2 * n as usize)?;
                let (field, value) = decode(b, at);
                Some((field, decode(b, value).0))
            }
            Shape::Large(fields) => fields.random(random).map(|e| {
                let (field, value) = e.parts();
                (Item::Str(field), Item::Str(value))
            }),
        }
    }

    /// Moves growth or shrinkage that is under way on by about `n` buckets; says whether there is
    /// more to do.
    pub fn step(&mut self, n: usize) -> bool {
        match self.shape_mut() {
            ShapeMut::Small(_) => false,
            ShapeMut::Large(fields) => fields.step(n),
        }
    }

    /// Pins a large hash as it is now; a small one is copied instead.
    pub fn pin(&self) -> Option<HashPin> {
        match self.shape() {
            Shape::Small(_) => None,
            Shape::Large(fields) => Some(HashPin(fields.pin())),
        }
    }

    /// How many allocations dropping the hash frees, roughly.
    pub fn free_effort(&self) -> usize {
        if self.is_large() { self.len() } else { 1 }
    }
}

/// Where the value of `field` is in a small hash.
fn seek(pack: &Listpack, field: &[u8]) -> Option<usize> {
    let (b, wanted) = (pack.as_bytes(), Item::of(field));
    let mut at = listpack::HEAD;
    while at < b.len() - 1 {
        let (item, value) = decode(b, at);
        if item.is(&wanted) {
            return Some(value);
        }
        at = skip(b, value);
    }
    None
}

fn set_small(pack: &mut Listpack, field: &[u8], value: &[u8]) -> bool {
    match seek(pack, field) {
        Some(at) => {
            pack.replace_at(at, Item::of(value));
            false
        }
        None => {
            pack.push_back(field);
            pack.push_back(value);
            true
        }
    }
}

fn remove_small(pack: &mut Listpack, field: &[u8]) -> bool {
    let Some(value) = seek(pack, field) else {
        return false;
    };
    let (at, to) = (
        listpack::skip_back(pack.as_bytes(), value),
        skip(pack.as_bytes(), value),
    );
    pack.delete_bytes(at, to, 2);
    true
}

/// A large hash as it was when the pin was made, wherever it has got to meanwhile. A step takes a
/// lock of the hash, for which a writer of this one hash would wait.
pub struct HashPin(ElementsPin<Field>);

impl HashPin {
    /// The number of fields at the moment of the pin.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of old images that are kept for this pin.
    pub fn kept_bytes(&self) -> usize {
        self.0.kept_bytes()
    }

    /// Tells others what is kept for this pin.
    pub(crate) fn meter(&self) -> Option<Meter> {
        self.0.meter()
    }

    /// Delivers about `budget` more fields with their values; says whether there may be more. `out`
    /// is called under the hash's inner lock, and must not wait for anything.
    pub fn next(&mut self, budget: usize, out: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.0.next(budget, &mut |entry| {
            let (field, value) = entry.parts();
            out(field, value);
        })
    }
}

/// Fields with their values.
pub enum Iter<'a> {
    #[doc(hidden)]
    Small(listpack::Iter<'a>),
    #[doc(hidden)]
    #[allow(private_interfaces)]
    Large(table::Iter<'a, Field>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Small(i) => Some((i.next()?, i.next()?)),
            Iter::Large(i) => {
                let (field, value) = i.next()?.parts();
                Some((Item::Str(field), Item::Str(value)))
            }
        }
    }
}
