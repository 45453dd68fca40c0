//! One batch of requests as bytes, and the places in it that change from batch to batch.

use client::append_request;

/// What stands for a random number.
const RANDOM: &[u8] = b"__rand_int__";

/// How many digits replace it: as many as it has letters.
const DIGITS: usize = 12;

/// What stands for a hash tag of the node that the batch goes to.
const TAG: &[u8] = b"{tag}";

/// How long a tag is, its braces left out.
pub(crate) const TAG_LENGTH: usize = 3;

/// A batch that can be written again and again.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    tags: Vec<usize>,
}

fn places(bytes: &[u8], mark: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(n) = bytes[at..].windows(mark.len()).position(|w| w == mark) {
        found.push(at + n);
        at += n + mark.len();
    }
    found
}

impl Template {
    /// `count` requests, each `request` as it stands. Numbers are only replaced if `random`.
    pub(crate) fn new(request: &[u8], count: usize, random: bool) -> Self {
        let bytes = request.repeat(count);
        let numbers = if random {
            places(&bytes, RANDOM)
        } else {
            Vec::new()
        };
        let tags = places(&bytes, TAG);
        Template {
            bytes,
            numbers,
            tags,
        }
    }

    /// `count` times the command `args`.
    pub(crate) fn of_command(args: &[Vec<u8>], count: usize, random: bool) -> Self {
        let mut request = Vec::new();
        append_request(&mut request, args);
        Self::new(&request, count, random)
    }

    /// Whether the batch goes to where its tag says.
    pub(crate) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Writes a number below `keyspace` into each of its places.
    pub(crate) fn randomise(&mut self, keyspace: u64, random: &mut Random) {
        for at in &self.numbers {
            let mut number = random.below(keyspace);
            for place in self.bytes[*at..*at + DIGITS].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
    }

    /// Writes a tag into each of its places.
    pub(crate) fn tag(&mut self, tag: [u8; TAG_LENGTH]) {
        for at in &self.tags {
            self.bytes[at + 1..=at + TAG_LENGTH].copy_from_slice(&tag);
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A fast generator of numbers that need not be unpredictable (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds that are alike are spread first; the state must not be 0.
        Random((seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tags_change_in_place() {
        let args = [
            b"SET".to_vec(),
            b"key:{tag}:__rand_int__".to_vec(),
            b"v".to_vec(),
        ];
        let mut template = Template::of_command(&args, 2, true);
        let length = template.bytes().len();
        let mut random = Random::new(1);
        for _ in 0..100 {
            template.randomise(1000, &mut random);
            template.tag(*b"abc");
            let text = String::from_utf8(template.bytes().to_vec()).unwrap();
            assert_eq!(text.len(), length);
            assert_eq!(text.matches("key:{abc}:000000000").count(), 2, "{text}");
        }
        let mut fixed = Template::of_command(&args, 1, false);
        fixed.randomise(1000, &mut random);
        assert!(String::from_utf8_lossy(fixed.bytes()).contains("__rand_int__"));
    }

    #[test]
    fn random_numbers_fill_their_range() {
        let mut random = Random::new(7);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            seen[random.below(10) as usize] = true;
        }
        assert!(seen.iter().all(|s| *s));
    }
}
