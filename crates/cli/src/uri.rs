//! `redis://user:password@host:port/database`.

use crate::number::leading_int;
use crate::options::Options;

/// Why a text is no URI of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It does not begin with `redis://`.
    #[error("Invalid URI scheme")]
    Scheme,
    /// It asks for TLS.
    #[error("rediss:// is only supported when redis-cli is compiled with OpenSSL")]
    Tls,
    /// A percent sign without two hexadecimal digits.
    #[error("Illegal character in URI encoding")]
    Encoding,
    /// No port, or one beyond 65535.
    #[error("Invalid server port.")]
    Port,
}

/// Takes what the URI names into the options; parts that are absent stay as they are.
pub fn apply(text: &[u8], options: &mut Options) -> Result<(), UriError> {
    let lower = text.to_ascii_lowercase();
    let rest = if lower.starts_with(b"redis://") {
        &text[8..]
    } else if lower.starts_with(b"valkey://") {
        &text[9..]
    } else if lower.starts_with(b"rediss://") || lower.starts_with(b"valkeys://") {
        return Err(UriError::Tls);
    } else {
        return Err(UriError::Scheme);
    };
    let rest = match rest.iter().position(|&b| b == b'@') {
        Some(at) => {
            credentials(&rest[..at], options)?;
            &rest[at + 1..]
        }
        None => rest,
    };
    let (place, database) = match rest.iter().position(|&b| b == b'/') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let (host, port) = split_place(place);
    if let Some(port) = port {
        let port = leading_int(&String::from_utf8_lossy(port));
        options.port = u16::try_from(port).map_err(|_| UriError::Port)?;
    }
    if !host.is_empty() {
        options.host = String::from_utf8_lossy(&decode(host)?).into_owned();
    }
    if !database.is_empty() {
        options.database = leading_int(&String::from_utf8_lossy(database));
    }
    Ok(())
}

/// The host, bare or in brackets, and the port.
fn split_place(place: &[u8]) -> (&[u8], Option<&[u8]>) {
    if let Some(inner) = place.strip_prefix(b"[")
        && let Some(end) = inner.iter().position(|&b| b == b']')
    {
        return (&inner[..end], inner[end + 1..].strip_prefix(b":"));
    }
    match place.iter().position(|&b| b == b':') {
        Some(at) => (&place[..at], Some(&place[at + 1..])),
        None => (place, None),
    }
}

fn credentials(text: &[u8], options: &mut Options) -> Result<(), UriError> {
    let password = match text.iter().position(|&b| b == b':') {
        Some(at) => {
            options.user = Some(decode(&text[..at])?);
            &text[at + 1..]
        }
        None => text,
    };
    options.password = Some(decode(password)?);
    Ok(())
}

fn decode(text: &[u8]) -> Result<Vec<u8>, UriError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (Some(&high), Some(&low)) = (rest.next(), rest.next()) else {
            return Err(UriError::Encoding);
        };
        let digit = |b: u8| (b as char).to_digit(16).ok_or(UriError::Encoding);
        out.push((digit(high)? * 16 + digit(low)?) as u8);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Options, UriError> {
        let mut options = Options::new(true);
        apply(text.as_bytes(), &mut options).map(|()| options)
    }

    #[test]
    fn takes_every_part() {
        let o = read("redis://me%40:p%3aw@host:7001/3").unwrap();
        assert_eq!((o.host.as_str(), o.port, o.database), ("host", 7001, 3));
        assert_eq!(o.user.as_deref(), Some(b"me@".as_slice()));
        assert_eq!(o.password.as_deref(), Some(b"p:w".as_slice()));
        let o = read("redis://only@[::1]:5").unwrap();
        assert_eq!((o.host.as_str(), o.port, o.user), ("::1", 5, None));
        let o = read("redis://").unwrap();
        assert_eq!((o.host.as_str(), o.port), ("127.0.0.1", 6379));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        assert_eq!(read("http://x").unwrap_err(), UriError::Scheme);
        assert_eq!(read("rediss://x").unwrap_err(), UriError::Tls);
        assert_eq!(read("redis://a%4@x").unwrap_err(), UriError::Encoding);
        assert_eq!(read("redis://a%4x@x").unwrap_err(), UriError::Encoding);
        assert_eq!(read("redis://x:99999").unwrap_err(), UriError::Port);
    }
}
