//! Nodes on several hosts: masters take turns, replicas keep away from their masters.

use std::time::Duration;

use testkit::{Program, Server};

use super::{Answers, Pair};

const YES: Answers<'static> = &[("(type 'yes' to accept): ", "yes")];

/// Nodes on 127.0.0.1, 127.0.0.2 and so on, as many on each as `counts` says.
fn on_hosts(counts: &[usize]) -> Pair {
    let start = || {
        let hosts = counts.iter().enumerate();
        let hosts = hosts.flat_map(|(host, count)| std::iter::repeat_n(host + 1, *count));
        let plan = |host: usize| {
            Server::of(Program::Redis70)
                .option("cluster-enabled", "yes")
                .option("bind", "0.0.0.0")
                .option("protected-mode", "no")
                .option("cluster-announce-ip", &format!("127.0.0.{host}"))
        };
        hosts.map(|host| plan(host).start()).collect()
    };
    Pair::of(start, 0)
}

fn create(counts: &[usize], replicas: &str) -> Vec<String> {
    let mut words = vec!["create".to_owned()];
    let mut node = 0;
    for (host, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            words.push(format!("127.0.0.{}:{{port{node}}}", host + 1));
            node += 1;
        }
    }
    words.extend(["--cluster-replicas".to_owned(), replicas.to_owned()]);
    words
}

#[test]
fn three_hosts_with_two_nodes_each() {
    let pair = on_hosts(&[2, 2, 2]);
    let words = create(&[2, 2, 2], "1");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = pair.compare(&words, YES);
    assert!(
        run.success && !run.out.contains("Trying to optimize"),
        "{}",
        run.out
    );
    pair.on_both(|cluster| cluster.await_ok(Duration::from_secs(30)));
    // The cluster is named by its nodes' own addresses afterwards.
    pair.compare(&["check", "127.0.0.3:{port4}"], &[]);
}

#[test]
fn hosts_of_different_sizes() {
    for (counts, replicas) in [
        (&[2, 2, 2, 2][..], "1"),
        (&[1, 1, 1, 1, 1], "0"),
        (&[3, 3, 3], "2"),
    ] {
        let pair = on_hosts(counts);
        let words = create(counts, replicas);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let no: Answers<'_> = &[("(type 'yes' to accept): ", "no")];
        let run = pair.compare(&words, no);
        assert!(
            !run.out.contains("Trying to optimize"),
            "{counts:?}: {}",
            run.out
        );
    }
}
