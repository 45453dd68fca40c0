//! Picks are different, in bounds, and as likely as each other.

use super::*;
use base::SplitMix64;
use ds::{Item, Kind, Object};

#[test]
fn different_indexes_are_different_and_all_as_likely() {
    let mut dice = SplitMix64::new(7);
    let mut drawn = [0; 12];
    for turn in 0..12_000 {
        let count = turn % 13;
        let picked = different(12, count, &mut || dice.bits());
        let unlike: HashSet<usize> = picked.iter().copied().collect();
        assert_eq!((picked.len(), unlike.len()), (count, count));
        picked.iter().for_each(|&index| drawn[index] += 1);
    }
    // 6000 each on average.
    let even = drawn.iter().all(|&times| (5700..6300).contains(&times));
    assert!(even, "{drawn:?}");
}

/// A collection of this many numbers, each with itself as its second if that is set.
struct Numbers<const WIDTH: usize>(i64);

impl<const WIDTH: usize> Numbers<WIDTH> {
    fn element<'a>(number: i64) -> Element<'a> {
        (Item::Int(number), (WIDTH == 2).then_some(Item::Int(number)))
    }
}

impl<const WIDTH: usize> Collection for Numbers<WIDTH> {
    const KIND: Kind = Kind::Set;
    const WIDTH: usize = WIDTH;

    fn of(_: &Object) -> &Self {
        unreachable!("no object has it")
    }

    fn len(&self) -> usize {
        self.0 as usize
    }

    fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.0).map(Self::element)
    }

    fn scan(&self, _: u64, f: &mut dyn FnMut(Element<'_>)) -> u64 {
        self.iter().for_each(f);
        0
    }

    fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<Element<'_>> {
        (self.0 > 0).then(|| Self::element((random() % self.0 as u64) as i64))
    }
}

/// The lines of a reply, without lengths of bulks.
fn lines<C: Collection>(collection: &C, count: i64, seconds: bool, resp3: bool) -> Vec<String> {
    let mut text = Vec::new();
    let wanted = Wanted { count, seconds };
    let mut reply = Reply::new(&mut text, resp3);
    pick(&mut reply, collection, &wanted, &mut Dice::new(), 0);
    let text = String::from_utf8(text).expect("digits");
    let lines = text.lines().filter(|line| !line.starts_with('$'));
    lines.map(str::to_string).collect()
}

#[test]
fn elements_with_and_without_a_second_are_replied() {
    let all = |lines: &[String]| lines[1..].to_vec();
    let singles = Numbers::<1>(5);
    assert_eq!(
        all(&lines(&singles, 9, false, false)),
        ["0", "1", "2", "3", "4"]
    );
    for (count, header) in [(0, "*0"), (3, "*3"), (5, "*5"), (99, "*5"), (-7, "*7")] {
        for resp3 in [false, true] {
            let lines = lines(&singles, count, false, resp3);
            assert_eq!(lines[0], header);
            assert_eq!(
                lines.len() - 1,
                header[1..].parse::<usize>().expect("a number")
            );
        }
    }
    let pairs = Numbers::<2>(2);
    assert_eq!(lines(&pairs, 2, false, true), ["*2", "0", "1"]);
    assert_eq!(lines(&pairs, 2, true, false), ["*4", "0", "0", "1", "1"]);
    let nested = ["*2", "*2", "0", "0", "*2", "1", "1"];
    assert_eq!(lines(&pairs, 2, true, true), nested);
    assert_eq!(lines(&Numbers::<1>(0), -3, false, false).len(), 1);
}
