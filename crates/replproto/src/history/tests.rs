//! Who may continue from where.
use super::*;

fn id(letter: char) -> ReplId {
    ReplId::parse(&[letter as u8; 40]).unwrap()
}

fn window(first: i64, len: u64) -> Option<Window> {
    Some(Window {
        first: Offset(first),
        len,
    })
}

fn at(offset: i64) -> History {
    History {
        offset: Offset(offset),
        ..History::begin(id('a'))
    }
}

#[test]
fn the_backlog_bounds_what_can_be_continued() {
    let history = at(1000);
    let ask = |offset, window| history.answer(id('a').as_bytes(), offset, window);
    let no = |ahead| Answer::Full(Refusal::NoBacklog { ahead });
    assert_eq!(ask(501, window(501, 500)), Answer::Continue(Offset(501)));
    assert_eq!(
        ask(1001, window(501, 500)),
        Answer::Continue(Offset(1001)),
        "nothing missed"
    );
    assert_eq!(ask(500, window(501, 500)), no(false));
    assert_eq!(ask(1002, window(501, 500)), no(true));
    assert_eq!(ask(600, None), no(false));
    assert_eq!(ask(i64::MAX, window(501, 500)), no(true));
    assert_eq!(ask(i64::MIN, window(501, 500)), no(false));
}

#[test]
fn ids_are_compared_whatever_their_case() {
    let upper = id('a').as_str().to_uppercase();
    let answer = at(10).answer(upper.as_bytes(), 11, window(1, 10));
    assert_eq!(answer, Answer::Continue(Offset(11)));
    let other = at(10).answer(id('b').as_bytes(), 11, window(1, 10));
    assert_eq!(other, Answer::Full(Refusal::OtherHistory));
    let asked = at(10).answer(b"?", -1, window(1, 10));
    assert_eq!(asked, Answer::Full(Refusal::Asked));
    let odd = at(10).answer(b"", 0, window(1, 10));
    assert_eq!(odd, Answer::Full(Refusal::OtherHistory));
}

#[test]
fn a_promoted_server_serves_the_history_it_followed_up_to_the_promotion() {
    let mut history = at(1000);
    history.promote(id('b'));
    history.offset = Offset(1200);
    let ask = |letter, offset| history.answer(id(letter).as_bytes(), offset, window(1, 1200));
    assert_eq!(
        ask('a', 1001),
        Answer::Continue(Offset(1001)),
        "as far as we were"
    );
    assert_eq!(
        ask('a', 1002),
        Answer::Full(Refusal::PastSecond),
        "it has what we never saw"
    );
    assert_eq!(ask('b', 1201), Answer::Continue(Offset(1201)));
    assert_eq!(history.second_offset, Offset(1001));
}

#[test]
fn nobody_continues_from_no_second_history() {
    let history = at(1000);
    let zeros = history.answer(ReplId::NONE.as_bytes(), -1, window(1, 1000));
    // As with real servers: -1 is not past -1, but no backlog reaches there.
    assert_eq!(zeros, Answer::Full(Refusal::NoBacklog { ahead: false }));
    let later = history.answer(ReplId::NONE.as_bytes(), 5, window(1, 1000));
    assert_eq!(later, Answer::Full(Refusal::PastSecond));
}

#[test]
fn following_a_new_id_keeps_the_old_one_as_second() {
    let mut history = at(50);
    history.follow(id('a'));
    assert_eq!(history, at(50));
    history.follow(id('c'));
    assert_eq!((history.id, history.id2), (id('c'), id('a')));
    assert_eq!(history.second_offset, Offset(51));
    history.restart(id('d'), Offset(7));
    assert_eq!(
        (history.id, history.id2, history.offset),
        (id('d'), ReplId::NONE, Offset(7))
    );
    history.forget(id('e'));
    assert_eq!(
        (history.id, history.second_offset, history.offset),
        (id('e'), Offset(-1), Offset(7))
    );
}
