//! Commands that look at a healthy cluster and change nothing.

use super::Pair;

#[test]
fn check_info_call_and_backup_say_the_same() {
    let pair = Pair::joined(3, 1);
    for (node, key) in [(2, "foo"), (0, "bar"), (1, "hello")] {
        pair.on_both(|cluster| {
            let owner = cluster.owner(0, base::Slot::of_key(key.as_bytes()).number());
            cluster.nodes[owner.expect("an owner")]
                .call(&["SET", key, "value"])
                .expect_ok();
            let _ = node;
        });
    }
    pair.on_both(|cluster| {
        for node in 0..3 {
            cluster.nodes[node].line("WAIT 1 5000");
        }
    });
    pair.compare(&["check", "{addr0}"], &[]);
    pair.compare(&["check", "127.0.0.1", "{port4}"], &[]);
    pair.compare(
        &["check", "{addr1}", "--cluster-search-multiple-owners"],
        &[],
    );
    pair.compare(&["fix", "{addr1}"], &[]);
    pair.compare(&["info", "{addr5}"], &[]);
    pair.compare(&["call", "{addr0}", "config", "get", "save"], &[]);
    pair.compare(&["call", "{addr0}", "nonsense"], &[]);
    pair.compare(
        &["call", "{addr0}", "dbsize", "--cluster-only-masters"],
        &[],
    );
    pair.compare(&["call", "{addr0}", "ping", "--cluster-only-replicas"], &[]);
    pair.compare(&["set-timeout", "{addr0}", "3000"], &[]);
    backup_is_the_same(&pair);
}

#[test]
fn replies_of_any_shape_are_shown() {
    let pair = Pair::joined(1, 0);
    let script = "return {1,{2,3},redis.error_reply('x y'),false,'z'}";
    pair.compare(&["call", "{addr0}", "eval", script, "0"], &[]);
    pair.compare(&["call", "{addr0}", "get", "missing"], &[]);
    pair.compare(&["call", "{addr0}", "command", "docs", "ping"], &[]);
}

fn backup_is_the_same(pair: &Pair) {
    let (real, ours) = (testkit::TempDir::new("real"), testkit::TempDir::new("ours"));
    let directory = |temp: &testkit::TempDir| temp.path().display().to_string();
    let run = |cluster: &testkit::Cluster, temp: &testkit::TempDir, is_ours: bool| {
        let words = super::pair::filled(cluster, &["backup", "{addr0}", &directory(temp)]);
        let run = if is_ours {
            super::pair::run_ours(&words, &[])
        } else {
            super::pair::run_real(&words, &[])
        };
        let mut run = super::pair::normal(cluster, &run);
        run.out = run.out.replace(&directory(temp), "<dir>");
        run.err = run.err.replace(&directory(temp), "<dir>");
        // How long an RDB file becomes depends on its times and addresses, and the masters come
        // in the order of their ids.
        let mut lines: Vec<String> = run.err.lines().map(mask_length).collect();
        lines.sort();
        run.err = lines.join("\n");
        run
    };
    assert_eq!(run(&pair.real, &real, false), run(&pair.ours, &ours, true));
    for master in 0..3 {
        let node = &pair.ours.nodes[master];
        let name = format!(
            "redis-node-127.0.0.1-{}-{}.rdb",
            node.port(),
            pair.ours.id(master)
        );
        let mut check = testkit::Program::Redis70.command(testkit::Tool::CheckRdb);
        let output = check
            .arg(ours.path().join(name))
            .output()
            .expect("redis-check-rdb runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("RDB looks OK"), "{text}");
    }
    let json = |cluster: &testkit::Cluster, temp: &testkit::TempDir| {
        let text = std::fs::read_to_string(temp.path().join("nodes.json")).expect("nodes.json");
        let mut entries: Vec<String> = Vec::new();
        for entry in text.trim_matches(['[', ']', '\n']).split("\n  },\n") {
            let mut entry = entry.replace("\n  }", "");
            for (index, node) in cluster.nodes.iter().enumerate() {
                entry = entry.replace(&cluster.id(index), &format!("<id{index}>"));
                entry = entry.replace(&format!("\"port\": {}", node.port()), "\"port\": ?");
            }
            entries.push(entry);
        }
        entries.sort();
        entries
    };
    assert_eq!(json(&pair.real, &real), json(&pair.ours, &ours));
}

fn mask_length(line: &str) -> String {
    line.split(' ')
        .map(|word| {
            if word.parse::<u64>().is_ok() {
                "N"
            } else {
                word
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
