//! CLIENT: what a connection may learn of others, set for itself and do to others.

use crate::clients::{ClientCard, flags};
use crate::fail::{self, Done, Fail, NOT_INTEGER, SYNTAX};
use crate::family::command;
use crate::family::connection::check_name;
use crate::handlers::Handler;
use crate::session::ReplyMode;
use crate::{Cx, PauseBy, PauseKind, timeout};
use base::num;
use commands::Cmd;
use commands::family::client::Handlers;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    ClientGetname: getname,
    ClientHelp: command::help,
    ClientId: id,
    ClientInfo: info,
    ClientKill: kill,
    ClientList: list,
    ClientNoEvict: no_evict,
    ClientNoTouch: no_touch,
    ClientPause: pause,
    ClientReply: reply,
    ClientSetinfo: setinfo,
    ClientSetname: setname,
    ClientUnblock: unblock,
    ClientUnpause: unpause,
};

/// CLIENT ID
pub(crate) fn id(cx: &mut Cx<'_>) -> Done {
    cx.reply.int(cx.session.card.id as i64);
    Ok(())
}

/// CLIENT GETNAME
pub(crate) fn getname(cx: &mut Cx<'_>) -> Done {
    let name = cx.session.card.label.lock().name.clone();
    if name.is_empty() {
        cx.reply.null();
    } else {
        cx.reply.bulk(name);
    }
    Ok(())
}

/// CLIENT SETNAME name
pub(crate) fn setname(cx: &mut Cx<'_>) -> Done {
    let name = cx.args.get(2);
    check_name(name, "Client names")?;
    cx.session.card.label.lock().name = name.to_vec();
    cx.reply.ok();
    Ok(())
}

/// CLIENT SETINFO LIB-NAME name | LIB-VER version
pub(crate) fn setinfo(cx: &mut Cx<'_>) -> Done {
    let (option, value) = (cx.args.get(2), cx.args.get(3));
    if option.eq_ignore_ascii_case(b"lib-name") {
        check_name(value, &String::from_utf8_lossy(cx.args.get(2)))?;
        cx.session.card.label.lock().lib_name = value.to_vec();
    } else if option.eq_ignore_ascii_case(b"lib-ver") {
        check_name(value, &String::from_utf8_lossy(cx.args.get(2)))?;
        cx.session.card.label.lock().lib_ver = value.to_vec();
    } else {
        let option = String::from_utf8_lossy(option);
        return Err(format!("ERR Unrecognized option '{option}'").into());
    }
    cx.reply.ok();
    Ok(())
}

/// CLIENT INFO
pub(crate) fn info(cx: &mut Cx<'_>) -> Done {
    let mut line = describe(&cx.session.card);
    line.push(b'\n');
    cx.reply.verbatim(*b"txt", line);
    Ok(())
}

/// CLIENT LIST [TYPE type | ID id [id ...]]
pub(crate) fn list(cx: &mut Cx<'_>) -> Done {
    let clients = &cx.engine.clients;
    let cards = match cx.args.opt(2) {
        None => clients.all(),
        Some(word) if word.eq_ignore_ascii_case(b"type") && cx.args.len() == 4 => {
            let kind = Kind::parse(cx.args.get(3))?;
            let mut cards = clients.all();
            cards.retain(|card| Kind::of(card) == kind);
            cards
        }
        Some(word) if word.eq_ignore_ascii_case(b"id") && cx.args.len() > 3 => {
            let mut cards = Vec::new();
            for id in cx.args.from(3).iter() {
                let id = num::parse_i64(id).ok_or("ERR Invalid client ID")?;
                cards.extend(u64::try_from(id).ok().and_then(|id| clients.get(id)));
            }
            cards
        }
        Some(_) => return Err(SYNTAX.into()),
    };
    let mut text = Vec::new();
    for card in cards {
        text.extend_from_slice(&describe(&card));
        text.push(b'\n');
    }
    cx.reply.verbatim(*b"txt", text);
    Ok(())
}

/// A client's kind, as the filters name it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Primary,
    Replica,
    PubSub,
}

impl Kind {
    fn parse(word: &[u8]) -> Result<Kind, Fail> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(Kind::Normal),
            b"master" => Ok(Kind::Primary),
            b"slave" | b"replica" => Ok(Kind::Replica),
            b"pubsub" => Ok(Kind::PubSub),
            _ => {
                let word = String::from_utf8_lossy(word);
                Err(format!("ERR Unknown client type '{word}'").into())
            }
        }
    }

    fn of(card: &ClientCard) -> Kind {
        if card.has_flag(flags::PRIMARY) {
            Kind::Primary
        } else if card.has_flag(flags::REPLICA) && !card.has_flag(flags::MONITOR) {
            Kind::Replica
        } else {
            Kind::Normal
        }
    }
}

