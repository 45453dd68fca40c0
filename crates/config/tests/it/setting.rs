//! CONFIG SET, pair by pair and many at once, against a real server: the same answers to the
//! byte, and the same values afterwards.

use config::{Caller, Config, Opt, Standing, all, get, set};
use testkit::{Conn, Program, Reply, Server, seed};

use crate::words::VALUES;

/// Options whose setting does something to the test itself, or to the machine.
const LEFT_OUT: &[&str] = &[
    // They close or refuse the test's own connections.
    "port",
    "bind",
    "maxclients",
    "requirepass",
    "timeout",
    "protected-mode",
    "client-output-buffer-limit",
    // They start processes, or write where the test may not.
    "appendonly",
    "oom-score-adj",
    "oom-score-adj-values",
    "watchdog-period",
    // They need a certificate.
    "tls-session-caching",
    "tls-session-cache-size",
    "tls-session-cache-timeout",
    // 7.4 does not know them, or checks other values.
    "cluster-slot-stats-enabled",
    "commandlog-large-reply-max-len",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-request-larger-than",
    "dual-channel-replication-enabled",
    "extended-redis-compatibility",
    "prefetch-batch-max-size",
    "rdb-version-check",
];

fn tried() -> Vec<&'static Opt> {
    let free = |o: &&Opt| {
        !o.immutable
            && !o.protected
            && !matches!(o.standing, Standing::Refused(_))
            && !LEFT_OUT.contains(&o.name)
    };
    all().filter(free).collect()
}

fn answer(config: &mut Config, pairs: &[(&str, &str)]) -> Reply {
    match set(
        config,
        pairs,
        Caller {
            local: true,
            loading: false,
        },
    ) {
        Ok(change) => {
            *config = change.config;
            Reply::Simple("OK".into())
        }
        Err(error) => Reply::Error(error.to_string()),
    }
}

fn value(config: &Config, name: &str) -> String {
    let found = get(config, name.as_bytes());
    String::from_utf8_lossy(&found[0].1).into_owned()
}

fn their_value(conn: &mut Conn, name: &str) -> String {
    String::from_utf8_lossy(conn.call(&["CONFIG", "GET", name]).array()[1].bytes()).into_owned()
}

/// Tries every value on one option; what differs from the real answers.
fn differences(conn: &mut Conn, option: &Opt) -> Vec<String> {
    let mut config = Config::default();
    let before = their_value(conn, option.name);
    answer(&mut config, &[(option.name, &before)]);
    let mut found = Vec::new();
    for text in VALUES {
        let theirs = conn.call(&["CONFIG", "SET", option.name, text]);
        let ours = answer(&mut config, &[(option.name, text)]);
        let (ours_is, theirs_is) = (value(&config, option.name), their_value(conn, option.name));
        if ours != theirs || ours_is != theirs_is {
            found.push(format!(
                "{} {text:?}: {ours:?} {ours_is:?}, really {theirs:?} {theirs_is:?}",
                option.name
            ));
            // Go on from the same value.
            answer(&mut config, &[(option.name, &theirs_is)]);
        }
    }
    conn.call(&["CONFIG", "SET", option.name, &before]);
    found
}

#[test]
fn every_value_gets_the_real_answer() {
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    let found: Vec<_> = tried()
        .iter()
        .flat_map(|option| differences(&mut conn, option))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_refused_for_its_value_is_refused_in_the_real_words() {
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    let refused = |o: &&Opt| !o.immutable && matches!(o.standing, Standing::Refused(_));
    for option in all().filter(refused) {
        let mut config = Config::default();
        for text in VALUES {
            // What would be taken there starts to limit, or to listen: only wrong values are tried.
            let ours = answer(&mut config, &[(option.name, text)]);
            let Some(error) = ours.error() else { continue };
            // Past 63 bits, bytes turn into percent there.
            if text.len() >= 19 && matches!(option.kind, config::Kind::MemoryOrPercent { .. }) {
                continue;
            }
            if !error.contains("is refused: ") {
                assert_eq!(
                    conn.call(&["CONFIG", "SET", option.name, text]),
                    ours,
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn limits_of_output_get_the_real_answer() {
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    let mut config = Config::default();
    let name = "client-output-buffer-limit";
    for text in VALUES {
        let theirs = conn.call(&["CONFIG", "SET", name, text]);
        assert_eq!(answer(&mut config, &[(name, text)]), theirs, "{text:?}");
        assert_eq!(
            value(&config, name),
            their_value(&mut conn, name),
            "{text:?}"
        );
        // Small limits would close the test's own connection.
        conn.call(&["CONFIG", "SET", name, "normal 0 0 0"])
            .expect_ok();
        answer(&mut config, &[(name, "normal 0 0 0")]);
    }
}

#[test]
fn several_pairs_are_set_or_none_is() {
    let mut random = seed("several_pairs_are_set_or_none_is");
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    let mut config = Config::default();
    let mut names: Vec<&str> = tried().iter().map(|option| option.name).collect();
    for (name, value) in names
        .iter()
        .map(|name| (*name, their_value(&mut conn, name)))
        .collect::<Vec<_>>()
    {
        answer(&mut config, &[(name, &value)]);
    }
    names.extend([
        "daemonize",
        "nosuch",
        "HZ",
        "slave-priority",
        "dir",
        "CLUSTER-enabled",
    ]);
    for _ in 0..2000 {
        let pairs: Vec<(&str, &str)> = (0..=random.below(3))
            .map(|_| {
                let name = *random.pick(&names);
                // A value that is good, as often as not.
                let value = if random.chance(60) {
                    "1"
                } else {
                    *random.pick(VALUES)
                };
                (name, value)
            })
            .collect();
        let mut request = vec!["CONFIG", "SET"];
        request.extend(pairs.iter().flat_map(|(name, value)| [*name, *value]));
        assert_eq!(
            answer(&mut config, &pairs),
            conn.call(&request),
            "{request:?}"
        );
        for (name, _) in &pairs {
            if config::lookup(name.as_bytes()).is_some_and(|o| !o.always_written) {
                assert_eq!(
                    value(&config, name),
                    their_value(&mut conn, name),
                    "{request:?}"
                );
            }
        }
    }
}
