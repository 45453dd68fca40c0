//! Short texts inside packets: addresses in a fixed field, host and node names.

/// An address as the bus carries it: at most 45 bytes of printable text without spaces or commas,
/// usually an IPv4 or IPv6 address. Empty means "take the socket's address".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpText {
    len: u8,
    bytes: [u8; IpText::FIELD - 1],
}

impl IpText {
    /// Length of the field on the wire, with its final NUL.
    pub const FIELD: usize = 46;
    /// The empty address.
    pub const EMPTY: IpText = IpText {
        len: 0,
        bytes: [0; IpText::FIELD - 1],
    };

    /// Takes an address from text; `None` if it is too long or holds bytes that would break a
    /// line of nodes.conf.
    pub fn new(text: &str) -> Option<IpText> {
        let source = text.as_bytes();
        if source.len() > IpText::FIELD - 1 || !source.iter().all(|&b| plain(b)) {
            return None;
        }
        let mut bytes = [0; IpText::FIELD - 1];
        bytes[..source.len()].copy_from_slice(source);
        Some(IpText {
            len: source.len() as u8,
            bytes,
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }

    /// Whether no address is named.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads the fixed field of a packet: NUL-terminated and zero-padded text.
    pub(crate) fn from_field(field: &[u8; IpText::FIELD]) -> Option<IpText> {
        let len = field.iter().position(|&b| b == 0)?;
        IpText::new(std::str::from_utf8(&field[..len]).ok()?)
    }

    pub(crate) fn to_field(self) -> [u8; IpText::FIELD] {
        let mut field = [0; IpText::FIELD];
        field[..IpText::FIELD - 1].copy_from_slice(&self.bytes);
        field
    }
}

impl std::fmt::Display for IpText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for IpText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// Printable ASCII that is neither a space nor one of the separators of nodes.conf.
fn plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b',' && byte != b'='
}

/// Whether `text` may be announced as a host name: letters, digits, `-`, `_` and `.`, at most 255
/// bytes. The empty text withdraws the name.
pub fn valid_hostname(text: &str) -> bool {
    text.len() <= 255
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether `text` may be announced as a human name of a node: what fits one aux field of
/// nodes.conf, at most 255 bytes.
pub fn valid_human_name(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(plain)
}
