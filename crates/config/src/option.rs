//! One row of the option table, and what every kind of value does: reading, writing, checking.

use base::num::parse_i64;

use crate::effect::{Effect, Observer, Standing};
use crate::settings::Config;

/// Where a value lives in [`Config`].
#[derive(Debug)]
pub struct Field<T> {
    pub(crate) get: fn(&Config) -> &T,
    pub(crate) set: fn(&mut Config) -> &mut T,
}

/// Builds the [`Field`] of a name.
macro_rules! field {
    ($name:ident) => {
        $crate::option::Field {
            get: |config| &config.$name,
            set: |config| &mut config.$name,
        }
    };
}
pub(crate) use field;

/// Another name of an option.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// Whether patterns of CONFIG GET find it.
    pub shown: bool,
}

/// The type of an option's value.
#[derive(Debug)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo(Field<bool>),
    /// An integer between two bounds.
    Number {
        /// Least value.
        min: i64,
        /// Largest value.
        max: i64,
        /// Where it lives.
        field: Field<i64>,
    },
    /// Permission bits, written in octal.
    Octal {
        /// Largest value.
        max: i64,
        /// Where it lives.
        field: Field<i64>,
    },
    /// Bytes, with units such as `kb` allowed.
    Memory {
        /// Least value.
        min: u64,
        /// Largest value.
        max: u64,
        /// Where it lives.
        field: Field<u64>,
    },
    /// Bytes, or percent, kept as a negative number.
    MemoryOrPercent {
        /// Largest number of bytes.
        max: u64,
        /// Where it lives.
        field: Field<i64>,
    },
    /// One of a few words.
    Choice(Choice),
    /// Any bytes that pass a check.
    Text {
        /// The check.
        valid: fn(&[u8]) -> Result<(), &'static str>,
        /// Where it lives.
        field: Field<Vec<u8>>,
    },
    /// A rule of its own.
    Rule(Rule),
}

/// The words of a choice, without its type.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub(crate) words: &'static [&'static str],
    pub(crate) get: fn(&Config) -> &'static str,
    pub(crate) set: fn(&mut Config, &[u8]) -> bool,
}

/// Builds the [`Choice`] of a name and its type.
macro_rules! choice {
    ($name:ident: $ty:ident) => {
        $crate::option::Choice {
            words: $crate::choices::$ty::WORDS,
            get: |config| config.$name.word(),
            set: |config, word| match $crate::choices::$ty::parse(word) {
                Some(value) => {
                    config.$name = value;
                    true
                }
                None => false,
            },
        }
    };
}
pub(crate) use choice;

/// A line of a configuration file, and whether it must be there even if none was.
pub(crate) type Line = (Vec<u8>, bool);

/// A kind of value with one option.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its value is several words.
    pub(crate) several: bool,
    /// The text CONFIG GET gives.
    pub(crate) get: fn(&Config) -> Vec<u8>,
    /// Takes the words behind the name.
    pub(crate) set: fn(&mut Config, &[Vec<u8>]) -> Result<(), String>,
    /// The lines that CONFIG REWRITE writes; none: the option leaves the file.
    pub(crate) lines: fn(&Config, &Config) -> Vec<Line>,
}

/// An option.
#[derive(Debug)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [Alias],
    /// The default, as CONFIG GET shows it.
    pub default: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Whether what it governs exists.
    pub standing: Standing,
    /// The parts of the server that are told of its value.
    pub effects: &'static [Effect],
    /// By whom it is read from the configuration itself, and when. An option that is read by nobody
    /// and told to nobody counts at the start only.
    pub read: Option<&'static str>,
    /// Where a change of it is seen.
    pub observer: Observer,
    /// Fixed once the server runs.
    pub immutable: bool,
    /// Fixed unless `enable-protected-configs` says otherwise.
    pub protected: bool,
    /// Found by its exact name only.
    pub hidden: bool,
    /// A secret: kept out of logs and MONITOR.
    pub sensitive: bool,
    /// Fixed while a data set is loading.
    pub fixed_while_loading: bool,
    /// CONFIG REWRITE always writes it.
    pub always_written: bool,
}

impl Opt {
    pub(crate) const fn new(name: &'static str, default: &'static str, kind: Kind) -> Opt {
        Opt {
            name,
            aliases: &[],
            default,
            kind,
            standing: Standing::Live,
            effects: &[],
            read: None,
            observer: Observer::Unsaid,
            immutable: false,
            protected: false,
            hidden: false,
            sensitive: false,
            fixed_while_loading: false,
            always_written: false,
        }
    }

    pub(crate) const fn aliases(mut self, aliases: &'static [Alias]) -> Opt {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn stored(mut self) -> Opt {
        self.standing = Standing::Stored;
        self
    }

    pub(crate) const fn refused(mut self, reason: &'static str) -> Opt {
        self.standing = Standing::Refused(reason);
        self
    }

    /// Names the parts of the server that are told of its value.
    pub(crate) const fn tells(mut self, effects: &'static [Effect]) -> Opt {
        self.effects = effects;
        self
    }

    /// Says by whom or when it is read.
    pub(crate) const fn read(mut self, when: &'static str) -> Opt {
        self.read = Some(when);
        self
    }

    /// Says where a change of it is seen.
    pub(crate) const fn seen(mut self, observer: Observer) -> Opt {
        self.observer = observer;
        self
    }

    pub(crate) const fn immutable(mut self) -> Opt {
        self.immutable = true;
        self
    }

    pub(crate) const fn protected(mut self) -> Opt {
        self.protected = true;
        self
    }

    pub(crate) const fn hidden(mut self) -> Opt {
        self.hidden = true;
        self
    }

    pub(crate) const fn sensitive(mut self) -> Opt {
        self.sensitive = true;
        self
    }

