//! The access field of a key: 24 bits that say when, or how often, it was last used.
//!
//! Under an LRU policy it is the clock of the last access in seconds; under an LFU policy its upper
//! 16 bits are minutes of the last decay and its lower 8 a logarithmic counter.

/// All bits of the field.
const ALL: u32 = (1 << 24) - 1;

/// The LRU clock at a time: seconds, in the field's width.
#[inline]
pub fn lru_clock(now_ms: i64) -> u32 {
    ((now_ms / 1000) as u32) & ALL
}

/// The seconds that have passed since the access that an LRU field tells of.
pub fn idle_seconds(field: u32, now_ms: i64) -> u32 {
    lru_clock(now_ms).wrapping_sub(field) & ALL
}

/// The LRU field of a key whose last access was so many seconds ago.
pub fn idle_since(seconds: u32, now_ms: i64) -> u32 {
    lru_clock(now_ms).wrapping_sub(seconds) & ALL
}

/// The clock of LFU fields: minutes, in 16 bits.
#[inline]
pub fn lfu_minutes(now_ms: i64) -> u32 {
    ((now_ms / 60_000) as u32) & 0xffff
}

/// The LFU field with a counter that last decayed at a time of that clock.
#[inline]
pub fn lfu_field(minutes: u32, counter: u8) -> u32 {
    minutes << 8 | u32::from(counter)
}

/// The counter of an LFU field, without the decay since.
pub fn lfu_counter(field: u32) -> u8 {
    field as u8
}

/// The minutes of that clock between the last decay of an LFU field and now.
#[inline]
pub fn lfu_passed(field: u32, now: u32) -> u32 {
    now.wrapping_sub(field >> 8) & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_give_back_what_was_put_into_them_over_the_wrap_of_their_clocks() {
        for now in [0, 86_400_000, (1 << 24) * 1000 + 5000, 1_800_000_000_000] {
            for seconds in [0, 1, 4000, ALL] {
                assert_eq!(idle_seconds(idle_since(seconds, now), now), seconds);
            }
            let then = lfu_minutes(now);
            let field = lfu_field(then, 200);
            assert!(field <= ALL);
            assert_eq!(lfu_counter(field), 200);
            let later = lfu_minutes(now + 90 * 60_000);
            assert_eq!(lfu_passed(field, later), 90);
        }
    }
}
