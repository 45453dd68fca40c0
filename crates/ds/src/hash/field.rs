//! A field with its value, the entry of a large hash: one allocation.
//!
//! ```text
//! widths 1 | class 1 | field length 1, 2 or 4 | value length 1, 2 or 4 | field | value
//! ```

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use crate::elements::Element;
use crate::sizes;
use crate::table::Entry;

/// Bits of the first byte: two for the width of each length. The rest is for an expiry to come.
const WIDTH: u8 = 3;

/// An owned field with its value behind a handle of eight bytes.
#[repr(transparent)]
pub(super) struct Field(NonNull<u8>);

// SAFETY: the block is owned.
unsafe impl Send for Field {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Field {}

// SAFETY: transparent over `NonNull`; the field's name is never changed in place.
unsafe impl Entry for Field {
    #[inline]
    fn key(&self) -> &[u8] {
        self.parts().0
    }

    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Field(raw)
    }
}

impl Element for Field {
    fn memory(&self) -> usize {
        sizes::bytes(self.class())
    }
}

impl Clone for Field {
    fn clone(&self) -> Self {
        let (field, value) = self.parts();
        Field::new(field, value)
    }
}

/// Code of the width in which a length is kept.
fn code(len: usize) -> u8 {
    match len {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        _ => 2,
    }
}

impl Field {
    pub(super) fn new(field: &[u8], value: &[u8]) -> Field {
        let codes = [code(field.len()), code(value.len())];
        let head = 2 + (1 << codes[0]) + (1 << codes[1]);
        let class = sizes::class_of(head + field.len() + value.len());
        let layout = sizes::layout(class);
        // SAFETY: no class has size zero.
        let p = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(p) else {
            handle_alloc_error(layout)
        };
        let lens = [field.len(), value.len()];
        // SAFETY: the block is as large as the head, the field and the value together, which is
        // what is written.
        unsafe {
            p.write(codes[0] | codes[1] << 2);
            p.add(1).write(class);
            let mut at = 2;
            for (code, len) in codes.into_iter().zip(lens) {
                let le = u32::try_from(len)
                    .expect("a string below 4 GB")
                    .to_le_bytes();
                p.add(at).copy_from_nonoverlapping(le.as_ptr(), 1 << code);
                at += 1 << code;
            }
            p.add(at)
                .copy_from_nonoverlapping(field.as_ptr(), field.len());
            p.add(at + field.len())
                .copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
        Field(block)
    }

    #[inline]
    fn length(&self, at: usize, code: u8) -> usize {
        // SAFETY: a length of this width is at this place of the block, by its first byte.
        unsafe {
            let p = self.0.as_ptr().add(at);
            match code {
                0 => p.read() as usize,
                1 => p.cast::<u16>().read_unaligned() as usize,
                _ => p.cast::<u32>().read_unaligned() as usize,
            }
        }
    }

    /// Where the field's name begins, its length and the value's.
    #[inline]
    fn layout(&self) -> (usize, usize, usize) {
        // SAFETY: the block begins with its widths.
        let widths = unsafe { self.0.read() };
        let (f, v) = (widths & WIDTH, widths >> 2 & WIDTH);
        let second = 2 + (1 << f);
        (second + (1 << v), self.length(2, f), self.length(second, v))
    }

    /// The field's name and its value.
    #[inline]
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let (at, field, value) = self.layout();
        // SAFETY: the block holds that many bytes there, initialized by `new`.
        unsafe {
            let p = self.0.as_ptr().add(at);
            (
                std::slice::from_raw_parts(p, field),
                std::slice::from_raw_parts(p.add(field), value),
            )
        }
    }

    fn class(&self) -> u8 {
        // SAFETY: the second byte of the block is its class.
        unsafe { self.0.add(1).read() }
    }

    /// Gives the field another value, in place where the block stays of the same class.
    pub(super) fn set(&mut self, value: &[u8]) {
        let (at, field, old) = self.layout();
        let size = at + field + value.len();
        if code(old) != code(value.len()) || sizes::class_of(size) != self.class() {
            *self = Field::new(self.parts().0, value);
            return;
        }
        let width = 1 << code(old);
        let le = (value.len() as u32).to_le_bytes();
        // SAFETY: the length is kept in `width` bytes just before the field's name; the block's
        // class holds `size` bytes, of which the value's are the last; the handle is borrowed
        // exclusively.
        unsafe {
            let p = self.0.as_ptr();
            p.add(at - width)
                .copy_from_nonoverlapping(le.as_ptr(), width);
            p.add(at + field)
                .copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with its class's layout and is freed only here.
        unsafe { dealloc(self.0.as_ptr(), sizes::layout(self.class())) };
    }
}
