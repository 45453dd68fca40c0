//! Commands that the program around the engine carries out.

use crate::fail::Done;
use crate::family::{debug, slowlog};
use crate::{Cx, Fail, Taken};
use commands::{Cmd, RunBy, Spec};
use std::time::Instant;

/// Whether the program around the engine carries the call out, with nothing locked: the rows say
/// it, but for the subcommands of DEBUG, which have none.
pub(crate) fn is_hosted(spec: &Spec, args: resp::Args<'_>) -> bool {
    spec.run_by == RunBy::Host || (spec.id == Cmd::Debug && debug::is_hosted(args))
}

/// Hands the command to the host. Nothing is locked meanwhile.
pub(crate) fn to_host(cx: &mut Cx<'_>) -> Done {
    let answers_at_once = cx.session.in_rest && cx.spec.has(commands::flag::BLOCKING);
    let waits = cx.caller.may_wait() && !answers_at_once;
    let (engine, args) = (cx.engine, cx.args.to_buf());
    let began = Instant::now();
    let session = waits.then_some(&mut *cx.session);
    let taken = engine.host().command(engine, cx.spec.id, args, session)?;
    cx.session.everywhere |= cx.spec.id == Cmd::ConfigSet;
    match taken {
        Taken::Now(answer) => answer(&mut cx.reply),
        Taken::Later => {
            let flags = commands::flag::READONLY | commands::flag::WRITE;
            cx.session.late_data = cx.spec.has(flags);
            slowlog::done_elsewhere(cx, began);
            return Err(Fail::Blocked);
        }
    }
    Ok(())
}
