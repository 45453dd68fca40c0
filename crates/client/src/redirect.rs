//! The errors by which a cluster node sends a client elsewhere.

use base::Slot;

use crate::address::Address;

/// Where a node says that a slot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// The slot lives there from now on.
    Moved {
        /// The slot.
        slot: Slot,
        /// Its owner.
        to: Address,
    },
    /// This one request, after ASKING, goes there.
    Ask {
        /// The slot.
        slot: Slot,
        /// Where it is being moved to.
        to: Address,
    },
}

impl Redirect {
    /// Reads `MOVED slot host:port` or `ASK slot host:port`. An empty host means the host of the
    /// node that said so (`said_by`).
    pub fn parse(error: &[u8], said_by: &Address) -> Option<Self> {
        let text = std::str::from_utf8(error).ok()?;
        let mut words = text.split(' ');
        let kind = words.next()?;
        if kind != "MOVED" && kind != "ASK" {
            return None;
        }
        let slot = Slot::new(words.next()?.parse().ok()?)?;
        let mut to = Address::parse(words.next()?).ok()?;
        if let (Address::Tcp { host, .. }, Some(known)) = (&mut to, said_by.host())
            && host.is_empty()
        {
            *host = known.to_owned();
        }
        Some(if kind == "MOVED" {
            Redirect::Moved { slot, to }
        } else {
            Redirect::Ask { slot, to }
        })
    }

    /// The slot.
    pub fn slot(&self) -> Slot {
        match self {
            Redirect::Moved { slot, .. } | Redirect::Ask { slot, .. } => *slot,
        }
    }

    /// The node to go to.
    pub fn to(&self) -> &Address {
        match self {
            Redirect::Moved { to, .. } | Redirect::Ask { to, .. } => to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_and_fills_in_the_host() {
        let here = Address::tcp("10.0.0.1", 7000);
        let slot = Slot::new(12182).unwrap();
        assert_eq!(
            Redirect::parse(b"MOVED 12182 127.0.0.1:7002", &here),
            Some(Redirect::Moved {
                slot,
                to: Address::tcp("127.0.0.1", 7002)
            })
        );
        assert_eq!(
            Redirect::parse(b"ASK 12182 :7002", &here),
            Some(Redirect::Ask {
                slot,
                to: Address::tcp("10.0.0.1", 7002)
            })
        );
        for not in [
            "MOVED",
            "MOVED 16384 a:1",
            "MOVED 1 a",
            "MOVEDX 1 a:1",
            "ERR no",
            "",
        ] {
            assert_eq!(Redirect::parse(not.as_bytes(), &here), None, "{not}");
        }
    }
}
