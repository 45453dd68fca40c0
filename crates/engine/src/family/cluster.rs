//! READONLY, READWRITE, ASKING, and the CLUSTER commands that look at keys; all others are the
//! host's.

use crate::Cx;
use crate::clients::flags;
use crate::fail::{self, Done};
use crate::family::command;
use crate::handlers::Handler;
use base::{Slot, num};
use commands::family::cluster::Handlers;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Asking: asking,
    Readonly: readonly,
    Readwrite: readwrite,
    ClusterCountkeysinslot: count_keys_in_slot,
    ClusterGetkeysinslot: get_keys_in_slot,
    ClusterHelp: command::help,
};

/// READONLY
pub(crate) fn readonly(cx: &mut Cx<'_>) -> Done {
    cluster_only(cx)?;
    cx.session.readonly = true;
    cx.session.card.set_flag(flags::READONLY, true);
    cx.reply.ok();
    Ok(())
}

/// READWRITE
pub(crate) fn readwrite(cx: &mut Cx<'_>) -> Done {
    cluster_only(cx)?;
    cx.session.readonly = false;
    cx.session.card.set_flag(flags::READONLY, false);
    cx.reply.ok();
    Ok(())
}

/// ASKING
pub(crate) fn asking(cx: &mut Cx<'_>) -> Done {
    cluster_only(cx)?;
    cx.session.asking = true;
    cx.reply.ok();
    Ok(())
}

fn cluster_only(cx: &Cx<'_>) -> Done {
    if cx.settings.cluster {
        Ok(())
    } else {
        Err(fail::CLUSTER_DISABLED.into())
    }
}

/// CLUSTER COUNTKEYSINSLOT slot
pub(crate) fn count_keys_in_slot(cx: &mut Cx<'_>) -> Done {
    cluster_only(cx)?;
    let number = num::parse_i64(cx.args.get(2)).ok_or(fail::NOT_INTEGER)?;
    let slot = slot_of(number).ok_or("ERR Invalid slot")?;
    let count = cx
        .keys
        .visit(slot, |guard| guard.keys(0).map_or(0, store::Keys::len))?;
    cx.reply.int(count as i64);
    Ok(())
}

/// CLUSTER GETKEYSINSLOT slot count
pub(crate) fn get_keys_in_slot(cx: &mut Cx<'_>) -> Done {
    cluster_only(cx)?;
    let number = num::parse_i64(cx.args.get(2)).ok_or(fail::NOT_INTEGER)?;
    let count = num::parse_i64(cx.args.get(3)).ok_or(fail::NOT_INTEGER)?;
    let (Some(slot), Ok(count)) = (slot_of(number), usize::try_from(count)) else {
        return Err("ERR Invalid slot or number of keys".into());
    };
    let found: Vec<Vec<u8>> = cx.keys.visit(slot, |guard| {
        let keys = guard.keys(0).into_iter();
        let objects = keys.flat_map(|keys| keys.table().iter()).take(count);
        objects.map(|object| object.key().to_vec()).collect()
    })?;
    cx.reply.array(found.len());
    found.iter().for_each(|key| cx.reply.bulk(key));
    Ok(())
}

fn slot_of(number: i64) -> Option<Slot> {
    u16::try_from(number).ok().and_then(Slot::new)
}
