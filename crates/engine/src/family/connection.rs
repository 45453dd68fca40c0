//! The connection itself: PING, HELLO, AUTH, SELECT, RESET and kin.

use crate::Cx;
use crate::clients::flags;
use crate::fail::{self, Done, Fail, NOPROTO, SYNTAX, WRONGPASS};
use crate::handlers::Handler;
use crate::session::ReplyMode;
use base::num;
use commands::family::connection::Handlers;
use std::sync::atomic::Ordering;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Auth: auth,
    Echo: echo,
    Hello: hello,
    Ping: ping,
    Quit: quit,
    Reset: reset,
    Select: select,
};

/// The version of Redis whose behaviour this server has, as HELLO and INFO give it.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// PING [message]
pub(crate) fn ping(cx: &mut Cx<'_>) -> Done {
    match cx.args.len() {
        1 => cx.reply.status("PONG"),
        2 => cx.reply.bulk(cx.args.get(1)),
        _ => return Err(fail::wrong_arity("ping")),
    }
    Ok(())
}

/// ECHO message
pub(crate) fn echo(cx: &mut Cx<'_>) -> Done {
    cx.reply.bulk(cx.args.get(1));
    Ok(())
}

/// QUIT
pub(crate) fn quit(cx: &mut Cx<'_>) -> Done {
    cx.reply.ok();
    Ok(())
}

/// SELECT index
pub(crate) fn select(cx: &mut Cx<'_>) -> Done {
    let number = num::parse_i64(cx.args.get(1)).ok_or(fail::NOT_INTEGER)?;
    if i32::try_from(number).is_err() {
        return Err(fail::BAD_DB.into());
    }
    if cx.settings.cluster && number != 0 {
        return Err("ERR SELECT is not allowed in cluster mode".into());
    }
    if !(0..i64::from(cx.engine.store.databases())).contains(&number) {
        return Err(fail::DB_OUT_OF_RANGE.into());
    }
    set_db(cx, number as u16);
    cx.reply.ok();
    Ok(())
}

fn set_db(cx: &mut Cx<'_>, number: u16) {
    cx.session.db = number;
    cx.session
        .card
        .numbers
        .db
        .store(u64::from(number), Ordering::Relaxed);
}

/// AUTH [username] password
pub(crate) fn auth(cx: &mut Cx<'_>) -> Done {
    let (user, password) = match cx.args.len() {
        2 if cx.settings.password.is_empty() => {
            return Err(
                "ERR AUTH <password> called without any password configured for the \
                default user. Are you sure your configuration is correct?"
                    .into(),
            );
        }
        2 => (&b"default"[..], cx.args.get(1)),
        3 => (cx.args.get(1), cx.args.get(2)),
        _ => return Err(SYNTAX.into()),
    };
    log_in(cx, user, password)?;
    cx.reply.ok();
    Ok(())
}

fn log_in(cx: &mut Cx<'_>, user: &[u8], password: &[u8]) -> Result<(), Fail> {
    let wanted = &cx.settings.password;
    if user != b"default" || (!wanted.is_empty() && !same_secret(wanted, password)) {
        return Err(WRONGPASS.into());
    }
    cx.session.authenticated = true;
    cx.session.card.label.lock().user = user.to_vec();
    Ok(())
}

/// Compares without telling by its time how much of a guess was right.
fn same_secret(secret: &[u8], guess: &[u8]) -> bool {
    let mut different = (secret.len() ^ guess.len()) as u8 | u8::from(secret.len() != guess.len());
    for (index, byte) in guess.iter().enumerate() {
        different |= byte ^ secret[index % secret.len()];
    }
    different == 0
}

/// HELLO [protover [AUTH username password] [SETNAME clientname]]
pub(crate) fn hello(cx: &mut Cx<'_>) -> Done {
    let mut resp3 = cx.session.resp3;
    if let Some(version) = cx.args.opt(1) {
        resp3 = match num::parse_i64(version) {
            Some(2) => false,
            Some(3) => true,
            Some(_) => return Err(NOPROTO.into()),
            None => return Err("ERR Protocol version is not an integer or out of range".into()),
        };
    }
    let mut name = None;
    let mut index = 2;
    while index < cx.args.len() {
        let left = cx.args.len() - index - 1;
        match cx.args.get(index).to_ascii_uppercase().as_slice() {
            b"AUTH" if left >= 2 => {
                log_in(cx, cx.args.get(index + 1), cx.args.get(index + 2))?;
                index += 3;
            }
            b"SETNAME" if left >= 1 => {
                let wanted = cx.args.get(index + 1);
                check_name(wanted, "Client names")?;
                name = Some(wanted.to_vec());
                index += 2;
            }
            _ => {
                let option = String::from_utf8_lossy(cx.args.get(index)).into_owned();
                return Err(format!("ERR Syntax error in HELLO option '{option}'").into());
            }
        }
    }
    if !cx.session.authenticated {
        return Err(
            "NOAUTH HELLO must be called with the client already authenticated, \
            otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the \
            client and select the RESP protocol version at the same time"
                .into(),
        );
    }
    if let Some(name) = name {
        cx.session.card.label.lock().name = name;
    }
    cx.session.resp3 = resp3;
    cx.session
        .card
        .numbers
        .resp
        .store(if resp3 { 3 } else { 2 }, Ordering::Relaxed);
    cx.reply.set_resp3(resp3);
    let role = if cx.settings.replica {
        "replica"
    } else {
        "master"
    };
    let mode = if cx.settings.cluster {
        "cluster"
    } else {
        "standalone"
    };
    let reply = &mut cx.reply;
    reply.map(7);
    for (field, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(field);
        reply.bulk(value);
    }
    reply.bulk("proto");
    reply.int(if resp3 { 3 } else { 2 });
    reply.bulk("id");
    reply.int(cx.session.card.id as i64);
    for (field, value) in [("mode", mode), ("role", role)] {
        reply.bulk(field);
        reply.bulk(value);
    }
    reply.bulk("modules");
    reply.array(0);
    Ok(())
}

/// Whether a name may appear in CLIENT LIST: printable, without blanks.
///
/// # Errors
/// The text for the client; `what` names the attribute.
pub(crate) fn check_name(name: &[u8], what: &str) -> Result<(), Fail> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(());
    }
    let text = format!("ERR {what} cannot contain spaces, newlines or special characters.");
    Err(text.into())
}

/// RESET
pub(crate) fn reset(cx: &mut Cx<'_>) -> Done {
    let locker = cx.keys.locker();
    crate::transaction::discard(cx.session, locker);
    cx.engine.monitors.remove(cx.session.card.id);
    set_db(cx, 0);
    let session = &mut *cx.session;
    session.resp3 = false;
    session.readonly = false;
    session.asking = false;
    session.no_touch = false;
    session.monitor = false;
    // The reply of RESET itself may be one that is skipped.
    if session.reply_mode != ReplyMode::Skip {
        session.reply_mode = ReplyMode::On;
    }
    session.authenticated = cx.settings.password.is_empty();
    for flag in [
        flags::MULTI,
        flags::READONLY,
        flags::MONITOR,
        flags::NO_TOUCH,
        flags::NO_EVICT,
    ] {
        session.card.set_flag(flag, false);
    }
    session.card.numbers.resp.store(2, Ordering::Relaxed);
    session.card.label.lock().name.clear();
    cx.reply.set_resp3(false);
    cx.reply.status("RESET");
    Ok(())
}
