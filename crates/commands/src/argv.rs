//! A command with its arguments, however the caller keeps them.

use std::marker::PhantomData;

/// The arguments of a command, its name being argument 0.
pub trait Argv {
    /// How many there are, the name included.
    fn count(&self) -> usize;
    /// Argument `index`, which is below [`count`](Self::count).
    fn arg(&self, index: usize) -> &[u8];
}

impl<A: AsRef<[u8]>> Argv for [A] {
    #[inline]
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn arg(&self, index: usize) -> &[u8] {
        self[index].as_ref()
    }
}

impl<A: AsRef<[u8]>> Argv for Vec<A> {
    #[inline]
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn arg(&self, index: usize) -> &[u8] {
        self[index].as_ref()
    }
}

impl<A: AsRef<[u8]>, const N: usize> Argv for [A; N] {
    #[inline]
    fn count(&self) -> usize {
        N
    }

    #[inline]
    fn arg(&self, index: usize) -> &[u8] {
        self[index].as_ref()
    }
}

/// Arguments given by their number and a function: for a caller whose own type is neither a
/// slice nor free to implement [`Argv`].
pub struct ByIndex<'a, F> {
    count: usize,
    arg: F,
    lives: PhantomData<&'a [u8]>,
}

impl<'a, F: Fn(usize) -> &'a [u8]> ByIndex<'a, F> {
    /// `count` arguments, of which `arg` gives each by its index.
    pub fn new(count: usize, arg: F) -> Self {
        ByIndex {
            count,
            arg,
            lives: PhantomData,
        }
    }
}

impl<'a, F: Fn(usize) -> &'a [u8]> Argv for ByIndex<'a, F> {
    #[inline]
    fn count(&self) -> usize {
        self.count
    }

    #[inline]
    fn arg(&self, index: usize) -> &[u8] {
        (self.arg)(index)
    }
}
