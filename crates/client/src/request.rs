//! Requests as the server reads them: an array of bulk strings.

/// Appends one request to `out`.
pub fn append_request<A: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[A]) {
    base::words::put(out, args.iter());
}

/// One request as bytes.
pub fn request<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = Vec::with_capacity(args.iter().map(|a| a.as_ref().len() + 16).sum::<usize>() + 8);
    append_request(&mut out, args);
    out
}
