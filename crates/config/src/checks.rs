//! What the text of an option must look like: names of files, of hosts, of nodes.

/// Takes any text.
pub(crate) fn any(_: &[u8]) -> Result<(), &'static str> {
    Ok(())
}

/// Names of files that lie in a directory named elsewhere.
pub(crate) fn plain_name(name: &[u8], complaint: &'static str) -> Result<(), &'static str> {
    if name.contains(&b'/') {
        Err(complaint)
    } else {
        Ok(())
    }
}

pub(crate) fn file_name(name: &[u8]) -> Result<(), &'static str> {
    plain_name(name, "dbfilename can't be a path, just a filename")
}

pub(crate) fn append_name(name: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("appendfilename can't be empty");
    }
    plain_name(name, "appendfilename can't be a path, just a filename")
}

pub(crate) fn dir_name(name: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("appenddirname can't be empty");
    }
    plain_name(name, "appenddirname can't be a path, just a dirname")
}

/// Longest host name, in bytes, and one more.
const HOST_NAME_LIMIT: usize = 256;

pub(crate) fn host_name(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= HOST_NAME_LIMIT {
        return Err("Hostnames must be less than 256 characters");
    }
    if !name
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
    {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots");
    }
    Ok(())
}

pub(crate) fn node_name(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= HOST_NAME_LIMIT {
        return Err("Announced human node name must be less than 256 characters");
    }
    if name.iter().any(|b| b"!#$%&()*+:;<>?@[]^{|}~".contains(b)) {
        return Err("Announced human node name contained invalid character");
    }
    Ok(())
}

/// A template must name known variables only, and come to something even without a title.
pub(crate) fn title_template(template: &[u8]) -> Result<(), &'static str> {
    const EMPTY_AT_TIMES: [&[u8]; 2] = [b"unixsocket", b"config-file"];
    const FILLED: [&[u8]; 4] = [b"listen-addr", b"server-mode", b"port", b"tls-port"];
    const COMPLAINT: &str = "template format is invalid or contains unknown variables";
    let mut filled = false;
    let mut rest = template;
    while let Some(first) = rest.first() {
        if *first != b'{' {
            filled |= *first != b' ';
            rest = &rest[1..];
            continue;
        }
        let close = rest.iter().position(|b| *b == b'}').ok_or(COMPLAINT)?;
        let name = &rest[1..close];
        let known = FILLED.contains(&name) || EMPTY_AT_TIMES.contains(&name);
        if !known && name != b"title" {
            return Err(COMPLAINT);
        }
        filled |= known;
        rest = &rest[close + 1..];
    }
    if filled { Ok(()) } else { Err(COMPLAINT) }
}
