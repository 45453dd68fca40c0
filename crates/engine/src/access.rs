//! What accesses leave behind in a key's access field: an LRU clock, or an LFU counter with its
//! decay time.

use ds::Object;
pub use ds::access::lru_clock;
use ds::access::{idle_since, lfu_counter, lfu_field, lfu_minutes, lfu_passed};

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
const LFU_INIT: u8 = 5;

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
            object.set_lru(lfu_field(minutes, counter));
        }
    }
}

/// Marks a new key.
pub fn begin(object: &Object, stamp: Stamp) {
    let field = match stamp {
        Stamp::Lru(clock) => clock,
        Stamp::Lfu { minutes, .. } => lfu_field(minutes, LFU_INIT),
    };
    object.set_lru(field);
}

/// Seconds since the last access under an LRU policy.
pub fn idle_seconds(object: &Object, now_ms: i64) -> u64 {
    ds::access::idle_seconds(object.lru(), now_ms).into()
}

/// The LFU counter as it is after decay.
pub fn frequency(object: &Object, now_ms: i64, decay_minutes: u32) -> u8 {
    lfu_decayed(object.lru(), lfu_minutes(now_ms), decay_minutes)
}

/// Sets the idle time, as RESTORE and RDB files give it.
pub fn set_idle(object: &Object, seconds: u64, now_ms: i64) {
    object.set_lru(idle_since(seconds as u32, now_ms));
}

/// Sets the LFU counter, as RESTORE and RDB files give it.
pub fn set_frequency(object: &Object, counter: u8, now_ms: i64) {
    object.set_lru(lfu_field(lfu_minutes(now_ms), counter));
}

fn lfu_decayed(field: u32, now: u32, decay_minutes: u32) -> u8 {
    let passed = lfu_passed(field, now);
    let periods = passed.checked_div(decay_minutes).unwrap_or(0);
    let periods = u8::try_from(periods).unwrap_or(u8::MAX);
    lfu_counter(field).saturating_sub(periods)
}

/// Raises the counter with a chance of 1 in (counter - init) × factor + 1. The bits of the old
/// field and the counter are the dice: accesses are frequent, so that no better ones are needed.
fn lfu_increase(counter: u8, field: u32, factor: u32) -> u8 {
    if counter == u8::MAX {
        return counter;
    }
    let chance = u32::from(counter.saturating_sub(LFU_INIT))
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
