//! CONFIG SET: all pairs or none.

use crate::choices::ProtectedAction;
use crate::effect::Effect;
use crate::option::Opt;
use crate::settings::Config;
use crate::table::{all, find};

/// Who asks, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// The client is on this machine.
    pub local: bool,
    /// A data set is being loaded.
    pub loading: bool,
}

/// What a successful CONFIG SET changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The new settings.
    pub config: Config,
    /// The options that have another value now, and the names by which the client knows them.
    pub changed: Vec<(&'static Opt, &'static str)>,
}

impl Change {
    /// Whether this option has another value now.
    pub fn touches(&self, name: &str) -> bool {
        self.changed.iter().any(|(option, _)| option.name == name)
    }

    /// The first option, in the order of the table, with another value now that a part of the
    /// server must be told of.
    pub fn tells(&self, effect: Effect) -> Option<&'static Opt> {
        let told = |option: &&'static Opt| option.effects.contains(&effect);
        all().filter(told).find(|option| self.touches(option.name))
    }
}

/// Why CONFIG SET failed; displayed as the error that the client gets, behind its `-`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// A name without a value.
    #[error("ERR wrong number of arguments for 'config|set' command")]
    NoValue,
    /// There is no such option.
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{0}'")]
    Unknown(String),
    /// It cannot be set while a data set is loading.
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    /// The value is wrong or cannot be put into effect.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    Failed {
        /// The option; a wrong value is told with the name as the table writes it.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl SetError {
    /// The failure of an option: for the server too, when a value cannot be put into effect.
    pub fn failed(name: impl AsRef<[u8]>, reason: impl Into<String>) -> SetError {
        SetError::Failed {
            name: String::from_utf8_lossy(name.as_ref()).into(),
            reason: reason.into(),
        }
    }
}

/// Sets options from pairs of names and values. Nothing is changed in place: the caller puts the
/// new settings into effect, or drops them and answers with [`SetError::failed`].
///
/// # Errors
/// With the first thing wrong, in Redis's order: names and permissions of all pairs first, values
/// then.
pub fn set<N, V>(config: &Config, pairs: &[(N, V)], caller: Caller) -> Result<Change, SetError>
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let mut named: Vec<(&'static Opt, &'static str)> = Vec::with_capacity(pairs.len());
    for (name, _) in pairs {
        let name = name.as_ref();
        let found =
            find(name).ok_or_else(|| SetError::Unknown(String::from_utf8_lossy(name).into()))?;
        permitted(config, found.option, name, caller)?;
        if named.iter().any(|(_, known)| *known == found.name) {
            return Err(SetError::failed(name, "duplicate parameter"));
        }
        named.push((found.option, found.name));
    }
    let mut new = config.clone();
    let mut changed: Vec<(&'static Opt, &'static str)> = Vec::new();
    for ((option, name), (_, value)) in named.iter().zip(pairs) {
        let value = value.as_ref();
        let words = if option.takes_words() {
            split_at_blanks(value)
        } else {
            vec![value.to_vec()]
        };
        let before = option.text(&new);
        option
            .take(&mut new, &words)
            .map_err(|reason| SetError::failed(name, reason))?;
        if option.text(&new) != before && !changed.iter().any(|(o, _)| o.name == option.name) {
            changed.push((option, name));
        }
    }
    new.settle();
    Ok(Change {
        config: new,
        changed,
    })
}

fn permitted(config: &Config, option: &Opt, name: &[u8], caller: Caller) -> Result<(), SetError> {
    if option.immutable {
        return Err(SetError::failed(name, "can't set immutable config"));
    }
    let trusted = match config.enable_protected_configs {
        ProtectedAction::No => false,
        ProtectedAction::Yes => true,
        ProtectedAction::Local => caller.local,
    };
    if option.protected && !trusted {
        return Err(SetError::failed(name, "can't set protected config"));
    }
    if option.fixed_while_loading && caller.loading {
        return Err(SetError::Loading);
    }
    Ok(())
}

/// Words of a value of several: every blank separates, so that two in a row hold an empty word.
fn split_at_blanks(value: &[u8]) -> Vec<Vec<u8>> {
    if value.is_empty() {
        return vec![];
    }
    value.split(|b| *b == b' ').map(<[u8]>::to_vec).collect()
}
