//! Finding the keys among a command's arguments.
//!
//! Key specs find most of them. Where a row says that its specs are incomplete, unknown or that
//! their flags vary, a search written for that command decides, as Redis does.

use base::num::parse_i64;

use crate::argv::Argv;
use crate::cmd::Cmd;
use crate::flags::{KeyFlags, key};
use crate::keyspec::{Begin, Find, KeySpec};
use crate::spec::Spec;

/// The first argument that is a key, if the command is one whose keys start at a fixed place and
/// it has that many arguments: the fast path of routing. `None` says nothing about other places.
#[inline]
pub fn first_key(spec: &Spec, argc: usize) -> Option<usize> {
    let first = spec.range.first as usize;
    (first != 0 && first < argc).then_some(first)
}

/// Calls `visit` with the argument number of each key, in the order of the specs, and with what
/// the command does to it. Returns how many keys there are: 0 also when the arguments make no
/// sense, and then nothing was visited.
///
/// The arguments' number is expected to fit the arity; a call that does not fit is safe and finds
/// fewer keys.
#[inline]
pub fn keys<A, F>(spec: &Spec, argv: &A, visit: &mut F) -> usize
where
    A: Argv + ?Sized,
    F: FnMut(usize, KeyFlags),
{
    // The one place that nearly all traffic goes through: a single key at argument 1.
    if spec.range.exact && spec.range.first == spec.range.last {
        let index = spec.range.first as usize;
        if index >= argv.count() {
            return 0;
        }
        visit(index, spec.range.flags);
        return 1;
    }
    general(spec, argv, visit)
}

/// As [`keys`], but without what is done to them: the fast path of routing.
#[inline]
pub fn key_places<A, F>(spec: &Spec, argv: &A, visit: &mut F) -> usize
where
    A: Argv + ?Sized,
    F: FnMut(usize),
{
    let range = spec.range;
    if !range.placed {
        return general(spec, argv, &mut |index, _| visit(index));
    }
    let (first, argc) = (range.first as usize, argv.count());
    let last = if range.last >= 0 {
        range.last as usize
    } else {
        argc.wrapping_sub(range.last.unsigned_abs().into())
    };
    if last >= argc || first > last {
        return 0;
    }
    let mut count = 0;
    let mut index = first;
    while index <= last {
        visit(index);
        count += 1;
        index += range.step as usize;
    }
    count
}

fn general<A, F>(spec: &Spec, argv: &A, visit: &mut F) -> usize
where
    A: Argv + ?Sized,
    F: FnMut(usize, KeyFlags),
{
    let varying = spec.keys.iter().any(|s| s.flags.has(key::VARIABLE_FLAGS));
    if spec.keys.is_empty() {
        return 0;
    }
    if !varying && let Some(count) = by_specs(spec, argv, visit) {
        return count;
    }
    by_search(spec.id, argv, visit)
}

/// What one spec comes to with these arguments: first and last key and the step, or nothing.
/// `Err` says that the spec does not tell.
fn span<A: Argv + ?Sized>(spec: &KeySpec, argv: &A) -> Result<Option<(usize, usize, usize)>, ()> {
    let argc = argv.count();
    let first = match spec.begin {
        Begin::Index(index) => usize::from(index),
        Begin::Keyword { word, start_from } => match behind(word, start_from, argv) {
            Some(index) => index,
            None => return Ok(None),
        },
        Begin::Unknown => return Err(()),
    };
    let (first, last, step) = match spec.find {
        Find::Range { last, step, limit } => {
            let last = match (last, limit) {
                (0.., _) => first as i64 + i64::from(last),
                (_, 0) => argc as i64 + i64::from(last),
                (_, limit) => {
                    first as i64 + (argc as i64 - first as i64) / i64::from(limit) + i64::from(last)
                }
            };
            (first as i64, last, step)
        }
        Find::KeyNum {
            number_at,
            first: offset,
            step,
        } => {
            let number_at = first + usize::from(number_at);
            if number_at >= argc {
                return Err(());
            }
            let number = parse_i64(argv.arg(number_at)).filter(|n| (0..=argc as i64).contains(n));
            let number = number.ok_or(())?;
            let first = first as i64 + i64::from(offset);
            (first, first + (number - 1) * i64::from(step), step)
        }
        Find::Unknown => return Err(()),
    };
    if first <= 0 || last < first || last >= argc as i64 {
        return Err(());
    }
    Ok(Some((
        first as usize,
        last as usize,
        usize::from(step.max(1)),
    )))
}

/// The argument behind `word`.
fn behind<A: Argv + ?Sized>(word: &str, start_from: i16, argv: &A) -> Option<usize> {
    let argc = argv.count() as i64;
    let forward = start_from > 0;
    let mut index = if forward {
        i64::from(start_from)
    } else {
        argc + i64::from(start_from)
    };
    // The last word, or the first, cannot announce anything.
    let end = if forward { argc - 1 } else { 1 };
    let step = if index <= end { 1 } else { -1 };
    while index != end && (1..argc).contains(&index) {
        if argv
            .arg(index as usize)
            .eq_ignore_ascii_case(word.as_bytes())
        {
            return Some(index as usize + 1);
        }
        index += step;
    }
    None
}

