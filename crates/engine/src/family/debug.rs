//! DEBUG: subcommands made for testing a server. All run under the world.

use crate::fail::{Done, Fail, NO_SUCH_KEY};
use crate::handlers::Handler;
use crate::{Cx, access};
use base::num;
use commands::family::debug::Handlers;
use ds::{Object, ValueRef};
use sha1::{Digest as _, Sha1};
use std::time::Duration;
use store::Keys;

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers { Debug: debug };

/// DEBUG subcommand [argument ...]
pub(crate) fn debug(cx: &mut Cx<'_>) -> Done {
    let count = cx.args.len();
    match (cx.args.get(1).to_ascii_lowercase().as_slice(), count) {
        (b"help", 2) => help(cx),
        (b"sleep", 3) => sleep(cx),
        (b"panic", 2) => panic!("called by DEBUG PANIC"),
        (b"set-active-expire", 3) => {
            let on = num::parse_i64(cx.args.get(2)).unwrap_or(0) != 0;
            cx.engine
                .change_settings(|settings| settings.active_expire = on);
            cx.reply.ok();
        }
        (b"dict-resizing", 3) => {
            ds::set_shrinking(num::parse_i64(cx.args.get(2)).unwrap_or(0) != 0);
            cx.reply.ok();
        }
        (b"pause-cron", 3) => {
            let paused = num::parse_i64(cx.args.get(2)).unwrap_or(0) != 0;
            cx.engine
                .change_settings(|settings| settings.pause_periodic = paused);
            cx.reply.ok();
        }
        (b"replicate", 3..) => {
            let args = cx.args.from(2);
            cx.effects.push(cx.session.db, args.iter());
            cx.reply.ok();
        }
        (b"object", 3 | 4) => object(cx)?,
        (b"sdslen", 3) => sdslen(cx)?,
        (b"listpack", 3) => listpack(cx)?,
        (b"protocol", 3) => protocol(cx)?,
        (b"error", 3) => {
            let text = cx.args.get(2).to_vec();
            return Err(Fail::Raw(text));
        }
        (b"quicklist-packed-threshold", 3) => {
            // Lists here have no nodes of one large element whose size could be set: any size
            // gives the same lists.
            let text = String::from_utf8_lossy(cx.args.get(2)).to_ascii_lowercase();
            let size = num::parse_memory(&text).filter(|size| *size <= 4 << 30);
            size.ok_or("ERR argument must be a memory value bigger than 1 and smaller than 4gb")?;
            cx.reply.ok();
        }
        (b"digest", 2) => {
            let digest = digest_all(cx)?;
            cx.reply.status(hex(&digest));
        }
        (b"digest-value", _) => digest_values(cx)?,
        (b"htstats", 3 | 4) => htstats(cx)?,
        (b"htstats-key", 3 | 4) => htstats_key(cx)?,
        (b"populate", 3..=5) => populate(cx)?,
        _ if is_hosted(cx.args) => return super::forward::to_host(cx),
        _ => {
            let name = String::from_utf8_lossy(cx.args.get(1)).into_owned();
            return Err(unknown(&name));
        }
    }
    Ok(())
}

/// DEBUG SLEEP seconds
#[expect(clippy::disallowed_methods, reason = "it is made to stop the server")]
fn sleep(cx: &mut Cx<'_>) {
    let seconds = num::parse_f64(cx.args.get(2)).unwrap_or(0.0);
    if let Ok(wait) = Duration::try_from_secs_f64(seconds) {
        std::thread::sleep(wait);
    }
    cx.reply.ok();
}

/// Whether the program around the engine carries the subcommand out.
pub(crate) fn is_hosted(args: resp::Args<'_>) -> bool {
    let name = args.opt(1).unwrap_or_default().to_ascii_lowercase();
    match (name.as_slice(), args.len()) {
        (
            b"reload"
            | b"change-repl-id"
            | b"log"
            | b"loadaof"
            | b"config-rewrite-force-all"
            | b"restart",
            _,
        ) => true,
        (
            b"drop-cluster-packet-filter"
            | b"close-cluster-link-on-packet-drop"
            | b"disable-cluster-random-ping",
            count,
        ) => count == 3,
        (b"clusterlink", count) => count == 5,
        _ => false,
    }
}

fn unknown(name: &str) -> Fail {
    format!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP.")
        .into()
}