/// A client as a line of CLIENT LIST, without the line's end.
pub(crate) fn describe(card: &ClientCard) -> Vec<u8> {
    let numbers = &card.numbers;
    let load = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
    let meter = card.meter.get().map(|meter| meter.read());
    let meter = meter.unwrap_or_default();
    let label = card.label.lock().clone();
    let multi_bytes = load(&numbers.multi_bytes);
    let words = label.name.len() + label.lib_name.len() + label.lib_ver.len() + label.user.len();
    let total = meter.memory + multi_bytes as usize + words + size_of::<ClientCard>();
    let command = (load(&numbers.command) as usize).checked_sub(1);
    let command = command.and_then(Cmd::from_index);
    let queued = meter.output_pieces > 0;
    let mut head = String::with_capacity(320);
    // Writing to a string cannot fail.
    let _ = write!(
        head,
        "id={} addr={} laddr={} fd={} name=",
        card.id, card.peer, card.local, card.fd
    );
    let mut line = head.into_bytes();
    line.extend_from_slice(&label.name);
    let mut rest = String::with_capacity(256);
    let _ = write!(
        rest,
        " age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} qbuf={} qbuf-free={} \
         argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} cmd={} \
         user=",
        meter.age.as_secs(),
        meter.idle.as_secs(),
        letters(card),
        load(&numbers.db),
        numbers.multi.load(Ordering::Relaxed),
        meter.query_len,
        meter.query_memory.saturating_sub(meter.query_len),
        load(&numbers.argument_bytes),
        multi_bytes,
        if queued { 0 } else { meter.output_memory },
        meter.output_tail,
        meter.output_tail,
        meter.output_pieces,
        if queued { meter.output_memory } else { 0 },
        total,
        if meter.output_len > 0 { "rw" } else { "r" },
        command.map_or("NULL", |command| command.spec().full_name),
    );
    line.extend_from_slice(rest.as_bytes());
    line.extend_from_slice(&label.user);
    line.extend_from_slice(format!(" redir=-1 resp={} lib-name=", load(&numbers.resp)).as_bytes());
    line.extend_from_slice(&label.lib_name);
    line.extend_from_slice(b" lib-ver=");
    line.extend_from_slice(&label.lib_ver);
    line
}

fn letters(card: &ClientCard) -> String {
    const LETTERS: [(u64, char); 8] = [
        (flags::PRIMARY, 'M'),
        (flags::MULTI, 'x'),
        (flags::BLOCKED, 'b'),
        (flags::CLOSING, 'c'),
        (flags::UNIX, 'U'),
        (flags::READONLY, 'r'),
        (flags::NO_EVICT, 'e'),
        (flags::NO_TOUCH, 'T'),
    ];
    let mut letters = String::new();
    if card.has_flag(flags::MONITOR) {
        letters.push('O');
    } else if card.has_flag(flags::REPLICA) {
        letters.push('S');
    }
    let set = LETTERS.iter().filter(|(bit, _)| card.has_flag(*bit));
    letters.extend(set.map(|(_, letter)| letter));
    if card.watch.lock().is_dirty() {
        letters.push('d');
    }
    if letters.is_empty() {
        letters.push('N');
    }
    letters
}

/// What CLIENT KILL is to match; empty fields match all.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    kind: Option<Kind>,
    peer: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    max_age: Option<u64>,
}

impl Filter<'_> {
    fn matches(&self, card: &ClientCard, now_ms: i64) -> bool {
        let age = now_ms.saturating_sub(card.created_ms) / 1000;
        self.id.is_none_or(|id| id == card.id)
            && self.kind.is_none_or(|kind| kind == Kind::of(card))
            && self.peer.is_none_or(|peer| peer == card.peer.as_bytes())
            && self
                .local
                .is_none_or(|local| local == card.local.as_bytes())
            && self.user.is_none_or(|user| user == card.label.lock().user)
            && self.max_age.is_none_or(|max| age >= max as i64)
    }
}

/// CLIENT KILL ip:port | filter value [filter value ...]
pub(crate) fn kill(cx: &mut Cx<'_>) -> Done {
    if cx.args.len() == 3 {
        let filter = Filter {
            peer: Some(cx.args.get(2)),
            ..Filter::default()
        };
        if kill_matching(cx, &filter, false) == 0 {
            return Err("ERR No such client".into());
        }
        cx.reply.ok();
        return Ok(());
    }
    let (filter, skip_me) = kill_filter(cx)?;
    let killed = kill_matching(cx, &filter, skip_me);
    cx.reply.int(killed);
    Ok(())
}

