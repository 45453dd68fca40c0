//! `call` and `set-timeout`: the same request to every node.

use client::Value;

use super::session::Session;
use super::{Failed, Outcome};
use crate::number::leading_int;

const LEAST_TIMEOUT: i64 = 100;

/// `--cluster call`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(&args[..1])?;
    session.load_cluster(&host, port)?;
    let request = &args[1..];
    session.console.info(">>> Calling");
    session.console.say(format!(" {}\n", request.join(" ")));
    for index in 0..session.nodes.len() {
        let is_replica = session.nodes[index].master.is_some();
        if (session.options.only_masters && is_replica)
            || (session.options.only_replicas && !is_replica)
        {
            continue;
        }
        let address = session.nodes[index].address();
        let mut node = session.nodes.remove(index);
        let answer = session.call(&mut node, request);
        session.nodes.insert(index, node);
        let mut text = format!("{address}: ").into_bytes();
        match answer {
            Ok(value) => append_raw(&mut text, &value),
            Err(_) => text.extend_from_slice(b"Failed!"),
        }
        text.push(b'\n');
        session.console.say(text);
    }
    Ok(())
}

/// A reply as redis-cli's raw format has it: elements on lines of their own.
fn append_raw(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => {}
        Value::Error(error) => {
            text.extend_from_slice(error);
            text.push(b'\n');
        }
        Value::Int(number) => text.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(true) => text.extend_from_slice(b"(true)"),
        Value::Bool(false) => text.extend_from_slice(b"(false)"),
        Value::Map(pairs) => {
            for (number, (name, value)) in pairs.iter().enumerate() {
                if number > 0 {
                    text.push(b'\n');
                }
                append_raw(text, name);
                text.push(b' ');
                append_raw(text, value);
            }
        }
        other => {
            text.extend_from_slice(other.as_bytes().unwrap_or_default());
            for (number, item) in other.items().unwrap_or_default().iter().enumerate() {
                if number > 0 {
                    text.push(b'\n');
                }
                append_raw(text, item);
            }
        }
    }
}

/// `--cluster set-timeout`.
pub(super) fn run_set_timeout(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(&args[..1])?;
    let timeout = leading_int(&args[1]);
    if timeout < LEAST_TIMEOUT {
        session
            .console
            .complain("Setting a node timeout of less than 100 milliseconds is a bad idea.\n");
        return Err(Failed);
    }
    session.load_cluster(&host, port)?;
    session
        .console
        .info(">>> Reconfiguring node timeout in every cluster node...\n");
    let (mut good, mut bad) = (0, 0);
    let timeout = timeout.to_string();
    let requests: [&[&str]; 2] = [
        &["CONFIG", "SET", "cluster-node-timeout", &timeout],
        &["CONFIG", "REWRITE"],
    ];
    for index in 0..session.nodes.len() {
        let address = session.nodes[index].address();
        match requests
            .iter()
            .try_for_each(|request| session.try_ask(index, request).map(drop))
        {
            Ok(()) => {
                session
                    .console
                    .warn(format!("*** New timeout set for {address}\n"));
                good += 1;
            }
            Err(refusal) => {
                let text = refusal.text();
                session
                    .console
                    .error(format!("ERR setting node-timeout for {address}: {text}\n"));
                bad += 1;
            }
        }
    }
    session
        .console
        .info(format!(">>> New node timeout set. {good} OK, {bad} ERR.\n"));
    Ok(())
}

#[cfg(test)]
pub(super) fn raw(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    append_raw(&mut text, value);
    text
}
