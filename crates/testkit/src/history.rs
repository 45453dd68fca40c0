//! Linearizability of one key: what clients sent and were told, and whether some order of the
//! commands, each at one instant between its request and its reply, explains every reply.
//!
//! The checker goes through requests and replies in the order of time and keeps every state that
//! the key may be in, together with the pending commands that have taken effect in it. At a reply
//! it lets pending commands take effect in all orders, and keeps the states in which the command
//! that returns has taken effect with just this reply. When none is left, nothing explains the
//! history.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use crate::Reply;

/// A command on a string key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// GET
    Get,
    /// SET value
    Set(Vec<u8>),
    /// SET value NX
    SetNx(Vec<u8>),
    /// GETSET value
    GetSet(Vec<u8>),
    /// APPEND value
    Append(Vec<u8>),
    /// INCR
    Incr,
    /// DEL
    Del,
}

/// What a command answered, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Done.
    Ok,
    /// Not done, or nothing there.
    Nil,
    /// A number.
    Int(i64),
    /// A value.
    Value(Vec<u8>),
    /// An error: the value is no number.
    Refused,
}

/// The value of the key, if it exists.
type State = Option<Vec<u8>>;

impl Action {
    /// The request.
    pub fn request(&self, key: &str) -> Vec<Vec<u8>> {
        let (name, value, option): (&str, Option<&Vec<u8>>, Option<&str>) = match self {
            Action::Get => ("GET", None, None),
            Action::Set(value) => ("SET", Some(value), None),
            Action::SetNx(value) => ("SET", Some(value), Some("NX")),
            Action::GetSet(value) => ("GETSET", Some(value), None),
            Action::Append(value) => ("APPEND", Some(value), None),
            Action::Incr => ("INCR", None, None),
            Action::Del => ("DEL", None, None),
        };
        let words = [Some(name.as_bytes()), Some(key.as_bytes())];
        let rest = [value.map(Vec::as_slice), option.map(str::as_bytes)];
        let all = words.into_iter().chain(rest).flatten();
        all.map(<[u8]>::to_vec).collect()
    }

    /// What the command does to a value and what it answers then.
    fn apply(&self, state: &State) -> (State, Told) {
        let was = || state.clone().map_or(Told::Nil, Told::Value);
        match self {
            Action::Get => (state.clone(), was()),
            Action::Set(value) => (Some(value.clone()), Told::Ok),
            Action::SetNx(_) if state.is_some() => (state.clone(), Told::Nil),
            Action::SetNx(value) => (Some(value.clone()), Told::Ok),
            Action::GetSet(value) => (Some(value.clone()), was()),
            Action::Append(value) => {
                let whole = [state.as_deref().unwrap_or_default(), value].concat();
                let length = whole.len() as i64;
                (Some(whole), Told::Int(length))
            }
            Action::Incr => match incremented(state) {
                Some(number) => (Some(number.to_string().into_bytes()), Told::Int(number)),
                None => (state.clone(), Told::Refused),
            },
            Action::Del => (None, Told::Int(i64::from(state.is_some()))),
        }
    }
}

fn incremented(state: &State) -> Option<i64> {
    let Some(value) = state else { return Some(1) };
    let number: i64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    // Redis takes only the shortest form for a number.
    (number.to_string().as_bytes() == value.as_slice()).then(|| number.checked_add(1))?
}

impl From<&Reply> for Told {
    fn from(reply: &Reply) -> Told {
        match reply {
            Reply::Simple(_) => Told::Ok,
            Reply::Nil => Told::Nil,
            Reply::Int(number) => Told::Int(*number),
            Reply::Bulk(value) => Told::Value(value.clone()),
            Reply::Error(_) => Told::Refused,
            other => panic!("no command on a string answers {other:?}"),
        }
    }
}

/// One command of a history.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who sent it. A client waits for one reply before it sends the next command on the same key.
    pub client: usize,
    /// What was sent.
    pub action: Action,
    /// When it was sent, by a clock that all clients share.
    pub sent: u64,
    /// When the reply came and what it said; `None` when none came, so that the command may have
    /// taken effect at any time since, or never.
    pub told: Option<(u64, Told)>,
}

/// A reply that nothing explains.
#[derive(Debug)]
pub struct Contradiction {
    /// The command whose reply it is.
    pub call: Call,
    /// What the key might have been just before the reply, before pending commands took effect.
    pub before: Vec<Option<String>>,
    /// The commands that were under way.
    pub pending: Vec<Call>,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nothing explains the reply of {:?}", self.call)?;
        writeln!(f, "the key might have been one of {:?}", self.before)?;
        self.pending
            .iter()
            .try_for_each(|call| writeln!(f, "under way: {call:?}"))
    }
}

/// A state that the key may be in, and which of the pending commands have taken effect in it.
type Config = (u128, State);

/// How many commands can be under way at once.
const PENDING: usize = 128;

#[derive(Default)]
struct Checker<'a> {
    configs: HashSet<Config>,
    /// The commands under way, each with its bit.
    pending: BTreeMap<usize, &'a Call>,
}

impl<'a> Checker<'a> {
    fn begin(&mut self, call: &'a Call) -> usize {
        let free = (0..PENDING).find(|bit| !self.pending.contains_key(bit));
        let bit = free.expect("fewer clients than bits");
        self.pending.insert(bit, call);
        bit
    }

    /// Whether `bit`'s command can have taken effect by now with the reply that it has.
    fn end(&mut self, bit: usize) -> Result<(), Box<Contradiction>> {
        let done = 1u128 << bit;
        let (mut seen, mut kept) = (self.configs.clone(), HashSet::new());
        let mut open: Vec<Config> = self.configs.iter().cloned().collect();
        while let Some((taken, state)) = open.pop() {
            if taken & done != 0 {
                kept.insert((taken & !done, state));
                continue;
            }
            for (&other, call) in &self.pending {
                if taken & (1 << other) != 0 {
                    continue;
                }
                let (next, told) = call.action.apply(&state);
                let fits = call.told.as_ref().is_none_or(|(_, real)| *real == told);
                let config = (taken | 1 << other, next);
                if fits && seen.insert(config.clone()) {
                    open.push(config);
                }
            }
        }
        let call = self.pending.remove(&bit).expect("it was begun");
        if kept.is_empty() {
            let text = |state: &State| Some(String::from_utf8_lossy(state.as_ref()?).into_owned());
            return Err(Box::new(Contradiction {
                call: call.clone(),
                before: self.configs.iter().map(|(_, state)| text(state)).collect(),
                pending: self.pending.values().map(|call| (*call).clone()).collect(),
            }));
        }
        self.configs = kept;
        Ok(())
    }
}

/// Whether some order explains the history of one key that did not exist at first.
///
/// # Errors
/// The first reply, in the order of time, that nothing explains.
///
/// # Panics
/// When more than 128 commands are under way at once.
pub fn explain(calls: &[Call]) -> Result<(), Box<Contradiction>> {
    // At the same time requests come before replies: that allows more orders, never fewer.
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
    for (index, call) in calls.iter().enumerate() {
        moments.push((call.sent, false, index));
        if let Some((at, _)) = &call.told {
            moments.push((*at, true, index));
        }
    }
    moments.sort_unstable();
    let mut checker = Checker::default();
    checker.configs.insert((0, None));
    let mut bits = vec![0; calls.len()];
    for (_, returns, index) in moments {
        if returns {
            checker.end(bits[index])?;
        } else {
            bits[index] = checker.begin(&calls[index]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
