//! COMMAND and its subcommands, and HELP of every container: readings of the command table.

use crate::Cx;
use crate::fail::{Done, SYNTAX};
use crate::handlers::Handler;
use base::glob;
use commands::family::command::Handlers;
use commands::{Acl, ByIndex, Node, Spec};
use resp::{Args, Reply};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Command: all,
    CommandCount: count,
    CommandDocs: docs,
    CommandGetkeys: getkeys,
    CommandGetkeysandflags: getkeys,
    CommandHelp: help,
    CommandInfo: info,
    CommandList: list,
};

/// COMMAND, and COMMAND INFO without names.
pub(crate) fn all(cx: &mut Cx<'_>) -> Done {
    let rows: Vec<&'static Spec> = cx.engine.directory.top_level().collect();
    cx.reply.array(rows.len());
    for spec in rows {
        write(&mut cx.reply, &commands::info(spec));
    }
    Ok(())
}

/// COMMAND INFO [name ...]
pub(crate) fn info(cx: &mut Cx<'_>) -> Done {
    if cx.args.len() == 2 {
        return all(cx);
    }
    let names = cx.args.from(2);
    cx.reply.array(names.len());
    for name in names.iter() {
        match cx.engine.directory.lookup_full(name) {
            Some(spec) => write(&mut cx.reply, &commands::info(spec)),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// COMMAND DOCS [name ...]: names that nobody knows are left out.
pub(crate) fn docs(cx: &mut Cx<'_>) -> Done {
    let names = cx.args.from(2);
    let directory = &cx.engine.directory;
    let rows: Vec<&'static Spec> = if names.is_empty() {
        directory.top_level().collect()
    } else {
        names
            .iter()
            .filter_map(|name| directory.lookup_full(name))
            .collect()
    };
    cx.reply.map(rows.len());
    for spec in rows {
        let (name, about) = commands::docs(spec);
        write(&mut cx.reply, &name);
        write(&mut cx.reply, &about);
    }
    Ok(())
}

/// COMMAND COUNT
pub(crate) fn count(cx: &mut Cx<'_>) -> Done {
    let count = cx.engine.directory.top_level().count();
    cx.reply.int(count as i64);
    Ok(())
}

/// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
pub(crate) fn list(cx: &mut Cx<'_>) -> Done {
    let args = cx.args;
    let wanted: Filter<'_> = match args.len() {
        2 => Box::new(|_| true),
        5 if args.get(2).eq_ignore_ascii_case(b"filterby") => filter(args)?,
        _ => return Err(SYNTAX.into()),
    };
    let with_subcommands =
        |spec: &'static Spec| std::iter::once(spec).chain(spec.subcommands().iter().copied());
    let rows = cx.engine.directory.top_level().flat_map(with_subcommands);
    let names: Vec<&str> = rows
        .filter(|spec| wanted(spec))
        .map(|spec| spec.full_name)
        .collect();
    cx.reply.array(names.len());
    for name in names {
        cx.reply.bulk(name);
    }
    Ok(())
}

/// Whether a row is wanted.
type Filter<'a> = Box<dyn Fn(&Spec) -> bool + 'a>;

fn filter(args: Args<'_>) -> Result<Filter<'_>, crate::Fail> {
    let by = args.get(4);
    Ok(match args.get(3).to_ascii_lowercase().as_slice() {
        // There are no modules.
        b"module" => Box::new(|_| false),
        b"aclcat" => {
            let category = Acl::bit(&[b"@", by].concat());
            Box::new(move |spec| category.is_some_and(|bit| spec.acl.has(bit)))
        }
        b"pattern" => Box::new(move |spec| glob::matches(by, spec.full_name.as_bytes(), true)),
        _ => return Err(SYNTAX.into()),
    })
}

/// COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS
pub(crate) fn getkeys(cx: &mut Cx<'_>) -> Done {
    let whole = cx.args.from(2);
    let argv = ByIndex::new(whole.len(), |index| whole.get(index));
    let keys = commands::get_keys_by(&cx.engine.directory, &argv);
    let keys = keys.map_err(|error| crate::Fail::from(format!("ERR {error}")))?;
    let with_flags = cx.spec.id == commands::Cmd::CommandGetkeysandflags;
    cx.reply.array(keys.len());
    for (index, flags) in keys {
        if !with_flags {
            cx.reply.bulk(whole.get(index));
            continue;
        }
        cx.reply.array(2);
        cx.reply.bulk(whole.get(index));
        let names: Vec<&str> = flags.names().collect();
        cx.reply.set(names.len());
        for name in names {
            cx.reply.status(name);
        }
    }
    Ok(())
}

/// HELP of any container.
pub(crate) fn help(cx: &mut Cx<'_>) -> Done {
    let container = cx.spec.parent().map_or(cx.spec, commands::Cmd::spec);
    if container.id == commands::Cmd::Cluster && !cx.settings.cluster {
        return Err("ERR This instance has cluster support disabled".into());
    }
    let lines = commands::help(container);
    cx.reply.array(lines.len());
    for line in lines {
        cx.reply.status(line);
    }
    Ok(())
}

fn write(reply: &mut Reply<'_>, node: &Node) {
    match node {
        Node::Map(pairs) => {
            reply.map(pairs.len());
            for (name, value) in pairs {
                write(reply, name);
                write(reply, value);
            }
        }
        Node::Set(nodes) => {
            reply.set(nodes.len());
            nodes.iter().for_each(|node| write(reply, node));
        }
        Node::Array(nodes) => {
            reply.array(nodes.len());
            nodes.iter().for_each(|node| write(reply, node));
        }
        Node::Bulk(text) => reply.bulk(text),
        Node::Simple(text) => reply.status(text),
        Node::Integer(number) => reply.int(*number),
    }
}