fn by_specs<A, F>(spec: &Spec, argv: &A, visit: &mut F) -> Option<usize>
where
    A: Argv + ?Sized,
    F: FnMut(usize, KeyFlags),
{
    // All or nothing: nothing is visited before every spec has told.
    for key_spec in wanted(spec) {
        let found = span(key_spec, argv).ok()?;
        if found.is_some() && key_spec.flags.has(key::INCOMPLETE) {
            return None;
        }
    }
    let mut count = 0;
    for key_spec in wanted(spec) {
        if let Ok(Some((first, last, step))) = span(key_spec, argv) {
            for index in (first..=last).step_by(step) {
                visit(index, key_spec.flags);
                count += 1;
            }
        }
    }
    Some(count)
}

fn wanted(spec: &Spec) -> impl Iterator<Item = &'static KeySpec> {
    spec.keys.iter().filter(|s| !s.flags.has(key::NOT_KEY))
}

/// The searches for commands whose specs cannot tell.
fn by_search<A, F>(id: Cmd, argv: &A, visit: &mut F) -> usize
where
    A: Argv + ?Sized,
    F: FnMut(usize, KeyFlags),
{
    let argc = argv.count();
    let is = |index: usize, word: &str| argv.arg(index).eq_ignore_ascii_case(word.as_bytes());
    match id {
        Cmd::Set if argc > 1 => {
            let reads = (3..argc).any(|index| is(index, "get"));
            visit(
                1,
                KeyFlags(if reads {
                    key::RW | key::ACCESS | key::UPDATE
                } else {
                    key::OW | key::UPDATE
                }),
            );
            1
        }
        Cmd::Bitfield if argc > 1 => {
            visit(
                1,
                KeyFlags(if bitfield_reads_only(argv) {
                    key::RO | key::ACCESS
                } else {
                    key::RW | key::ACCESS | key::UPDATE
                }),
            );
            1
        }
        Cmd::Sort if argc > 1 => {
            visit(1, KeyFlags(key::RO | key::ACCESS));
            match sort_store(argv) {
                Some(index) => {
                    visit(index, KeyFlags(key::OW | key::UPDATE));
                    2
                }
                None => 1,
            }
        }
        Cmd::SortRo if argc > 1 => {
            visit(1, KeyFlags(key::RO | key::ACCESS));
            1
        }
        Cmd::Migrate if argc > 3 => {
            let (first, count) = migrate_keys(argv);
            for index in first..first + count {
                visit(index, KeyFlags(key::RW | key::ACCESS | key::DELETE));
            }
            count
        }
        _ => 0,
    }
}

/// BITFIELD changes nothing if it consists of GET alone.
fn bitfield_reads_only<A: Argv + ?Sized>(argv: &A) -> bool {
    let argc = argv.count();
    let mut index = 2;
    while index < argc {
        let (word, rest) = (argv.arg(index), argc - index - 1);
        if word.eq_ignore_ascii_case(b"get") && rest >= 2 {
            index += 3;
        } else if word.eq_ignore_ascii_case(b"overflow") && rest >= 1 {
            index += 2;
        } else {
            return false;
        }
    }
    true
}

/// The argument that SORT stores to: behind the last STORE that is no pattern, no limit and no
/// destination. (`COMMAND GETKEYS` of Redis takes a destination called `store` for the word; its
/// SORT does not.)
fn sort_store<A: Argv + ?Sized>(argv: &A) -> Option<usize> {
    let argc = argv.count();
    let mut found = None;
    let mut index = 2;
    while index < argc {
        let word = argv.arg(index).to_ascii_lowercase();
        index += match word.as_slice() {
            b"limit" => 2,
            b"get" | b"by" => 1,
            b"store" if index + 1 < argc => {
                found = Some(index + 1);
                1
            }
            _ => 0,
        } + 1;
    }
    found
}

/// The first key of MIGRATE and their number. KEYS takes the rest of the arguments, but only with
/// an empty key in its usual place; otherwise the command makes no sense.
fn migrate_keys<A: Argv + ?Sized>(argv: &A) -> (usize, usize) {
    let argc = argv.count();
    let mut index = 6;
    while index < argc {
        let word = argv.arg(index).to_ascii_lowercase();
        index += match word.as_slice() {
            b"keys" if argv.arg(3).is_empty() => return (index + 1, argc - index - 1),
            b"keys" => return (0, 0),
            b"auth" => 1,
            b"auth2" => 2,
            _ => 0,
        } + 1;
    }
    (3, 1)
}

/// Runs key extraction on arguments cut out of `data`: zero bytes separate them. For fuzzing; it
/// panics if an argument number is out of range or a count is wrong.
#[doc(hidden)]
pub fn fuzz_keys(data: &[u8]) {
    let argv: Vec<&[u8]> = data.split(|b| *b == 0).collect();
    let Ok(spec) = crate::resolve(&argv) else {
        return;
    };
    let mut seen = 0;
    let count = keys(spec, &argv, &mut |index, _| {
        assert!(
            index > 0 && index < argv.len(),
            "key {index} of {}",
            argv.len()
        );
        seen += 1;
    });
    assert_eq!(count, seen);
}
