//! CRC16/XMODEM, the checksum that maps keys to slots (Redis Cluster specification, appendix A).

/// `TABLES[n][byte]` is the checksum of `byte` with `n` zero bytes behind it: eight bytes can be
/// looked up side by side, which matters because every command hashes its key.
static TABLES: [[u16; 256]; 8] = tables();

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut n = 0;
        while n < 8 {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x8000 != 0 {
                    (crc << 1) ^ 0x1021
                } else {
                    crc << 1
                };
                bit += 1;
            }
            tables[n][i] = crc;
            n += 1;
        }
        i += 1;
    }
    tables
}

/// CRC16/XMODEM of `bytes` (polynomial 0x1021, initial value 0).
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let (blocks, rest) = bytes.as_chunks::<8>();
    let mut crc = 0u16;
    for &[a, b, c, d, e, f, g, h] in blocks {
        let [high, low] = crc.to_be_bytes();
        crc = TABLES[7][usize::from(a ^ high)]
            ^ TABLES[6][usize::from(b ^ low)]
            ^ TABLES[5][usize::from(c)]
            ^ TABLES[4][usize::from(d)]
            ^ TABLES[3][usize::from(e)]
            ^ TABLES[2][usize::from(f)]
            ^ TABLES[1][usize::from(g)]
            ^ TABLES[0][usize::from(h)];
    }
    rest.iter().fold(crc, |crc, &byte| {
        (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)]
    })
}
