//! The commands of a base, carried out by hand.

use super::*;
use ds::{Hash, HashLimits, List, ListLimits, Object, ValueRef};
use rdb::aof::{Commands, Item};

/// The commands that a key is written as.
fn commands(object: &Object) -> Vec<Vec<Vec<u8>>> {
    let (mut file, progress) = (Vec::new(), Progress::default());
    let mut out = Out {
        text: Vec::new(),
        bytes: 0,
        progress: &progress,
        sink: &mut file,
        key: Vec::new(),
        group: Group::default(),
    };
    out.key(object.pin()).unwrap();
    out.flush().unwrap();
    assert_eq!(out.group.words, 0);
    let mut commands = Commands::new(&file[..], 0, Vec::new());
    let mut all = Vec::new();
    while let Some(item) = commands.next_item().unwrap() {
        if let Item::Command(words) = item {
            all.push(words);
        }
    }
    all
}

/// What commands of this name add to the key, at most so many words each, and the rest.
fn added(all: Vec<Vec<Vec<u8>>>, name: &[u8], most: usize) -> (Vec<Vec<u8>>, Vec<Vec<Vec<u8>>>) {
    let (adding, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|words| words[0] == name);
    assert!(
        adding
            .iter()
            .all(|words| words[1] == b"k" && words.len() <= 2 + most)
    );
    let words = adding
        .into_iter()
        .flat_map(|words| words.into_iter().skip(2));
    (words.collect(), rest)
}

#[test]
fn strings_are_set() {
    for len in [0, 5, 70_000, 1_000_000] {
        let object = Object::new_str(b"k", &vec![b'x'; len], Some(77));
        let (set, rest) = added(commands(&object), b"SET", 1);
        assert!(set == [vec![b'x'; len]], "{len}");
        let expiry = [&b"PEXPIREAT"[..], b"k", b"77"].map(<[u8]>::to_vec);
        assert_eq!(rest, [expiry.to_vec()]);
    }
    let (set, rest) = added(commands(&Object::new_int(b"k", -8, None)), b"SET", 1);
    assert_eq!((set, rest.len()), (vec![b"-8".to_vec()], 0));
}

#[test]
fn elements_go_64_to_a_command() {
    for len in [1usize, 63, 64, 65, 128, 5000] {
        let (mut list, mut hash) = (List::new(), Hash::new());
        let texts: Vec<Vec<u8>> = (0..len).map(|n| format!("{n}").into_bytes()).collect();
        for text in &texts {
            list.push_back(text, ListLimits::default());
            hash.set(text, b"value", HashLimits::default());
        }
        let all = commands(&Object::new_list(b"k", list, None));
        assert_eq!(all.len(), len.div_ceil(64));
        assert_eq!(added(all, b"RPUSH", 64), (texts, Vec::new()));
        let object = Object::new_hash(b"k", hash, None);
        let all = commands(&object);
        assert_eq!(all.len(), len.div_ceil(64));
        let (words, rest) = added(all, b"HMSET", 128);
        assert!(rest.is_empty());
        let ValueRef::Hash(hash) = object.value() else {
            panic!("a hash");
        };
        assert_eq!(words.len(), 2 * hash.len());
        for pair in words.chunks(2) {
            assert_eq!(hash.get(&pair[0]).map(|v| v.to_vec()).as_ref(), pair.get(1));
        }
    }
}
