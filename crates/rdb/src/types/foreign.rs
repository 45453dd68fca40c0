//! Walks over values of types that the store does not hold, with the checks that their frames
//! allow.
use crate::format::Version;
use crate::packed::{intset, listpack, ziplist};
use crate::reader::{ErrorKind, Source};
use std::collections::HashSet;
use std::io::Read;

const MODULE_END: u64 = 0;
const MODULE_SIGNED: u64 = 1;
const MODULE_UNSIGNED: u64 = 2;
const MODULE_FLOAT: u64 = 3;
const MODULE_DOUBLE: u64 = 4;
const MODULE_STRING: u64 = 5;

/// Reads a value of type `code` and drops it; returns how many elements it announced or held.
pub(crate) fn skip_value<R: Read>(
    source: &mut Source<R>,
    code: u8,
    version: Version,
) -> Result<u64, ErrorKind> {
    match code {
        2 => {
            let mut seen = HashSet::new();
            each(source, |s| match seen.insert(s.string()?) {
                true => Ok(()),
                false => Err(ErrorKind::Corrupt("Duplicate set members detected")),
            })
        }
        3 => each_ranked(source, skip_double_text),
        5 => each_ranked(source, |s| {
            if f64::from_le_bytes(s.fixed()?).is_nan() {
                return Err(ErrorKind::Corrupt("Zset with NAN score detected"));
            }
            Ok(())
        }),
        11 => intset::check(&source.string()?)
            .map(|n| n as u64)
            .map_err(ErrorKind::packed("Intset")),
        12 => {
            let blob = source.string()?;
            ziplist::check_hash(&blob)
                .map(|n| n as u64)
                .map_err(ErrorKind::packed("Zset ziplist"))
        }
        17 => {
            let blob = source.string()?;
            listpack::check_hash(&blob)
                .map(|n| n as u64)
                .map_err(ErrorKind::packed("Zset listpack"))
        }
        20 => listpack::check(&source.string()?)
            .map(|n| n as u64)
            .map_err(ErrorKind::packed("Set listpack")),
        7 => {
            source.length()?;
            skip_module_fields(source)?;
            Ok(1)
        }
        15 | 19 | 21 => skip_stream(source, code),
        24 if !version.valkey => {
            source.fixed::<8>()?;
            each(source, |s| {
                s.length()?;
                s.string()?;
                s.string().map(drop)
            })
        }
        25 if !version.valkey => {
            source.fixed::<8>()?;
            let blob = source.string()?;
            listpack::check(&blob)
                .map(|n| n as u64 / 3)
                .map_err(ErrorKind::packed("Hash listpack"))
        }
        22 if version.valkey => each(source, |s| {
            s.string()?;
            s.string()?;
            s.fixed::<8>().map(drop)
        }),
        _ => Err(ErrorKind::UnknownType(code)),
    }
}

fn each<R: Read>(
    source: &mut Source<R>,
    mut one: impl FnMut(&mut Source<R>) -> Result<(), ErrorKind>,
) -> Result<u64, ErrorKind> {
    let count = source.length()?;
    for _ in 0..count {
        one(source)?;
    }
    Ok(count)
}

/// Members of a sorted set, none of them twice, each with a score.
fn each_ranked<R: Read>(
    source: &mut Source<R>,
    score: impl Fn(&mut Source<R>) -> Result<(), ErrorKind>,
) -> Result<u64, ErrorKind> {
    let mut seen = HashSet::new();
    each(source, |s| {
        if !seen.insert(s.string()?) {
            return Err(ErrorKind::Corrupt("Duplicate zset fields detected"));
        }
        score(s)
    })
}

/// A score as text behind its length, where three lengths stand for what is no number.
fn skip_double_text<R: Read>(source: &mut Source<R>) -> Result<(), ErrorKind> {
    match source.byte()? {
        253 => Err(ErrorKind::Corrupt("Zset with NAN score detected")),
        254 | 255 => Ok(()),
        len => source.bytes(u64::from(len)).map(drop),
    }
}

fn skip_module_fields<R: Read>(source: &mut Source<R>) -> Result<(), ErrorKind> {
    loop {
        match source.length()? {
            MODULE_END => return Ok(()),
            MODULE_SIGNED | MODULE_UNSIGNED => drop(source.length()?),
            MODULE_FLOAT => drop(source.fixed::<4>()?),
            MODULE_DOUBLE => drop(source.fixed::<8>()?),
            MODULE_STRING => drop(source.string()?),
            _ => return Err(ErrorKind::Corrupt("Unknown module field type")),
        }
    }
}

/// Walks over a module's own data; returns the module's name.
pub(crate) fn skip_module_aux<R: Read>(source: &mut Source<R>) -> Result<String, ErrorKind> {
    let id = source.length()?;
    let when_code = source.length()?;
    source.length()?;
    if when_code != MODULE_UNSIGNED {
        return Err(ErrorKind::Corrupt("bad when_opcode"));
    }
    skip_module_fields(source)?;
    Ok(module_name(id))
}

/// The nine characters that a module's number spells, six bits each, above ten bits of version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9)
        .map(|i| LETTERS[(id >> (10 + 6 * (8 - i)) & 63) as usize] as char)
        .collect()
}

fn skip_stream<R: Read>(source: &mut Source<R>, code: u8) -> Result<u64, ErrorKind> {
    each(source, |s| {
        if s.string()?.len() != 16 {
            return Err(ErrorKind::Corrupt(
                "Stream node key entry is not the size of a stream ID",
            ));
        }
        let blob = s.string()?;
        let count = listpack::check(&blob).map_err(ErrorKind::packed("Stream listpack"))?;
        if count == 0 {
            return Err(ErrorKind::Corrupt("Empty listpack inside stream"));
        }
        Ok(())
    })?;
    let length = source.length()?;
    let fields = if code >= 19 { 7 } else { 2 };
    for _ in 0..fields {
        source.length()?;
    }
    each(source, |s| skip_group(s, code))?;
    Ok(length)
}

fn skip_group<R: Read>(source: &mut Source<R>, code: u8) -> Result<(), ErrorKind> {
    source.string()?;
    let numbers = if code >= 19 { 3 } else { 2 };
    for _ in 0..numbers {
        source.length()?;
    }
    each(source, |s| {
        s.fixed::<24>()?;
        s.length().map(drop)
    })?;
    each(source, |s| {
        s.string()?;
        s.fixed::<8>()?;
        if code >= 21 {
            s.fixed::<8>()?;
        }
        each(s, |s| s.fixed::<16>().map(drop)).map(drop)
    })?;
    Ok(())
}
