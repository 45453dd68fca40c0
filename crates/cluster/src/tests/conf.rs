//! nodes.conf.

use super::rig::{Rig, conf_line, id, shard};
use crate::conf::{NodesConf, fuzz_one};

#[test]
fn damaged_files_are_refused_with_line_and_reason() {
    let id = "9a4c763792247bd8c29a69eae93e3f0874fdb222";
    let good = format!(
        "{id} 127.0.0.1:1@10001,,tls-port=0,shard-id={id} myself,master - 0 0 3 connected 0-5 9\n\
         vars currentEpoch 4 lastVoteEpoch 2\n"
    );
    NodesConf::parse(good.as_bytes()).expect("a good file");
    let again = format!("{id} a:1@2 master - 0 0 0 connected\nvars");
    let cases = [
        (good.replace("myself,", ""), "no line is flagged myself"),
        (good.replace("0-5", "5-0"), "line 1: bad slot range 5-0"),
        (
            good.replace(" 9\n", " 16384\n"),
            "line 1: 16384 is not a slot",
        ),
        (good.replace(" 9\n", " 3\n"), ""),
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
            good.replace(" 3 ", " 18446744073709551615 "),
            "line 1: bad configuration epoch",
        ),
        (
            good.replace("shard-id=9", "shard-id=x"),
            "is not a shard id",
        ),
        (
            good[..good.find("vars").expect("vars")].to_owned(),
            "vars) is missing",
        ),
        (good.replace("vars", &again), "line 1 already"),
    ];
    for (text, reason) in cases {
        if reason.is_empty() {
            continue;
        }
        let error = NodesConf::parse(text.as_bytes())
            .expect_err(reason)
            .to_string();
        assert!(error.contains(reason), "{error} / {reason}");
    }
}

/// Every way of cutting a file short is noticed, but for its last newline.
#[test]
fn a_torn_file_is_refused() {
    let lines = [
        conf_line(
            0,
            0,
            "myself,master",
            "-",
            3,
            "0-100 [7->-0000000000000000000000000000000000000001]",
        ),
        conf_line(1, 1, "master", "-", 4, "200-300"),
    ];
    let text = format!("{}vars currentEpoch 14 lastVoteEpoch 12\n", lines.concat());
    NodesConf::parse(text.as_bytes()).expect("a good file");
    let vars = text.find("vars").expect("vars");
    for len in 0..vars + "vars currentEpoch 14 lastVoteEpoch ".len() {
        let torn = NodesConf::parse(&text.as_bytes()[..len]);
        // Between its variables a torn line could be whole.
        let whole = text[..len].ends_with("vars")
            || text[..len].trim_end().ends_with("Epoch 14")
            || text[..len].ends_with("vars ")
            || text[..len].ends_with("Epoch 1");
        assert!(torn.is_err() || whole, "{:?}", &text[..len]);
    }
}

#[test]
fn what_is_read_is_written_again() {
    let other = id(1);
    let lines = [
        conf_line(
            0,
            0,
            "myself,master",
            "-",
            3,
            &format!("0-100 102 [7->-{other}] [900-<-{other}]"),
        ),
        conf_line(1, 1, "master,fail", "-", 4, "200-300"),
        conf_line(2, 1, "slave,nofailover", other.as_str(), 4, "").replace(" \n", "\n"),
    ];
    let rig = Rig::new(&lines, "currentEpoch 9 lastVoteEpoch 8");
    let written = rig.file.clone();
    for line in written.lines().filter(|l| !l.starts_with("vars")) {
        let fields: Vec<&str> = line.split(' ').collect();
        let original = lines
            .iter()
            .find(|l| l.starts_with(fields[0]))
            .expect("the node");
        let before: Vec<&str> = original.trim_end().split(' ').collect();
        // Times and the state of the link are of the moment.
        assert_eq!(fields[2..4], before[2..4], "{line}");
        assert_eq!(fields[6], before[6], "{line}");
        assert_eq!(fields[8..], before[8..], "{line}");
    }
    assert!(written.ends_with("vars currentEpoch 9 lastVoteEpoch 8\n"));
    assert!(written.contains("127.0.0.1:7001@17001,,tls-port=0,shard-id="));
}

/// Shard ids that differ within a shard made nodes of others unbootable.
#[test]
fn a_replica_is_of_its_primarys_shard() {
    let lines = [
        conf_line(0, 50, "myself,slave", id(1).as_str(), 0, ""),
        conf_line(1, 1, "master", "-", 4, "200-300"),
    ];
    let rig = Rig::new(&lines, "currentEpoch 9 lastVoteEpoch 8");
    assert_eq!(rig.machine.view().myself().shard, shard(1));
}

#[test]
fn files_of_other_versions_are_read() {
    // Redis 7.0: no auxiliary fields. Valkey: fields of its own, and other words for the roles.
    let (a, b) = (id(0), id(1));
    let text = format!(
        "{a} 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5\n\
         {b} 127.0.0.1:7001@17001,host,tls-port=0,shard-id={b},availability-zone=z primary - 0 \
         1700000000000 2 connected\n\
         \n\
         vars currentEpoch 2 lastVoteEpoch 0 somethingElse 5\n"
    );
    NodesConf::parse(text.as_bytes()).expect("readable");
}

#[test]
fn arbitrary_files_do_no_harm() {
    let lines = [
        conf_line(
            0,
            0,
            "myself,master",
            "-",
            3,
            "0-100 [7->-0000000000000000000000000000000000000001]",
        ),
        conf_line(1, 1, "master", "-", 4, "200-300"),
        conf_line(2, 1, "slave", id(1).as_str(), 4, ""),
    ];
    let text = format!("{}vars currentEpoch 14 lastVoteEpoch 12\n", lines.concat()).into_bytes();
    fuzz_one(&text);
    let mut state = 7u64;
    for _ in 0..3_000 {
        let mut copy = text.clone();
        for _ in 0..2 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = (state >> 33) as usize % copy.len();
            copy[at] = b" 0123456789abcdef,-\n[]@:=x\xff"[(state >> 20) as usize % 27];
        }
        fuzz_one(&copy);
    }
}
