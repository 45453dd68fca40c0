//! Hashes: a listpack of fields and values while small, a table of one-allocation entries when
//! large.

mod body;
mod field;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ptr::NonNull;

pub use body::HashPin;
use body::{Body, Fields};
use field::Field;
use triomphe::Arc;

use crate::listpack::{self, Item, Listpack, Pack, decode, skip};
use crate::table;

/// All tables of fields double at the same fill, in the middle of the range.
const STAGGER: u8 = 128;

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

/// A hash of fields with values. The handle has eight bytes.
#[repr(transparent)]
pub struct Hash(NonNull<u8>);

// SAFETY: what the handle leads to is owned, or shared and `Send + Sync`.
unsafe impl Send for Hash {}
// SAFETY: through a shared reference only what has a lock is changed.
unsafe impl Sync for Hash {}

/// The bit of the handle that says that the hash is large.
const LARGE: usize = 1;

enum Shape<'a> {
    Small(&'a Listpack),
    Large(&'a Arc<Body>),
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Hash {
    fn drop(&mut self) {
        if self.is_large() {
            // SAFETY: the handle is of a large hash, made by `large`, and is dropped only here.
            let body = unsafe { Arc::from_raw(self.body_ptr()) };
            Body::abandon(&body);
        } else {
            // SAFETY: the handle is a listpack's, and is dropped only here.
            drop(unsafe { Listpack::from_word(self.0) });
        }
    }
}

impl Clone for Hash {
    fn clone(&self) -> Self {
        match self.shape(|s| match s {
            Shape::Small(p) => Ok(p.clone()),
            // SAFETY: the body is this hash's, which is borrowed.
            Shape::Large(b) => Err(unsafe { b.fields() }.copy()),
        }) {
            Ok(pack) => Hash::small(pack),
            Err(fields) => Hash::large(fields),
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

    fn large(fields: Fields) -> Hash {
        let p = Arc::into_raw(Arc::new(Body::new(fields)))
            .cast_mut()
            .cast::<u8>();
        Hash(NonNull::new(p).expect("an address").map_addr(|a| a | LARGE))
    }

    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.0.addr().get() & LARGE != 0
    }

    #[inline]
    fn body_ptr(&self) -> *const Body {
        self.0.as_ptr().map_addr(|a| a & !LARGE).cast()
    }

    #[inline]
    fn shape<T>(&self, f: impl FnOnce(Shape<'_>) -> T) -> T {
        if self.is_large() {
            // SAFETY: the handle holds one reference to the body; this borrows it.
            let body = std::mem::ManuallyDrop::new(unsafe { Arc::from_raw(self.body_ptr()) });
            f(Shape::Large(&body))
        } else {
            f(Shape::Small(self.pack()))
        }
    }

    fn pack(&self) -> &Listpack {
        assert!(!self.is_large());
        // SAFETY: the handle is a listpack's, and `Listpack` is transparent over it.
        unsafe { &*(&raw const self.0).cast::<Listpack>() }
    }

    fn pack_mut(&mut self) -> &mut Listpack {
        assert!(!self.is_large());
        // SAFETY: as in `pack`, borrowed exclusively.
        unsafe { &mut *(&raw mut self.0).cast::<Listpack>() }
    }

    /// The elements of a large hash.
    #[inline]
    fn fields(&self) -> Option<&Fields> {
        if !self.is_large() {
            return None;
        }
        // SAFETY: the handle keeps the body alive; the body is this hash's, which is borrowed for
        // as long as the result.
        Some(unsafe { (*self.body_ptr()).fields() })
    }

    fn change<T>(&mut self, f: impl FnOnce(&mut Fields, Option<&mut body::Pins>) -> T) -> T {
        self.shape(|s| match s {
            Shape::Small(_) => unreachable!("a small hash has no body"),
            // SAFETY: the body is this hash's, which is borrowed exclusively.
            Shape::Large(b) => unsafe { Body::change(b, f) },
        })
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        match self.fields() {
            Some(f) => f.table.len(),
            None => self.pack().len() / 2,
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
        (!self.is_large()).then(|| self.pack().as_bytes())
    }

    /// Bytes that the allocator has given out.
    pub fn memory(&self) -> usize {
        match self.fields() {
            Some(f) => crate::sizes::usable(size_of::<Body>() + 8) + f.table.memory() + f.bytes,
            None => self.pack().memory(),
        }
    }

    /// Before `count` fields are set, of which no name and no value is longer than `longest`: a
    /// small hash that would pass its limits becomes a large one, even if some of the fields should
    /// turn out to be there already.
    pub fn reserve(&mut self, count: usize, longest: usize, bytes: usize, limits: HashLimits) {
        if !self.is_large()
            && (count > limits.entries || longest > limits.value || !self.pack().has_room(bytes))
        {
            self.enlarge();
        }
    }

    fn enlarge(&mut self) {
        let mut fields = Fields::default();
        let (mut name, mut text) = (Vec::new(), Vec::new());
        let mut items = self.pack().iter();
        while let (Some(field), Some(value)) = (items.next(), items.next()) {
            name.clear();
            text.clear();
            field.append_to(&mut name);
            value.append_to(&mut text);
            let new = Field::new(&name, &text);
            fields.bytes += new.memory();
            fields.table.insert(crate::siphash::of(&name), new, STAGGER);
        }
        *self = Hash::large(fields);
    }

    /// Where the value of `field` is in a small hash.
    fn seek(&self, field: &[u8]) -> Option<usize> {
        let (b, wanted) = (self.pack().as_bytes(), Item::of(field));
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

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Item<'_>> {
        match self.fields() {
            Some(f) => body::find(f, field).map(|f| Item::Str(f.parts().1)),
            None => self
                .seek(field)
                .map(|at| decode(self.pack().as_bytes(), at).0),
        }
    }

    /// Whether `field` is there.
    pub fn contains(&self, field: &[u8]) -> bool {
        match self.fields() {
            Some(f) => body::find(f, field).is_some(),
            None => self.seek(field).is_some(),
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
        if self.is_large() {
            return self.change(|fields, pins| set_large(fields, pins, field, value));
        }
        let new = match self.seek(field) {
            Some(at) => {
                self.pack_mut().replace_at(at, Item::of(value));
                false
            }
            None => {
                self.pack_mut().push_back(field);
                self.pack_mut().push_back(value);
                true
            }
        };
        if self.pack().len() / 2 > limits.entries {
            self.enlarge();
        }
        new
    }

    /// Takes `field` out; says whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        if self.is_large() {
            return self.change(|fields, pins| {
                let hash = crate::siphash::of(field);
                let Some(old) = fields.table.remove(hash, field) else {
                    return false;
                };
                fields.bytes -= old.memory();
                if let Some(pins) = pins {
                    pins.removed(hash, old);
                }
                true
            });
        }
        let Some(value) = self.seek(field) else {
            return false;
        };
        let pack = self.pack_mut();
        let (at, to) = (
            listpack::skip_back(pack.as_bytes(), value),
            skip(pack.as_bytes(), value),
        );
        pack.delete_bytes(at, to, 2);
        true
    }

    /// All fields with their values: in the order in which they came while the hash is small, in
    /// none after that.
    pub fn iter(&self) -> Iter<'_> {
        match self.fields() {
            Some(f) => Iter::Large(f.table.iter()),
            None => Iter::Small(self.pack().iter()),
        }
    }

    /// One step of HSCAN: 0 begins, and 0 is returned at the end. All of a small hash is one step.
    pub fn scan(&self, cursor: u64, f: &mut dyn FnMut(Item<'_>, Item<'_>)) -> u64 {
        match self.fields() {
            Some(fields) => fields.table.scan(cursor, &mut |e| {
                let (field, value) = e.parts();
                f(Item::Str(field), Item::Str(value));
            }),
            None => {
                self.iter().for_each(|(field, value)| f(field, value));
                0
            }
        }
    }

    /// A field with its value, chosen at random. `random` yields 64 random bits a call.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<(Item<'_>, Item<'_>)> {
        match self.fields() {
            Some(f) => f.table.random(random).map(|e| {
                let (field, value) = e.parts();
                (Item::Str(field), Item::Str(value))
            }),
            None if self.is_empty() => None,
            None => {
                let (b, n) = (self.pack().as_bytes(), random() % self.len() as u64);
                let at = self.pack().seek(2 * n as usize)?;
                let (field, value) = decode(b, at);
                Some((field, decode(b, value).0))
            }
        }
    }

    /// Moves growth or shrinkage that is under way on by about `n` buckets; says whether there is
    /// more to do.
    pub fn step(&mut self, n: usize) -> bool {
        self.is_large() && self.change(|fields, _| fields.table.step(n))
    }

    /// Pins a large hash as it is now; a small one is copied instead.
    pub fn pin(&self) -> Option<HashPin> {
        self.shape(|s| match s {
            Shape::Small(_) => None,
            // SAFETY: the body is this hash's, which is borrowed.
            Shape::Large(b) => Some(unsafe { HashPin::new(b) }),
        })
    }

    /// How many allocations dropping the hash frees, roughly.
    pub fn free_effort(&self) -> usize {
        if self.is_large() { self.len() } else { 1 }
    }
}

fn set_large(
    fields: &mut Fields,
    pins: Option<&mut body::Pins>,
    field: &[u8],
    value: &[u8],
) -> bool {
    let hash = crate::siphash::of(field);
    match (fields.table.find_mut(hash, field), pins) {
        (Some(old), None) => {
            fields.bytes -= old.memory();
            old.set(value);
            fields.bytes += old.memory();
            false
        }
        (Some(slot), Some(pins)) => {
            // Never in place: the old block may have to go to a pin.
            let old = std::mem::replace(slot, Field::new(field, value));
            fields.bytes = fields.bytes - old.memory() + slot.memory();
            pins.replaced(hash, old, Some(slot));
            false
        }
        (None, pins) => {
            let new = Field::new(field, value);
            fields.bytes += new.memory();
            if let Some(pins) = pins {
                pins.added(hash, &new);
            }
            fields.table.insert(hash, new, STAGGER);
            true
        }
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
