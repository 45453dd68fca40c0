//! Tests of the machine's parts; the protocol as a whole is tested by the simulator.

use crate::conf::NodesConf;

#[test]
fn damaged_files_are_refused_with_line_and_reason() {
    let id = "9a4c763792247bd8c29a69eae93e3f0874fdb222";
    let good = format!(
        "{id} 127.0.0.1:1@10001,,tls-port=0,shard-id={id} myself,master - 0 0 3 connected 0-5 9\n\
         vars currentEpoch 4 lastVoteEpoch 2\n"
    );
    NodesConf::parse(good.as_bytes()).expect("a good file");
    let cases = [
        (good.replace("myself,", ""), "no line is flagged myself"),
        (good.replace("0-5", "5-0"), "line 1: bad slot range 5-0"),
        (
            good.replace(" 9\n", " 16384\n"),
            "line 1: 16384 is not a slot",
        ),
        (good.replace("0-5 9", "[5->]"), "line 1: bad slot [5->]"),
        (
            good.replace(" 0 0 3 connected 0-5 9", ""),
            "line 1: 4 fields where 8 are needed",
        ),
        (
            good.replace("master", "mister"),
            "line 1: unknown flag mister",
        ),
        (good.replace(":1@", "@"), "line 1: an address has no port"),
        (
            good.replace("lastVoteEpoch 2", "lastVoteEpoch"),
            "line 2: a variable has no value",
        ),
        (
            good.replace("lastVoteEpoch 2", "lastVoteEpoch x"),
            "line 2: x is not an epoch",
        ),
        (
            good[..good.find("vars").expect("vars")].to_owned(),
            "vars) is missing",
        ),
        (
            good.replace(
                "vars",
                &format!("{id} a:1@2 master - 0 0 0 connected\nvars"),
            ),
            "line 1 already",
        ),
    ];
    for (text, reason) in cases {
        let error = NodesConf::parse(text.as_bytes())
            .expect_err(reason)
            .to_string();
        assert!(error.contains(reason), "{error} / {reason}");
    }
}
