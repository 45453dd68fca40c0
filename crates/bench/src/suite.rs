//! The tests that run when no command is given.

use crate::options::Options;
use crate::template::Template;

/// One test: its name in the output and what it sends.
pub(crate) struct Test {
    pub(crate) title: String,
    pub(crate) template: Template,
}

/// A row of the suite.
struct Row {
    /// The names that select it.
    names: &'static [&'static str],
    title: &'static str,
    /// Words of the command; `TAG` is the cluster's tag, `DATA` the value.
    command: &'static str,
}

const ROWS: [Row; 20] = [
    Row {
        names: &["ping_inline", "ping"],
        title: "PING_INLINE",
        command: "",
    },
    Row {
        names: &["ping_mbulk", "ping"],
        title: "PING_MBULK",
        command: "PING",
    },
    Row {
        names: &["set"],
        title: "SET",
        command: "SET keyTAG:__rand_int__ DATA",
    },
    Row {
        names: &["get"],
        title: "GET",
        command: "GET keyTAG:__rand_int__",
    },
    Row {
        names: &["incr"],
        title: "INCR",
        command: "INCR counterTAG:__rand_int__",
    },
    Row {
        names: &["lpush"],
        title: "LPUSH",
        command: "LPUSH mylistTAG DATA",
    },
    Row {
        names: &["rpush"],
        title: "RPUSH",
        command: "RPUSH mylistTAG DATA",
    },
    Row {
        names: &["lpop"],
        title: "LPOP",
        command: "LPOP mylistTAG",
    },
    Row {
        names: &["rpop"],
        title: "RPOP",
        command: "RPOP mylistTAG",
    },
    Row {
        names: &["sadd"],
        title: "SADD",
        command: "SADD mysetTAG element:__rand_int__",
    },
    Row {
        names: &["hset"],
        title: "HSET",
        command: "HSET myhashTAG element:__rand_int__ DATA",
    },
    Row {
        names: &["spop"],
        title: "SPOP",
        command: "SPOP mysetTAG",
    },
    Row {
        names: &["zadd"],
        title: "ZADD",
        command: "ZADD myzsetTAG SCORE element:__rand_int__",
    },
    Row {
        names: &["zpopmin"],
        title: "ZPOPMIN",
        command: "ZPOPMIN myzsetTAG",
    },
    Row {
        names: &[
            "lrange",
            "lrange_100",
            "lrange_300",
            "lrange_500",
            "lrange_600",
        ],
        title: "LPUSH (needed to benchmark LRANGE)",
        command: "LPUSH mylistTAG DATA",
    },
    Row {
        names: &["lrange", "lrange_100"],
        title: "LRANGE_100 (first 100 elements)",
        command: "LRANGE mylistTAG 0 99",
    },
    Row {
        names: &["lrange", "lrange_300"],
        title: "LRANGE_300 (first 300 elements)",
        command: "LRANGE mylistTAG 0 299",
    },
    Row {
        names: &["lrange", "lrange_500"],
        title: "LRANGE_500 (first 500 elements)",
        command: "LRANGE mylistTAG 0 499",
    },
    Row {
        names: &["lrange", "lrange_600"],
        title: "LRANGE_600 (first 600 elements)",
        command: "LRANGE mylistTAG 0 599",
    },
    Row {
        names: &["mset"],
        title: "MSET (10 keys)",
        command: "MSET",
    },
];

/// How many keys the MSET test sets at once.
const MSET_KEYS: usize = 10;

/// The tests that the options select.
pub(crate) fn selected(options: &Options) -> Vec<Test> {
    ROWS.iter()
        .filter(|row| options.selects(row.names))
        .map(|row| row.test(options))
        .collect()
}

impl Row {
    fn test(&self, options: &Options) -> Test {
        let random = options.keyspace.is_some();
        let template = if self.command.is_empty() {
            Template::new(b"PING\r\n", options.pipeline, random)
        } else {
            Template::of_command(&self.words(options), options.pipeline, random)
        };
        Test {
            title: self.title.to_owned(),
            template,
        }
    }

    fn words(&self, options: &Options) -> Vec<Vec<u8>> {
        let tag = if options.cluster { ":{tag}" } else { "" };
        let data = vec![b'x'; options.size];
        let word = |word: &str| match word {
            "DATA" => data.clone(),
            "SCORE" if options.keyspace.is_some() => b"__rand_int__".to_vec(),
            "SCORE" => b"0".to_vec(),
            other => other.replace("TAG", tag).into_bytes(),
        };
        let mut words: Vec<Vec<u8>> = self.command.split(' ').map(word).collect();
        if self.command == "MSET" {
            for _ in 0..MSET_KEYS {
                words.extend([word("keyTAG:__rand_int__"), data.clone()]);
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(tests: &str) -> Vec<String> {
        let tests = Some(tests.split(',').map(str::to_owned).collect());
        let options = Options {
            tests,
            ..Options::default()
        };
        selected(&options).into_iter().map(|t| t.title).collect()
    }

    #[test]
    fn names_select_tests() {
        assert_eq!(titles("ping"), ["PING_INLINE", "PING_MBULK"]);
        assert_eq!(titles("ping_mbulk,set"), ["PING_MBULK", "SET"]);
        assert_eq!(
            titles("lrange_300"),
            [
                "LPUSH (needed to benchmark LRANGE)",
                "LRANGE_300 (first 300 elements)"
            ]
        );
        assert_eq!(selected(&Options::default()).len(), ROWS.len());
        assert!(titles("nosuch").is_empty());
    }

    #[test]
    fn cluster_keys_carry_the_tag() {
        let options = Options {
            cluster: true,
            size: 5,
            pipeline: 2,
            ..Options::default()
        };
        let bytes = |title: &str| {
            let test = selected(&options)
                .into_iter()
                .find(|t| t.title == title)
                .unwrap();
            String::from_utf8(test.template.bytes().to_vec()).unwrap()
        };
        assert_eq!(
            bytes("SET")
                .matches("key:{tag}:__rand_int__\r\n$5\r\nxxxxx")
                .count(),
            2
        );
        assert_eq!(bytes("MSET (10 keys)").matches("{tag}").count(), 20);
        assert_eq!(bytes("PING_INLINE"), "PING\r\nPING\r\n");
    }
}