fn help(cx: &mut Cx<'_>) {
    const LINES: [&str; 36] = [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CHANGE-REPL-ID",
        "    Gives the replication history a new ID.",
        "CLOSE-CLUSTER-LINK-ON-PACKET-DROP <0|1> | DROP-CLUSTER-PACKET-FILTER <type>",
        "    Drops packets of the cluster bus by type (-1 none, -2 all), and closes their links.",
        "CLUSTERLINK KILL <to|from|all> <node-id>",
        "    Closes the links with a node, once.",
        "CONFIG-REWRITE-FORCE-ALL",
        "    Writes all options into the configuration file, those at their defaults too.",
        "DICT-RESIZING <0|1>",
        "    Stops tables from shrinking, or lets them shrink again.",
        "DISABLE-CLUSTER-RANDOM-PING <0|1>",
        "    Leaves out the ping to a random node every second.",
        "DIGEST",
        "    Shows a digest of all databases.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Shows digests of single values.",
        "ERROR <string> | LOG <message> | PROTOCOL <type>",
        "    Replies with an error, writes to the log, or replies with a value of a type.",
        "HTSTATS <dbid> | HTSTATS-KEY <key>",
        "    Shows the sizes of hash tables.",
        "OBJECT <key> | LISTPACK <key> | SDSLEN <key>",
        "    Shows how a value is kept.",
        "PANIC",
        "    Ends the server as a defect would.",
        "PAUSE-CRON <0|1>",
        "    Stops or resumes periodic work.",
        "REPLICATE <command> [<arg> ...]",
        "    Sends a command to replicas and the append-only file without running it.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Makes strings.",
        "RELOAD [NOSAVE] [NOFLUSH] [MERGE] | SET-ACTIVE-EXPIRE <0|1> | SLEEP <seconds>",
        "    Saves and loads the data, switches active expiry, or stops all workers.",
        "RESTART [<milliseconds>]",
        "    Saves the data and the configuration, and starts the server anew.",
        "HELP",
    ];
    cx.reply.array(LINES.len() + 1);
    for line in LINES {
        cx.reply.status(line);
    }
    cx.reply.status("    Prints this help.");
}

fn found<'c>(cx: &'c mut Cx<'_>) -> Result<&'c Object, Fail> {
    let key = cx.keys.derived(cx.args.get(2))?;
    cx.keys.peek(key).ok_or_else(|| NO_SUCH_KEY.into())
}

fn object(cx: &mut Cx<'_>) -> Done {
    let (now, lfu) = (cx.now_ms(), cx.settings.lfu);
    let object = found(cx)?;
    let mut writer = rdb::Writer::new(true, false);
    writer.take_vec();
    rdb::object::write_value(writer.value(), object);
    let (length, lru) = (writer.take_vec().len(), object.lru());
    let idle = if lfu {
        0
    } else {
        access::idle_seconds(object, now)
    };
    let line = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{length} lru:{lru} \
         lru_seconds_idle:{idle}",
        std::ptr::from_ref(object),
        object.encoding(),
    );
    cx.reply.status(line);
    Ok(())
}

fn sdslen(cx: &mut Cx<'_>) -> Done {
    let object = found(cx)?;
    let (key, memory) = (object.key().len(), object.memory());
    let value = match object.value() {
        ValueRef::Str(text) => text.len(),
        _ => return Err("ERR Not an sds encoded string.".into()),
    };
    cx.reply.status(format!(
        "key_sds_len:{key}, key_sds_avail:0, key_zmalloc: {key}, val_sds_len:{value}, \
         val_sds_avail:0, val_zmalloc: {memory}"
    ));
    Ok(())
}

fn listpack(cx: &mut Cx<'_>) -> Done {
    if found(cx)?.encoding() != "listpack" {
        return Err("ERR Not a listpack encoded object.".into());
    }
    cx.reply.status("Listpack structure printed on stdout");
    Ok(())
}

fn protocol(cx: &mut Cx<'_>) -> Done {
    let reply = &mut cx.reply;
    match cx.args.get(2).to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk("Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double("3.141".parse().unwrap_or_default()),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.bool(number == 1);
            }
        }
        b"attrib" => {
            if reply.attribute(1) {
                reply.bulk("key-popularity");
                reply.array(2);
                reply.bulk("key:123");
                reply.int(90);
            }
            reply.bulk("Some real reply following the attribute");
        }
        b"push" if !reply.is_resp3() => {
            return Err("ERR RESP2 is not supported by this command".into());
        }
        b"push" => {
            reply.bulk("Some real reply following the push reply");
            reply.push(2);
            reply.bulk("server-cpu-usage");
            reply.int(42);
        }
        b"verbatim" => reply.verbatim(*b"txt", "This is a verbatim\nstring"),
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        _ => {
            return Err(
                "ERR Wrong protocol type name. Please use one of the following: \
                string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
                    .into(),
            );
        }
    }
    Ok(())
}

/// A digest as DEBUG DIGEST builds it: order matters to `mix` and not to `xor`.
type Sum = [u8; 20];

fn xor(sum: &mut Sum, bytes: &[u8]) {
    let hash = Sha1::digest(bytes);
    sum.iter_mut().zip(hash).for_each(|(a, b)| *a ^= b);
}

fn mix(sum: &mut Sum, bytes: &[u8]) {
    xor(sum, bytes);
    *sum = Sha1::digest(*sum).into();
}