    pub(crate) const fn fixed_while_loading(mut self) -> Opt {
        self.fixed_while_loading = true;
        self
    }

    pub(crate) const fn always_written(mut self) -> Opt {
        self.always_written = true;
        self
    }

    /// Whether its value may consist of several words.
    pub fn takes_words(&self) -> bool {
        matches!(&self.kind, Kind::Rule(rule) if rule.several)
    }

    /// The value, as CONFIG GET shows it.
    pub fn text(&self, config: &Config) -> Vec<u8> {
        match &self.kind {
            Kind::YesNo(field) => if *(field.get)(config) { "yes" } else { "no" }.into(),
            Kind::Number { field, .. } => (field.get)(config).to_string().into(),
            Kind::Octal { field, .. } => format!("{:o}", (field.get)(config)).into(),
            Kind::Memory { field, .. } => (field.get)(config).to_string().into(),
            Kind::MemoryOrPercent { field, .. } => match *(field.get)(config) {
                percent @ ..0 => format!("{}%", percent.unsigned_abs()).into(),
                bytes => bytes.to_string().into(),
            },
            Kind::Choice(choice) => (choice.get)(config).into(),
            Kind::Text { field, .. } => (field.get)(config).clone(),
            Kind::Rule(rule) => (rule.get)(config),
        }
    }

    /// Sets the default, which every row's test proves valid.
    pub(crate) fn reset(&self, config: &mut Config) {
        let words: Vec<Vec<u8>> = match &self.kind {
            Kind::Rule(_) if self.default.is_empty() => return,
            Kind::Rule(_) => self
                .default
                .split(' ')
                .map(|w| w.as_bytes().to_vec())
                .collect(),
            // Checks of texts are for what users write: a default may be empty.
            Kind::Text { field, .. } => {
                *(field.set)(config) = self.default.into();
                return;
            }
            _ => vec![self.default.into()],
        };
        let taken = self.take_valid(config, &words);
        debug_assert!(taken.is_ok(), "{}: {taken:?}", self.name);
    }

    /// Takes the words that follow the name. The value is unchanged if it fails.
    pub(crate) fn take(&self, config: &mut Config, words: &[Vec<u8>]) -> Result<(), String> {
        let before = matches!(self.standing, Standing::Refused(_)).then(|| config.clone());
        self.take_valid(config, words)?;
        if let (Standing::Refused(reason), Some(before)) = (self.standing, before)
            && self.text(config) != self.default.as_bytes()
        {
            *config = before;
            return Err(format!("'{}' is refused: {reason}", self.name));
        }
        Ok(())
    }

    fn take_valid(&self, config: &mut Config, words: &[Vec<u8>]) -> Result<(), String> {
        if let Kind::Rule(rule) = &self.kind {
            return (rule.set)(config, words);
        }
        let [word] = words else {
            return Err("wrong number of arguments".into());
        };
        match &self.kind {
            Kind::YesNo(field) => *(field.set)(config) = yes_or_no(word)?,
            Kind::Number { min, max, field } => {
                let number =
                    parse_i64(word).ok_or("argument couldn't be parsed into an integer")?;
                *(field.set)(config) = within(number, *min, *max)?;
            }
            Kind::Octal { max, field } => *(field.set)(config) = octal(word, *max)?,
            Kind::Memory { min, max, field } => {
                let bytes = memory(word).ok_or("argument must be a memory value")?;
                *(field.set)(config) = within(bytes, *min, *max)?;
            }
            Kind::MemoryOrPercent { max, field } => {
                *(field.set)(config) = memory_or_percent(word, *max)?;
            }
            Kind::Choice(choice) => {
                if !(choice.set)(config, word) {
                    return Err(one_of(choice.words));
                }
            }
            Kind::Text { valid, field } => {
                valid(word)?;
                (field.set)(config).clone_from(word);
            }
            Kind::Rule(_) => {}
        }
        Ok(())
    }
}

fn yes_or_no(word: &[u8]) -> Result<bool, String> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn within<T: PartialOrd + std::fmt::Display>(value: T, min: T, max: T) -> Result<T, String> {
    if value < min || value > max {
        return Err(format!(
            "argument must be between {min} and {max} inclusive"
        ));
    }
    Ok(value)
}

fn octal(word: &[u8], max: i64) -> Result<i64, String> {
    let text = std::str::from_utf8(word).unwrap_or("?");
    let number = i64::from_str_radix(text, 8)
        .map_err(|_| "argument couldn't be parsed as an octal number")?;
    if number < 0 || number > max {
        return Err(format!("argument must be between 0 and {max:o} inclusive"));
    }
    Ok(number)
}

fn memory_or_percent(word: &[u8], max: u64) -> Result<i64, String> {
    if let Some(percent) = word.strip_suffix(b"%") {
        let percent = parse_i64(percent).filter(|n| *n >= 0);
        let percent = percent.ok_or("argument must be a memory or percent value")?;
        if percent > 100 {
            return Err("percentage argument must be less or equal to 100".into());
        }
        return Ok(-percent);
    }
    let bytes = memory(word).ok_or("argument must be a memory or percent value")?;
    let bytes = within(bytes, 0, max)?;
    i64::try_from(bytes).map_err(|_| "argument must be a memory or percent value".into())
}

/// A number of bytes with an optional unit, read as Redis reads it: no digits mean 0, too many
/// mean the largest number.
pub(crate) fn memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, unit) = word.split_at(digits);
    let unit = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let add = |sum: u64, digit: &u8| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    };
    Some(digits.iter().fold(0, add).saturating_mul(unit))
}

/// The complaint about a word that is none of the known ones.
pub(crate) fn one_of(words: &[&str]) -> String {
    format!(
        "argument(s) must be one of the following: {}",
        words.join(", ")
    )
}
