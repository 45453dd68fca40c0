//! LCS: the longest common subsequence of two strings.

use super::string_bytes;
use crate::fail::{Done, Fail, SYNTAX};
use crate::{Cx, Key, Keyspace};
use ds::Kind;
use resp::Reply;

const NO_STRINGS: &str = "ERR The specified keys must contain string values";
const TOO_LARGE: &str =
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";

#[derive(Default)]
struct Options {
    length_only: bool,
    indexes: bool,
    with_lengths: bool,
    least: u64,
}

fn parse(cx: &Cx<'_>) -> Result<Options, Fail> {
    let mut options = Options::default();
    let mut index = 3;
    while index < cx.args.len() {
        match cx.args.get(index).to_ascii_uppercase().as_slice() {
            b"IDX" => options.indexes = true,
            b"LEN" => options.length_only = true,
            b"WITHMATCHLEN" => options.with_lengths = true,
            b"MINMATCHLEN" if index + 1 < cx.args.len() => {
                options.least = cx.int(index + 1)?.max(0) as u64;
                index += 1;
            }
            _ => return Err(SYNTAX.into()),
        }
        index += 1;
    }
    if options.length_only && options.indexes {
        return Err("ERR If you want both the length and indexes, please just use IDX.".into());
    }
    Ok(options)
}

fn text(keys: &mut Keyspace<'_>, key: Key<'_>) -> Result<Vec<u8>, Fail> {
    let mut scratch = Vec::new();
    match keys.read(key) {
        None => Ok(Vec::new()),
        Some(object) if object.kind() != Kind::Str => Err(NO_STRINGS.into()),
        Some(object) => Ok(string_bytes(object, &mut scratch).to_vec()),
    }
}

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
pub(crate) fn lcs(cx: &mut Cx<'_>) -> Done {
    let (one, other) = (cx.key(0)?, cx.key(1)?);
    let one = text(&mut cx.keys, one)?;
    let other = text(&mut cx.keys, other)?;
    let options = parse(cx)?;
    let cells = (one.len() + 1).checked_mul(other.len() + 1);
    let fits = cells
        .and_then(|cells| cells.checked_mul(4))
        .is_some_and(|bytes| bytes <= cx.settings.max_bulk);
    if !fits {
        return Err(TOO_LARGE.into());
    }
    let table = Table::new(&one, &other);
    let length = table.at(one.len(), other.len());
    if options.length_only {
        cx.reply.int(i64::from(length));
        return Ok(());
    }
    let matches = table.matches(&one, &other);
    if options.indexes {
        reply_indexes(&mut cx.reply, &matches, &options, length);
        return Ok(());
    }
    let mut common = Vec::with_capacity(length as usize);
    for found in matches.iter().rev() {
        common.extend_from_slice(&one[found.one..found.one + found.length]);
    }
    cx.reply.bulk(&common);
    Ok(())
}

fn reply_indexes(reply: &mut Reply<'_>, matches: &[Match], options: &Options, length: u32) {
    let told = |found: &&Match| found.length as u64 >= options.least;
    reply.map(2);
    reply.bulk("matches");
    reply.array(matches.iter().filter(told).count());
    for found in matches.iter().filter(told) {
        reply.array(if options.with_lengths { 3 } else { 2 });
        for start in [found.one, found.other] {
            reply.array(2);
            reply.int(start as i64);
            reply.int((start + found.length - 1) as i64);
        }
        if options.with_lengths {
            reply.int(found.length as i64);
        }
    }
    reply.bulk("len");
    reply.int(i64::from(length));
}

/// A run that both strings have in common: where it begins in each, and its bytes.
struct Match {
    one: usize,
    other: usize,
    length: usize,
}

/// Lengths of the longest common subsequence of all pairs of prefixes.
struct Table {
    cells: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(one: &[u8], other: &[u8]) -> Table {
        let width = other.len() + 1;
        let mut cells = vec![0; width * (one.len() + 1)];
        for (row, &left) in one.iter().enumerate() {
            let (before, now) = cells[row * width..].split_at_mut(width);
            for (column, &right) in other.iter().enumerate() {
                now[column + 1] = if left == right {
                    before[column] + 1
                } else {
                    before[column + 1].max(now[column])
                };
            }
        }
        Table { cells, width }
    }

    fn at(&self, one: usize, other: usize) -> u32 {
        self.cells[one * self.width + other]
    }

    /// The common runs from the last to the first.
    fn matches(&self, one: &[u8], other: &[u8]) -> Vec<Match> {
        let (mut row, mut column) = (one.len(), other.len());
        let mut matches: Vec<Match> = Vec::new();
        let mut open = false;
        while row > 0 && column > 0 {
            if one[row - 1] == other[column - 1] {
                (row, column) = (row - 1, column - 1);
                match matches.last_mut() {
                    Some(last) if open => {
                        (last.one, last.other) = (row, column);
                        last.length += 1;
                    }
                    _ => matches.push(Match {
                        one: row,
                        other: column,
                        length: 1,
                    }),
                }
                open = true;
                continue;
            }
            open = false;
            if self.at(row - 1, column) > self.at(row, column - 1) {
                row -= 1;
            } else {
                column -= 1;
            }
        }
        matches
    }
}