fn add_value(sum: &mut Sum, object: &Object) {
    let kind = match object.value() {
        ValueRef::Int(_) | ValueRef::Str(_) => 0u32,
        ValueRef::List(_) => 1,
        ValueRef::Hash(_) => 4,
    };
    mix(sum, &kind.to_be_bytes());
    match object.value() {
        ValueRef::Int(number) => mix(sum, number.to_string().as_bytes()),
        ValueRef::Str(text) => mix(sum, text),
        ValueRef::List(list) => list.iter().for_each(|item| mix(sum, &item.to_vec())),
        ValueRef::Hash(hash) => {
            for (field, value) in hash.iter() {
                let mut pair = Sum::default();
                mix(&mut pair, &field.to_vec());
                mix(&mut pair, &value.to_vec());
                xor(sum, &pair);
            }
        }
    }
    if object.expire().is_some() {
        xor(sum, b"!!expire!!");
    }
}

fn digest_all(cx: &mut Cx<'_>) -> Result<Sum, Fail> {
    let store = &cx.engine.store;
    let world = cx.world.ok_or(Fail::World)?;
    let mut all = Sum::default();
    for number in 0..store.databases() {
        let db = store.physical_db(number);
        if store.database_size(db).0 == 0 {
            continue;
        }
        mix(&mut all, &u32::from(number).to_be_bytes());
        cx.keys.visit_all(world, db, |guard| {
            let keys = guard.keys(db).into_iter();
            for object in keys.flat_map(|keys| keys.table().iter()) {
                let mut sum = Sum::default();
                mix(&mut sum, object.key());
                add_value(&mut sum, object);
                xor(&mut all, &sum);
            }
        });
    }
    Ok(all)
}

fn digest_values(cx: &mut Cx<'_>) -> Done {
    let keys = cx.args.from(2);
    cx.reply.array(keys.len());
    for name in keys.iter() {
        let mut sum = Sum::default();
        let key = cx.keys.derived(name)?;
        if let Some(object) = cx.keys.peek(key) {
            add_value(&mut sum, object);
        }
        cx.reply.status(hex(&sum));
    }
    Ok(())
}

fn hex(sum: &Sum) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn table_stats(name: &str, size: usize, elements: u64) -> String {
    if elements == 0 {
        return format!("{name}\n");
    }
    format!(
        "{name}\nHash table 0 stats (main hash table):\n table size: {size}\n number of elements: \
         {elements}\n"
    )
}

fn htstats(cx: &mut Cx<'_>) -> Done {
    let number = num::parse_i64(cx.args.get(2)).ok_or(crate::fail::NOT_INTEGER)?;
    let store = &cx.engine.store;
    let number = u16::try_from(number)
        .ok()
        .filter(|number| *number < store.databases())
        .ok_or("ERR Out of range database")?;
    let db = store.physical_db(number);
    let (elements, expires) = store.database_size(db);
    let mut size = 0;
    let world = cx.world.ok_or(Fail::World)?;
    cx.keys
        .visit_all(world, db, |guard| size += guard.keys(db).map_or(0, buckets));
    let mut text = table_stats("[Dictionary HT]", size, elements);
    text.push_str(&table_stats("[Expires HT]", size, expires));
    cx.reply.verbatim(*b"txt", text);
    Ok(())
}

/// How many keys fit without growing, in whole buckets.
fn buckets(keys: &Keys) -> usize {
    let (one, other) = keys.table().buckets();
    one + other
}

fn htstats_key(cx: &mut Cx<'_>) -> Done {
    let object = found(cx)?;
    let elements = match object.value() {
        ValueRef::Hash(hash) if object.encoding() == "hashtable" => hash.len() as u64,
        ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::List(_) | ValueRef::Hash(_) => {
            return Err(
                "ERR The value stored at the specified key is not represented using an hash table"
                    .into(),
            );
        }
    };
    let size = elements.next_power_of_two() as usize;
    let text = table_stats("", size, elements);
    cx.reply.verbatim(*b"txt", text.trim_start());
    Ok(())
}

fn populate(cx: &mut Cx<'_>) -> Done {
    let positive = |index| -> Result<usize, Fail> {
        let number = num::parse_i64(cx.args.get(index)).and_then(|n| usize::try_from(n).ok());
        number.ok_or_else(|| crate::fail::MUST_BE_POSITIVE.into())
    };
    let count = positive(2)?;
    let size = if cx.args.len() == 5 { positive(4)? } else { 0 };
    if size > cx.settings.max_bulk {
        return Err(crate::fail::TOO_LONG.into());
    }
    let prefix = cx.args.opt(3).unwrap_or(b"key").to_vec();
    for number in 0..count {
        let mut name = prefix.clone();
        name.extend_from_slice(format!(":{number}").as_bytes());
        let key = cx.keys.derived(&name)?;
        if cx.keys.peek(key).is_some() {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        let change = cx.keys.put(key, Object::new_str(&key, &value, None));
        cx.end_here(change, &[], 1);
    }
    cx.reply.ok();
    Ok(())
}
