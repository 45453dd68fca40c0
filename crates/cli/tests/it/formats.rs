//! Every type of reply in every format.

use crate::pair::{Case, case, compare, keys, server};

const COMMANDS: [&str; 50] = [
    "get k",
    "get none",
    "get odd",
    "lrange l 0 -1",
    "lrange l 1 1",
    "lrange none 0 -1",
    "hgetall h",
    "hgetall none",
    "hgetall oddhash",
    "smembers s",
    "smembers none",
    "zrange z 0 -1 withscores",
    "zscore z a",
    "zscore z none",
    "xrange st - +",
    "xinfo stream st",
    "exists k",
    "type k",
    "ping",
    "foo bar",
    "get",
    "lpush k x",
    "config get maxmemory*",
    "command info get set",
    "command count",
    "object help",
    "debug protocol string",
    "debug protocol integer",
    "debug protocol double",
    "debug protocol null",
    "debug protocol array",
    "debug protocol set",
    "debug protocol map",
    "debug protocol push",
    "debug protocol verbatim",
    "debug protocol true",
    "debug protocol false",
    "debug protocol error",
    "memory doctor",
    "latency doctor",
    "cluster info",
    "cluster nodes",
    "lolwut version 1",
    "info nosuch",
    "client getname",
    "function list",
    "mget k none n",
    "scan 0 count 1000 match n",
    "echo ''",
    "lastsave x",
];

const SCRIPTS: [&str; 18] = [
    "return {1,{2,{3,\"x\"}},\"y\",{}}",
    "return {map={a={set={x=true}}}}",
    "return {map={a={1}}}",
    "return {map={a={}}}",
    "return {map={a={map={b={map={c=1}}}}}}",
    "return {map={a={1,{map={k={7,8}}}}}}",
    "return {{map={a={map={b=1}}}},{map={a={1,2}}}}",
    "return {map={a={{1,2},3}}}",
    "return {double=1.5}",
    "return {double=1/0}",
    "return {1,{err=\"ERR x\"}}",
    "return {ok=\"x\"}",
    "return {true,false}",
    "return {set={}}",
    "return {{},{set={}},{map={}}}",
    "local t={} for i=1,12 do t[i]={i,{i}} end return t",
    "return {map={[\"x\\\"y\"]={\"a\\\\b\"}}}",
    "return {err=\"MY bad\"}",
];

fn in_all_formats(line: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for format in ["--no-raw", "--raw", "--csv", "--json", "--quoted-json"] {
        for dialect in ["-2", "-3"] {
            cases.push(case(&format!("-p PORT {dialect} {format} {line}")));
        }
    }
    cases
}

#[test]
fn replies_of_every_type_in_every_format() {
    let server = server();
    let cases: Vec<Case> = COMMANDS
        .iter()
        .flat_map(|line| in_all_formats(line))
        .collect();
    compare(&server, &keys, &cases);
}

#[test]
fn nested_replies_in_every_format() {
    let server = server();
    let cases: Vec<Case> = SCRIPTS
        .iter()
        .flat_map(|source| in_all_formats(&format!("eval 'redis.setresp(3); {source}' 0")))
        .collect();
    compare(&server, &|_| {}, &cases);
}

#[test]
fn delimiters_and_pushes() {
    let server = server();
    let cases = [
        "--raw -d , -D ; lrange l 0 -1",
        "--raw -d , -D ; -r 3 ping",
        "-d '' -D '' lrange l 0 -1",
        "-3 -d | hgetall h",
        "-3 --show-pushes yes debug protocol push",
        "-3 --show-pushes no debug protocol push",
        "-3 --no-raw --show-pushes y debug protocol push",
        "-3 --csv --show-pushes y debug protocol push",
        "-3 --json --show-pushes y debug protocol push",
    ];
    let cases: Vec<Case> = cases
        .iter()
        .map(|c| case(&format!("-p PORT {c}")))
        .collect();
    compare(&server, &keys, &cases);
    let terminal: Vec<Case> = [
        "-3 debug protocol push",
        "get k",
        "-3 hgetall h",
        "--raw get k",
        "info nosuch",
    ]
    .iter()
    .map(|c| case(&format!("-p PORT {c}")).faketty())
    .collect();
    compare(&server, &keys, &terminal);
}
