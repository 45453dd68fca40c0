//! Each kind of value in each shape that it is written in, there and back.
use super::*;
use crate::object::{Builder, KeyClock, dump, dump_pin, restore, write_pin, write_value};
use crate::reader::Value;
use crate::reader::{Event, Foreign, Reader};
use crate::{KeyMeta, Writer};
use ds::{Hash, List};

const KINDS: [Kind; 3] = [Kind::String, Kind::List, Kind::Hash];
const CLOCK: KeyClock = KeyClock {
    lfu: None,
    now_ms: 1_700_000_000_000,
};

fn text(nth: usize) -> Vec<u8> {
    match nth % 4 {
        0 => format!("{}", nth * 7919).into_bytes(),
        1 => Vec::new(),
        2 => vec![b'x'; nth % 300],
        _ => format!("element {nth}").into_bytes(),
    }
}

/// Values of a kind: small ones, and such as are pinned and come in pieces.
fn samples(kind: Kind) -> Vec<Object> {
    let limits = Limits::default();
    let sizes = [1, 3, 200, 5000];
    match kind {
        Kind::String => [0, 1, 20, 100, 70_000, 600_000]
            .map(|len| Object::new_text(b"k", &b"text and ".repeat(len)[..len], None))
            .into_iter()
            .chain([-5, 1 << 40].map(|number| Object::new_int(b"k", number, Some(9))))
            .collect(),
        Kind::List => sizes
            .map(|len| {
                let mut list = List::new();
                (0..len).for_each(|nth| list.push_back(&text(nth), limits.list));
                list.push_back(&vec![b'y'; 100 * len], limits.list);
                Object::new_list(b"k", list, Some(7))
            })
            .into(),
        Kind::Hash => sizes
            .map(|len| {
                let mut hash = Hash::new();
                for nth in 0..len {
                    hash.set(format!("f{nth}").as_bytes(), &text(nth), limits.hash);
                }
                Object::new_hash(b"k", hash, None)
            })
            .into(),
    }
}

/// What a value is made of, in an order of its own.
fn contents(object: &Object) -> Vec<Vec<u8>> {
    match object.value() {
        ValueRef::Int(number) => vec![number.to_string().into_bytes()],
        ValueRef::Str(text) => vec![text.to_vec()],
        ValueRef::List(list) => list.iter().map(|item| item.to_vec()).collect(),
        ValueRef::Hash(hash) => {
            let pairs = hash.iter();
            let mut pairs: Vec<_> = pairs.map(|(f, v)| [f.to_vec(), v.to_vec()]).collect();
            pairs.sort();
            pairs.concat()
        }
    }
}

fn load(bytes: &[u8]) -> Object {
    let mut reader = Reader::new(bytes, Foreign::Refuse);
    let mut builder = None;
    while let Some(event) = reader.next_event().unwrap() {
        match event {
            Event::Key(key) => builder = Builder::new(key, Limits::default()),
            Event::Piece(piece) => builder.as_mut().unwrap().add(piece),
            Event::KeyEnd { elements } => {
                let builder = builder.take().unwrap();
                assert!(builder.doubled().is_none());
                return builder.finish(elements, CLOCK.now_ms).unwrap();
            }
            _ => {}
        }
    }
    panic!("no key");
}

