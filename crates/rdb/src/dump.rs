//! DUMP payloads: one value with a footer of version and checksum, as RESTORE and MIGRATE carry it.
use crate::crc64::crc64;
use crate::encode::Encoder;
use crate::format::{VERSION, ValueType, Version};
use crate::reader::{Error, Reader, Value};

/// Why a payload was refused.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The footer is missing, from a later version, or its checksum is not that of the payload. The
    /// text is what RESTORE replies behind `ERR`.
    #[error("DUMP payload version or checksum are wrong")]
    Footer,
    /// The value itself cannot be read. RESTORE replies `ERR Bad data format` and logs this.
    #[error("{0}")]
    Value(#[from] Error),
}

const FOOTER: usize = 10;

/// Begins a payload. Write the body to the encoder, then [`seal`] it.
pub fn begin(value_type: ValueType, compress: bool) -> Encoder {
    let mut encoder = Encoder::new(compress);
    encoder.byte(value_type as u8);
    encoder
}

/// Ends a payload with version and checksum.
pub fn seal(encoder: Encoder) -> Vec<u8> {
    debug_assert!(encoder.balanced(), "the value is unfinished");
    let mut bytes = encoder.into_bytes();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let crc = crc64(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Checks the footer and returns type byte and body without it, and the version that it tells.
pub fn verify(payload: &[u8]) -> Result<(&[u8], Version), DumpError> {
    let body = payload.len().checked_sub(FOOTER).ok_or(DumpError::Footer)?;
    let (signed, crc) = payload.split_at(payload.len() - 8);
    let version = Version::of_payload(u16::from_le_bytes([payload[body], payload[body + 1]]));
    // Real servers look for later versions only.
    if version.number != 0 && !version.is_read() {
        return Err(DumpError::Footer);
    }
    if crc != crc64(signed).to_le_bytes() {
        return Err(DumpError::Footer);
    }
    Ok((&payload[..body], version))
}

/// A reader over the body of a verified payload; it yields the same pieces as a file's keys.
pub fn reader((body, version): (&[u8], Version)) -> Reader<&[u8]> {
    Reader::value_only(body, version)
}

/// Verifies a payload and reads its value whole.
pub fn decode(payload: &[u8]) -> Result<Value, DumpError> {
    Ok(Value::collect(&mut reader(verify(payload)?))?)
}
