//! What a session is subscribed to, as the server confirms it.

use std::collections::BTreeSet;

use client::Value;

/// Channels, patterns and shard channels; each kind has its own names and its own commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Channel,
    Pattern,
    Shard,
}

/// The kind that a command or a confirmation is about, and whether it subscribes.
fn kind(name: &[u8]) -> Option<(Kind, bool)> {
    Some(match name.to_ascii_lowercase().as_slice() {
        b"subscribe" => (Kind::Channel, true),
        b"unsubscribe" => (Kind::Channel, false),
        b"psubscribe" => (Kind::Pattern, true),
        b"punsubscribe" => (Kind::Pattern, false),
        b"ssubscribe" => (Kind::Shard, true),
        b"sunsubscribe" => (Kind::Shard, false),
        _ => return None,
    })
}

/// Whether a command's answer is a row of confirmations.
pub(crate) fn is_command(name: &[u8]) -> bool {
    kind(name).is_some()
}

/// Whether a message came from a subscription.
pub(crate) fn is_message(value: &Value) -> bool {
    let kind = value.items().and_then(|items| items.first()?.as_bytes());
    kind.is_some_and(|kind| matches!(kind, b"message" | b"pmessage" | b"smessage"))
}

/// The subscriptions of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscriptions {
    names: BTreeSet<(Kind, Vec<u8>)>,
}

impl Subscriptions {
    /// Whether there is one.
    pub(crate) fn any(&self) -> bool {
        !self.names.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
    }

    /// How many confirmations a command gets: one for each name; without names one for each
    /// subscription of the kind, or one that says that there is none.
    pub(crate) fn due(&self, args: &[Vec<u8>]) -> usize {
        let named = args.len() - 1;
        match kind(&args[0]) {
            Some((kind, false)) if named == 0 => {
                self.names.iter().filter(|(k, _)| *k == kind).count().max(1)
            }
            _ => named.max(1),
        }
    }

    /// Takes a message in; false where it is no confirmation.
    pub(crate) fn confirm(&mut self, value: &Value) -> bool {
        let Some([what, name, count]) = value.items() else {
            return false;
        };
        let Some((kind, begins)) = what.as_bytes().and_then(kind) else {
            return false;
        };
        if count.as_int().is_none() {
            return false;
        }
        let name = (kind, name.as_bytes().unwrap_or_default().to_vec());
        if begins {
            self.names.insert(name);
        } else {
            self.names.remove(&name);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirmation(what: &str, name: &str) -> Value {
        Value::Array(vec![
            Value::Bulk(what.into()),
            Value::Bulk(name.into()),
            Value::Int(7),
        ])
    }

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|w| w.as_bytes().to_vec()).collect()
    }

    #[test]
    fn each_kind_is_counted_for_itself() {
        let mut s = Subscriptions::default();
        for (what, name) in [
            ("subscribe", "a"),
            ("subscribe", "a"),
            ("subscribe", "b"),
            ("psubscribe", "a"),
        ] {
            assert!(s.confirm(&confirmation(what, name)));
        }
        assert_eq!(s.due(&words("unsubscribe")), 2);
        assert_eq!(s.due(&words("punsubscribe")), 1);
        assert_eq!(s.due(&words("sunsubscribe")), 1);
        assert_eq!(s.due(&words("UNSUBSCRIBE a b c")), 3);
        assert_eq!(s.due(&words("subscribe x y")), 2);
        s.confirm(&confirmation("unsubscribe", "a"));
        s.confirm(&confirmation("unsubscribe", "b"));
        assert!(s.any());
        s.confirm(&confirmation("punsubscribe", "a"));
        assert!(!s.any());
        assert!(!s.confirm(&Value::Status("QUEUED".into())));
        assert!(is_message(&confirmation("pmessage", "x")) && !is_message(&Value::Int(1)));
    }
}
