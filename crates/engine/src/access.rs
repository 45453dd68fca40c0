//! The access field of a key: an LRU clock, or an LFU counter with its decay time.
//!
//! The field has 24 bits. Under an LRU policy it is the clock of the last access in seconds; under
//! an LFU policy its upper 16 bits are minutes of the last decay and its lower 8 a logarithmic
//! counter.

use ds::Object;

/// How many bits the field has.
const BITS: u32 = 24;

/// How lookups mark keys at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Under an LRU policy: the clock.
    Lru(u32),
    /// Under an LFU policy.
    Lfu {
        /// The time in minutes, in 16 bits.
        minutes: u32,
        /// `lfu-decay-time`: in so many minutes the counter falls by one; 0: never.
        decay: u32,
        /// `lfu-log-factor`: the higher, the slower the counter rises.
        factor: u32,
    },
}

/// The counter of a new key under LFU, so that it is not the first to go.
const LFU_INIT: u32 = 5;

/// The LRU clock at a time: seconds, in the field's width.
pub fn lru_clock(now_ms: i64) -> u32 {
    ((now_ms / 1000) as u32) & ((1 << BITS) - 1)
}

/// The stamp with which lookups mark keys at this time.
#[inline]
pub fn stamp(now_ms: i64, settings: &crate::Settings) -> Stamp {
    if settings.lfu {
        Stamp::Lfu {
            minutes: lfu_minutes(now_ms),
            decay: settings.lfu_decay_minutes,
            factor: settings.lfu_log_factor,
        }
    } else {
        Stamp::Lru(lru_clock(now_ms))
    }
}

fn lfu_minutes(now_ms: i64) -> u32 {
    ((now_ms / 60_000) as u32) & 0xffff
}

/// Notes an access.
#[inline]
pub fn note(object: &Object, stamp: Stamp) {
    match stamp {
        Stamp::Lru(clock) => {
            if object.lru() != clock {
                object.set_lru(clock);
            }
        }
        Stamp::Lfu {
            minutes,
            decay,
            factor,
        } => {
            let counter = lfu_decayed(object.lru(), minutes, decay);
            let counter = lfu_increase(counter, object.lru(), factor);
            object.set_lru(minutes << 8 | counter);
        }
    }
}

/// Marks a new key.
pub fn begin(object: &Object, stamp: Stamp) {
    let field = match stamp {
        Stamp::Lru(clock) => clock,
        Stamp::Lfu { minutes, .. } => minutes << 8 | LFU_INIT,
    };
    object.set_lru(field);
}

/// Seconds since the last access under an LRU policy.
pub fn idle_seconds(object: &Object, now_ms: i64) -> u64 {
    let (now, then) = (lru_clock(now_ms), object.lru());
    u64::from(now.wrapping_sub(then) & ((1 << BITS) - 1))
}

/// The LFU counter as it is after decay.
pub fn frequency(object: &Object, now_ms: i64, decay_minutes: u32) -> u8 {
    lfu_decayed(object.lru(), lfu_minutes(now_ms), decay_minutes) as u8
}

/// Sets the idle time, as RESTORE and RDB files give it.
pub fn set_idle(object: &Object, seconds: u64, now_ms: i64) {
    let now = lru_clock(now_ms);
    object.set_lru(now.wrapping_sub(seconds as u32) & ((1 << BITS) - 1));
}

/// Sets the LFU counter, as RESTORE and RDB files give it.
pub fn set_frequency(object: &Object, counter: u8, now_ms: i64) {
    object.set_lru(lfu_minutes(now_ms) << 8 | u32::from(counter));
}

fn lfu_decayed(field: u32, now: u32, decay_minutes: u32) -> u32 {
    let (minutes, counter) = (field >> 8, field & 0xff);
    let passed = now.wrapping_sub(minutes) & 0xffff;
    let periods = passed.checked_div(decay_minutes).unwrap_or(0);
    counter.saturating_sub(periods)
}

/// Raises the counter with a chance of 1 in (counter - init) × factor + 1. The bits of the old field
/// and the counter are the dice: accesses are frequent, so that no better ones are needed.
fn lfu_increase(counter: u32, field: u32, factor: u32) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let chance = counter
        .saturating_sub(LFU_INIT)
        .saturating_mul(factor)
        .saturating_add(1);
    let dice = field.wrapping_mul(0x9e37_79b9)
        ^ DICE.with(|dice| {
            let next = dice
                .get()
                .wrapping_mul(747_796_405)
                .wrapping_add(2_891_336_453);
            dice.set(next);
            next >> 7
        });
    if dice.is_multiple_of(chance) {
        counter + 1
    } else {
        counter
    }
}

thread_local! {
    static DICE: std::cell::Cell<u32> = const { std::cell::Cell::new(1) };
}
