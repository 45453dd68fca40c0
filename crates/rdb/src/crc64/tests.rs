//! The published check value, and pieces against the whole.
use super::*;

#[test]
fn the_published_check_value() {
    assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    assert_eq!(crc64(b""), 0);
}

#[test]
fn pieces_and_whole_agree() {
    let data: Vec<u8> = (0..5000u32).map(|i| (i * 31 % 251) as u8).collect();
    for cut in [0, 1, 15, 16, 17, 255, 256, 257, 4096, 5000] {
        let mut crc = Crc64::new();
        crc.update(&data[..cut]);
        crc.update(&data[cut..]);
        assert_eq!(crc.value(), crc64(&data), "cut at {cut}");
    }
}