fn kill_filter<'a>(cx: &Cx<'a>) -> Result<(Filter<'a>, bool), Fail> {
    let (mut filter, mut skip_me) = (Filter::default(), true);
    let mut index = 2;
    while index < cx.args.len() {
        let value = cx.args.opt(index + 1).ok_or(SYNTAX)?;
        match cx.args.get(index).to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = num::parse_i64(value).filter(|&id| id > 0);
                filter.id = Some(id.ok_or("ERR client-id should be greater than 0")? as u64);
            }
            b"maxage" => {
                let age =
                    num::parse_i64(value).ok_or("ERR maxage is not an integer or out of range")?;
                if age <= 0 {
                    return Err("ERR maxage should be greater than 0".into());
                }
                filter.max_age = Some(age as u64);
            }
            b"type" => filter.kind = Some(Kind::parse(value)?),
            b"addr" => filter.peer = Some(value),
            b"laddr" => filter.local = Some(value),
            b"user" => {
                if value != b"default" {
                    let user = String::from_utf8_lossy(value);
                    return Err(format!("ERR No such user '{user}'").into());
                }
                filter.user = Some(value);
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => skip_me = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => skip_me = false,
            _ => return Err(SYNTAX.into()),
        }
        index += 2;
    }
    Ok((filter, skip_me))
}

fn kill_matching(cx: &mut Cx<'_>, filter: &Filter<'_>, skip_me: bool) -> i64 {
    let (me, now_ms) = (cx.session.card.id, cx.now_ms());
    let mut killed = 0;
    for card in cx.engine.clients.all() {
        if !filter.matches(&card, now_ms) || (skip_me && card.id == me) {
            continue;
        }
        killed += 1;
        if card.id == me {
            card.set_flag(flags::CLOSING, true);
        } else {
            card.killed.store(true, Ordering::SeqCst);
            cx.engine.host().nudge(&card);
        }
    }
    cx.session.everywhere |= killed > 0;
    killed
}

/// CLIENT NO-EVICT ON | OFF
pub(crate) fn no_evict(cx: &mut Cx<'_>) -> Done {
    let on = on_or_off(cx.args.get(2))?;
    cx.session.card.set_flag(flags::NO_EVICT, on);
    cx.reply.ok();
    Ok(())
}

/// CLIENT NO-TOUCH ON | OFF
pub(crate) fn no_touch(cx: &mut Cx<'_>) -> Done {
    let on = on_or_off(cx.args.get(2))?;
    cx.session.no_touch = on;
    cx.session.card.set_flag(flags::NO_TOUCH, on);
    cx.reply.ok();
    Ok(())
}

fn on_or_off(word: &[u8]) -> Result<bool, Fail> {
    match word.to_ascii_lowercase().as_slice() {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(SYNTAX.into()),
    }
}

/// CLIENT REPLY ON | OFF | SKIP
pub(crate) fn reply(cx: &mut Cx<'_>) -> Done {
    let mode = &mut cx.session.reply_mode;
    match cx.args.get(2).to_ascii_lowercase().as_slice() {
        b"on" => {
            *mode = ReplyMode::On;
            cx.reply.ok();
        }
        b"off" => *mode = ReplyMode::Off,
        b"skip" if *mode == ReplyMode::Off => {}
        b"skip" => *mode = ReplyMode::SkipNext,
        _ => return Err(SYNTAX.into()),
    }
    Ok(())
}

/// CLIENT PAUSE timeout [WRITE | ALL]
pub(crate) fn pause(cx: &mut Cx<'_>) -> Done {
    if cx.args.len() > 4 {
        return Err(fail::bad_subcommand(cx.args));
    }
    let kind = match cx.args.opt(3).map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"all") => PauseKind::All,
        Some(b"write") => PauseKind::Writes,
        Some(_) => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
    };
    let until = Instant::now().checked_add(timeout::milliseconds(cx.args.get(2))?);
    let until = until.ok_or("ERR timeout is out of range")?;
    cx.engine.pause.begin(PauseBy::Client, kind, Some(until));
    cx.session.everywhere = true;
    cx.reply.ok();
    Ok(())
}

/// CLIENT UNPAUSE
pub(crate) fn unpause(cx: &mut Cx<'_>) -> Done {
    cx.engine.pause.end(PauseBy::Client);
    cx.engine.host().pause_changed();
    cx.reply.ok();
    Ok(())
}

/// CLIENT UNBLOCK id [TIMEOUT | ERROR]
pub(crate) fn unblock(cx: &mut Cx<'_>) -> Done {
    if cx.args.len() > 4 {
        return Err(fail::bad_subcommand(cx.args));
    }
    let as_error = match cx.args.opt(3).map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"timeout") => false,
        Some(b"error") => true,
        Some(_) => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
    };
    let id = num::parse_i64(cx.args.get(2)).ok_or(NOT_INTEGER)?;
    let card = u64::try_from(id)
        .ok()
        .and_then(|id| cx.engine.clients.get(id));
    let unblock = card.and_then(|card| card.unblock.lock().take());
    let done = unblock.is_some_and(|unblock| unblock(as_error));
    cx.reply.int(i64::from(done));
    Ok(())
}
