//! The checker is right about histories whose answer is known, and about random ones.

use super::{Action, Call, Told, explain};
use crate::Rng;

fn call(client: usize, action: Action, sent: u64, at: u64, told: Told) -> Call {
    Call {
        client,
        action,
        sent,
        told: Some((at, told)),
    }
}

fn set(value: &str) -> Action {
    Action::Set(value.into())
}

fn value(text: &str) -> Told {
    Told::Value(text.into())
}

#[test]
fn one_after_another_must_agree() {
    let good = [
        call(0, set("1"), 0, 1, Told::Ok),
        call(1, Action::Incr, 2, 3, Told::Int(2)),
        call(0, Action::Append("x".into()), 4, 5, Told::Int(2)),
        call(1, Action::Incr, 6, 7, Told::Refused),
        call(0, Action::SetNx("3".into()), 8, 9, Told::Nil),
        call(0, Action::GetSet("4".into()), 10, 11, value("2x")),
        call(0, Action::Del, 12, 13, Told::Int(1)),
        call(0, Action::Get, 14, 15, Told::Nil),
    ];
    assert!(explain(&good).is_ok());
    for (index, wrong) in [
        (1, Told::Int(3)),
        (3, Told::Int(3)),
        (5, value("1")),
        (7, value("4")),
    ] {
        let mut bad = good.clone();
        bad[index].told = Some((bad[index].told.as_ref().unwrap().0, wrong));
        assert!(explain(&bad).is_err(), "call {index}");
    }
}

#[test]
fn a_stale_read_is_found() {
    let calls = [
        call(0, set("1"), 0, 1, Told::Ok),
        call(0, set("2"), 2, 3, Told::Ok),
        call(1, Action::Get, 4, 5, value("1")),
    ];
    let found = explain(&calls).unwrap_err();
    assert_eq!(found.call.action, Action::Get);
    assert_eq!(found.before, [Some("2".to_owned())]);
}

#[test]
fn what_overlaps_may_be_in_either_order_but_only_in_one() {
    let write = call(0, set("1"), 0, 10, Told::Ok);
    let (early, late) = (
        call(1, Action::Get, 1, 2, Told::Nil),
        call(2, Action::Get, 3, 4, value("1")),
    );
    assert!(explain(&[write.clone(), early.clone(), late.clone()]).is_ok());
    let back = call(1, Action::Get, 5, 6, Told::Nil);
    assert!(
        explain(&[write.clone(), late, back]).is_err(),
        "it went back"
    );
    let twice = [
        write,
        call(1, Action::Incr, 11, 20, Told::Int(2)),
        call(2, Action::Incr, 12, 19, Told::Int(2)),
    ];
    assert!(explain(&twice).is_err(), "an increment was lost");
}

#[test]
fn what_was_never_answered_may_have_happened_or_not() {
    let lost = Call {
        client: 0,
        action: set("1"),
        sent: 0,
        told: None,
    };
    let seen = call(1, Action::Get, 50, 51, value("1"));
    let unseen = call(1, Action::Get, 50, 51, Told::Nil);
    assert!(explain(&[lost.clone(), seen.clone()]).is_ok());
    assert!(explain(&[lost.clone(), unseen.clone()]).is_ok());
    let undone = call(1, Action::Get, 60, 61, Told::Nil);
    assert!(explain(&[lost, seen, undone]).is_err());
}

/// A history that a correct key makes: each command takes effect at a moment of its own.
fn random_history(dice: &mut Rng, clients: usize, each: usize) -> Vec<Call> {
    let mut planned = Vec::new();
    for client in 0..clients {
        let mut now = dice.below(10);
        for _ in 0..each {
            let sent = now;
            let effect = sent + 1 + dice.below(20);
            let at = effect + 1 + dice.below(20);
            now = at + 1 + dice.below(5);
            let digit = vec![b'1' + dice.below(9) as u8];
            let action = match dice.below(7) {
                0 => Action::Set(digit),
                1 => Action::SetNx(digit),
                2 => Action::GetSet(digit),
                3 => Action::Append(digit),
                4 => Action::Incr,
                5 => Action::Del,
                _ => Action::Get,
            };
            planned.push((effect, client, action, sent, at));
        }
    }
    planned.sort_by_key(|&(effect, client, ..)| (effect, client));
    let mut state = None;
    let run = |(_, client, action, sent, at): (u64, usize, Action, u64, u64)| {
        let (next, told) = action.apply(&state);
        state = next;
        call(client, action, sent, at, told)
    };
    planned.into_iter().map(run).collect()
}

#[test]
fn random_histories_are_explained_and_spoiled_ones_mostly_not() {
    let mut dice = crate::seed("random_histories");
    let mut found = 0;
    for _ in 0..40 {
        let calls = random_history(&mut dice, 8, 40);
        assert!(explain(&calls).is_ok());
        let mut spoiled = calls;
        let at = dice.below(spoiled.len() as u64) as usize;
        let (_, told) = spoiled[at].told.as_mut().unwrap();
        *told = value("what nobody wrote");
        found += u32::from(explain(&spoiled).is_err());
    }
    assert_eq!(found, 40);
}
