//! Random commands by the table: each command with arguments that mostly fit its syntax, and now
//! and then do not. What programs of people never send is sent here: option words in place of keys,
//! keys of other types, numbers at the edges, words left out and said twice.

use crate::Rng;
use commands::{Arg, ArgKind, Spec};

/// Few keys, so that commands meet each other's values; some share a slot. Option words are among
/// them: a search for keys must not take one for the other.
const KEYS: &[&str] = &[
    "a", "b", "c", "{t}1", "{t}2", "{t}3", "store", "DESC", "limit", "get", "KEYS", "", "{}x", "t{",
];

/// Numbers where something ends, and texts that are almost numbers.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "10",
    "100",
    "-100",
    "255",
    "256",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "0x10",
    "+1",
    "-0",
    "01",
    " 1",
    "1 ",
    "",
    "x",
    "#1",
];

/// The same for floats.
const FLOATS: &[&str] = &[
    "0", "1.5", "-2.25", "1e", "1e400", "-1e400", "1e-5000", "inf", "-inf", "nan", "1e17", ".5",
    "5.", "0x1p3", "x", "",
];

/// Strings, some that other arguments are made of.
const STRINGS: &[&str] = &[
    "",
    "v",
    "w",
    "12",
    "-7",
    "3.25",
    "element",
    "*",
    "a*b",
    "#",
    "b_*",
    "h_*->f",
    "i8",
    "u63",
    "\0\r\n\u{ff}",
    "no",
    "one",
    "yes",
];

/// Makes random commands.
pub struct Grammar {
    rng: Rng,
    rows: Vec<&'static Spec>,
    /// Every word that announces or is an option of any command.
    words: Vec<&'static str>,
}

impl Grammar {
    /// Commands of all rows that `wanted` takes.
    pub fn new(rng: Rng, wanted: impl Fn(&Spec) -> bool) -> Grammar {
        let rows: Vec<_> = commands::all().filter(|spec| wanted(spec)).collect();
        let mut words = Vec::new();
        for spec in commands::all() {
            spec.args.iter().for_each(|arg| collect(arg, &mut words));
        }
        words.sort_unstable();
        words.dedup();
        Grammar { rng, rows, words }
    }

    /// The generator that the commands come from.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// The words of one command.
    pub fn command(&mut self) -> Vec<Vec<u8>> {
        let rows = std::mem::take(&mut self.rows);
        let spec = *self.rng.pick(&rows);
        self.rows = rows;
        let mut words: Vec<Vec<u8>> = spec
            .full_name
            .split('|')
            .map(|part| part.as_bytes().to_vec())
            .collect();
        let name = words.len();
        spec.args
            .iter()
            .for_each(|arg| self.argument(arg, &mut words));
        if self.rng.chance(20) {
            self.damage(name, &mut words);
        }
        words
    }

    fn argument(&mut self, arg: &Arg, words: &mut Vec<Vec<u8>>) {
        if arg.optional && self.rng.chance(55) {
            return;
        }
        let times = match arg.multiple {
            true => 1 + self.rng.below(3),
            false => 1,
        };
        for nth in 0..times {
            if let Some(token) = arg.token
                && (nth == 0 || arg.multiple_token)
                && arg.kind != ArgKind::PureToken
            {
                words.push(self.cased(token));
            }
            match arg.kind {
                ArgKind::OneOf if !arg.args.is_empty() => {
                    let chosen = self.rng.below(arg.args.len() as u64) as usize;
                    self.argument(&arg.args[chosen], words);
                }
                ArgKind::OneOf | ArgKind::Block => {
                    arg.args
                        .iter()
                        .for_each(|inner| self.argument(inner, words));
                }
                ArgKind::PureToken => words.push(self.cased(arg.token.unwrap_or(arg.name))),
                kind => {
                    let word = self.value(kind, arg.name);
                    words.push(word);
                }
            }
        }
    }

    fn value(&mut self, kind: ArgKind, name: &str) -> Vec<u8> {
        let rng = &mut self.rng;
        // A number of keys is mostly one that there can be.
        if name == "numkeys" && rng.chance(80) {
            return (1 + rng.below(3)).to_string().into_bytes();
        }
        match kind {
            ArgKind::Key => rng.pick(KEYS).as_bytes().to_vec(),
            ArgKind::Integer | ArgKind::UnixTime if rng.chance(50) => {
                rng.below(20).to_string().into_bytes()
            }
            ArgKind::Integer | ArgKind::UnixTime => rng.pick(NUMBERS).as_bytes().to_vec(),
            ArgKind::Double => rng.pick(FLOATS).as_bytes().to_vec(),
            _ => match rng.below(4) {
                0 => rng.pick(NUMBERS).as_bytes().to_vec(),
                1 => rng.pick(KEYS).as_bytes().to_vec(),
                _ => rng.pick(STRINGS).as_bytes().to_vec(),
            },
        }
    }

    /// The word in upper, lower or mixed case.
    fn cased(&mut self, word: &str) -> Vec<u8> {
        match self.rng.below(3) {
            0 => word.to_ascii_lowercase().into_bytes(),
            1 => word.to_ascii_uppercase().into_bytes(),
            _ => word.as_bytes().to_vec(),
        }
    }

    /// Changes something behind the first `name` words.
    fn damage(&mut self, name: usize, words: &mut Vec<Vec<u8>>) {
        for _ in 0..1 + self.rng.below(2) {
            let more = words.len() - name;
            let at = name + self.rng.below(more as u64 + 1) as usize;
            match self.rng.below(5) {
                0 if more > 0 => drop(words.remove(at.min(words.len() - 1))),
                1 if more > 0 => {
                    let copy = words[at.min(words.len() - 1)].clone();
                    words.insert(at, copy);
                }
                2 if more > 1 => {
                    let other = name + self.rng.below(more as u64) as usize;
                    let at = at.min(words.len() - 1);
                    words.swap(at, other);
                }
                3 => {
                    let value = self.value(ArgKind::String, "");
                    words.insert(at, value);
                }
                _ => {
                    let known = std::mem::take(&mut self.words);
                    let word = *self.rng.pick(&known);
                    self.words = known;
                    let word = self.cased(word);
                    words.insert(at, word);
                }
            }
        }
    }
}

fn collect(arg: &Arg, words: &mut Vec<&'static str>) {
    if let Some(token) = arg.token.filter(|token| !token.is_empty()) {
        words.push(token);
    }
    arg.args.iter().for_each(|inner| collect(inner, words));
}