#[test]
fn every_kind_goes_there_and_back() {
    for kind in KINDS {
        for object in samples(kind) {
            let want = (object.encoding(), contents(&object));
            let seen = |back: &Object| (back.encoding(), contents(back));
            let mut writer = Writer::new(true, true);
            let mut file = Vec::new();
            write_pin(&mut writer, object.pin(), CLOCK, &mut |writer| {
                file.extend(writer.take_vec());
                Ok::<(), ()>(())
            })
            .unwrap();
            file.extend(writer.finish());
            let loaded = load(&file);
            assert_eq!(seen(&loaded), want);
            assert_eq!(loaded.expire(), object.expire());
            for payload in [dump(&object), dump_pin(object.pin())] {
                let meta = KeyMeta::default();
                let back = restore(&payload, b"k", meta, Limits::default(), 0).unwrap();
                assert_eq!(seen(&back), want);
                let mut whole = Encoder::new(true);
                write_value(&mut whole, &back);
                assert!(whole.balanced());
                let value = crate::dump::decode(&payload).unwrap();
                assert!(match (kind, value) {
                    (Kind::String, Value::String(text)) => want.1 == [text],
                    (Kind::List, Value::List(list)) => want.1 == list,
                    (Kind::Hash, Value::Hash(mut pairs)) => {
                        pairs.sort();
                        let flat: Vec<_> = pairs.into_iter().flat_map(|(f, v)| [f, v]).collect();
                        want.1 == flat
                    }
                    (Kind::String | Kind::List | Kind::Hash, _) => false,
                });
            }
        }
    }
}

/// A sink that counts.
#[derive(Default)]
struct Counting {
    announced: Option<Form>,
    bytes: u64,
    elements: u64,
    pieces: u64,
    ended: bool,
}

impl Sink for Counting {
    type Error = ();

    fn begin(&mut self, key: &[u8], form: Form) {
        assert_eq!(key, b"k");
        assert!(self.announced.replace(form).is_none());
    }

    fn piece(&mut self, form: Form, piece: Piece<&[u8]>) {
        assert!(self.announced.is_some() && !self.ended);
        self.pieces += 1;
        match piece {
            Piece::Text(text) => self.bytes += text.len() as u64,
            Piece::Integer(_) => assert!(form.whole && form.count == 0),
            Piece::Element(_) | Piece::Pair(..) => self.elements += 1,
            Piece::Elements(blob) => {
                self.elements += crate::packed::listpack::check(blob).unwrap() as u64;
            }
            Piece::Pairs(blob) => {
                self.elements += crate::packed::listpack::check_hash(blob).unwrap() as u64;
            }
        }
    }

    fn pause(&mut self) -> Result<(), ()> {
        Ok(())
    }

    fn end(&mut self, _: Form) -> Result<(), ()> {
        self.ended = true;
        Ok(())
    }
}

/// What a value announces is what comes, and a whole one is one piece.
#[test]
fn a_walk_gives_what_it_announces() {
    for kind in KINDS {
        for object in samples(kind) {
            for pinned in [false, true] {
                let mut sink = Counting::default();
                let walked = match pinned {
                    false => walk_object(&object, &mut sink),
                    true => walk(object.pin(), &mut sink),
                };
                assert_eq!(walked, Ok(()));
                let form = sink.announced.unwrap();
                assert!(sink.ended && form.kind == kind && form.value_type.kind() == kind);
                assert!(!form.whole || sink.pieces == 1);
                let came = match kind {
                    Kind::String => sink.bytes,
                    Kind::List => sink.pieces,
                    Kind::Hash => sink.elements,
                };
                assert_eq!(came, form.count);
                if kind == Kind::List {
                    assert_eq!(sink.elements, contents(&object).len() as u64);
                }
            }
        }
    }
}

#[test]
fn what_must_not_come_twice_is_known_by_kind() {
    let pair = || Piece::Pair(1, 2);
    for kind in KINDS {
        assert_eq!(kind.doubled().is_some(), pair().unique(kind).is_some());
    }
    assert_eq!(pair().unique(Kind::Hash), Some(1));
    assert_eq!(Piece::Pairs(1).unique(Kind::Hash), None);
    assert_eq!(Piece::Element(1).unique(Kind::List), None);
    let mut build = Build::new(Kind::Hash, Limits::default());
    for name in [b"a", b"b", b"a"] {
        assert_eq!(build.doubled(), None);
        build.add(Piece::Pair(name.to_vec(), b"v".to_vec()));
    }
    assert_eq!(build.doubled().unwrap().plain, "a hash has a field twice");
}
