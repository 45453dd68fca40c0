//! Tests that need no server.

use crate::*;

/// Surroundings with files in memory.
#[derive(Default)]
pub struct Files {
    pub files: Vec<(&'static str, Vec<u8>)>,
    pub renamed: Vec<(Vec<u8>, Vec<u8>)>,
    pub input: Vec<u8>,
}

impl Surroundings for Files {
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        let found = self.files.iter().find(|(name, _)| name.as_bytes() == path);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "No such file or directory".into())
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.input.clone())
    }

    fn glob(&mut self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let names = self.files.iter().map(|(name, _)| name.as_bytes());
        names
            .filter(|name| base::glob::matches(pattern, name, false))
            .map(<[u8]>::to_vec)
            .collect()
    }

    fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        match path {
            b"." => Ok(b"/here".to_vec()),
            path if path.starts_with(b"/nosuch") => Err("No such file or directory".into()),
            path => Ok(path.to_vec()),
        }
    }

    fn try_log(&mut self, path: &[u8]) -> Result<(), String> {
        if path.starts_with(b"/nosuch") {
            return Err("No such file or directory".into());
        }
        Ok(())
    }

    fn rename_command(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        self.renamed.push((from.to_vec(), to.to_vec()));
        Ok(())
    }
}

fn load_text(text: &str) -> Result<Loaded, FileError> {
    let mut files = Files {
        files: vec![("redis.conf", text.into())],
        ..Files::default()
    };
    load(&command_line(&["redis.conf"]), &mut files)
}

fn value(config: &Config, name: &str) -> String {
    let found = get(config, name.as_bytes());
    assert_eq!(found.len(), 1, "{name}");
    String::from_utf8(found[0].1.clone()).unwrap()
}

#[test]
fn every_default_is_valid_and_shown_as_written() {
    let config = Config::default();
    for option in all() {
        let text = String::from_utf8(option.text(&config)).unwrap();
        assert_eq!(text, option.default, "{}", option.name);
        assert!(std::ptr::eq(
            lookup(option.name.as_bytes()).unwrap(),
            option
        ));
        for alias in option.aliases {
            assert!(std::ptr::eq(lookup(alias.name.as_bytes()).unwrap(), option));
        }
    }
}

/// Whoever adds a row says how its value gets to what it governs, and how one may see that it does.
#[test]
fn every_row_says_what_it_changes_and_where_that_is_seen() {
    for option in all() {
        let (name, live) = (option.name, option.standing == Standing::Live);
        let reaches = !option.effects.is_empty() || option.read.is_some() || option.immutable;
        assert!(reaches || !live, "{name}: nothing is told of it");
        let seen = option.observer != Observer::Unsaid;
        assert_eq!(seen, live, "{name}: where it is seen");
        let known = option.effects.iter().all(|e| Effect::ALL.contains(e));
        assert!(known, "{name}: an effect that is not listed");
    }
    for effect in Effect::ALL {
        let mut told = all().filter(|option| option.effects.contains(effect));
        assert!(told.next().is_some(), "{effect:?} is the effect of nothing");
    }
}

#[test]
fn no_name_stands_for_two_options() {
    let mut names: Vec<&str> = table::names().map(|name| name.name).collect();
    names.sort_unstable();
    let mut single = names.clone();
    single.dedup();
    assert_eq!(names, single);
}

fn failure(text: &str) -> String {
    let error = load_text(text).unwrap_err();
    String::from_utf8(error.report("7.2.4")).unwrap()
}

#[test]
fn a_file_is_read_with_comments_quotes_and_aliases() {
    let loaded = load_text(
        "# a comment\n\r\n  port 7000 \r\nSLAVE-priority 5\nrequirepass \"a\\x20b\\n\"\n\
         masterauth 'it\\'s'\nbind 127.0.0.1 -::1\nsave 60 1\nsave 10 2\nprimaryuser me\n\
         maxmemory 0\nclient-query-buffer-limit 1gb\nlist-max-ziplist-entries 3\n",
    )
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.port, 7000);
    assert_eq!(config.replica_priority, 5);
    assert_eq!(config.requirepass, b"a b\n");
    assert_eq!(config.masterauth, b"it's");
    assert_eq!(config.masteruser, b"me");
    assert_eq!(config.client_query_buffer_limit, 1 << 30);
    assert_eq!(value(&config, "bind"), "127.0.0.1 -::1");
    assert_eq!(value(&config, "save"), "60 1 10 2");
}

#[test]
fn errors_name_the_line_and_the_file() {
    assert_eq!(
        failure("port 1\n\n  port abc # x \n"),
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n\
         Reading the configuration file, at line 3\n>>> 'port abc # x'\n\
         wrong number of arguments\n(in redis.conf)\n"
    );
    assert!(failure("aclfile users.acl").contains("'aclfile' is refused"));
    assert!(failure("tls-port 7001").contains("'tls-port' is refused"));
    assert!(failure("loadmodule x.so").contains("'loadmodule' is refused"));
    assert!(failure("user bob on >x").contains("'user' is refused"));
    assert!(failure("user default on nopass ~a* +@all").contains("'user' is refused"));
    assert!(failure("dir /nosuch").contains("\nNo such file or directory\n"));
    assert!(failure("logfile /nosuch/x").contains("Can't open the log file: No such file"));
    let loaded = load_text("user default on >secret sanitize-payload ~* &* +@all").unwrap();
    assert_eq!(loaded.config.requirepass, b"secret");
}

#[test]
fn files_include_files() {
    let mut files = Files {
        files: vec![
            (
                "redis.conf",
                "include conf.d/*.conf\ninclude none/*.conf\nport 1".into(),
            ),
            ("conf.d/a.conf", "port 2\ntimeout 3\n".into()),
            ("conf.d/b.conf", "tcp-backlog 7\n".into()),
            ("loop.conf", "include loop.conf\n".into()),
            ("bad.conf", "port 5\ninclude inner.conf\n".into()),
            ("inner.conf", "# x\nnonsense\n".into()),
        ],
        ..Files::default()
    };
    let config = load(&command_line(&["redis.conf"]), &mut files)
        .unwrap()
        .config;
    assert_eq!((config.port, config.timeout, config.tcp_backlog), (1, 3, 7));
    let error = load(&command_line(&["loop.conf"]), &mut files).unwrap_err();
    assert!(error.reason.contains("too often"), "{error}");
    let error = load(&command_line(&["bad.conf"]), &mut files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "inner.conf, line 2: 'nonsense': Bad directive or wrong number \
                                   of arguments"
    );
    let error = load(&command_line(&["gone.conf"]), &mut files).unwrap_err();
    assert_eq!(error.kind, FileErrorKind::Unreadable);
    assert_eq!(
        error.reason,
        "Fatal error, can't open config file 'gone.conf': No such file or directory"
    );
}

#[test]
fn the_command_line_comes_last_and_wins() {
    let mut files = Files {
        files: vec![("redis.conf", "port 1\nsave 9 9".into())],
        input: b"timeout 4\nport 2\n".to_vec(),
        ..Files::default()
    };
    let line = command_line(&["redis.conf", "--port", "3", "--save", "60", "1", "-"]);
    let config = load(&line, &mut files).unwrap().config;
    assert_eq!((config.port, config.timeout), (3, 4));
    assert_eq!(value(&config, "save"), "9 9 60 1");
    let config = load(
        &command_line(&["--save", "", "--requirepass", "--x y"]),
        &mut files,
    );
    let config = config.unwrap().config;
    assert_eq!(value(&config, "save"), "");
    assert_eq!(config.requirepass, b"--x y");
    let config = load(&command_line(&["--save", " "]), &mut files);
    assert_eq!(value(&config.unwrap().config, "save"), "");
    let line = command_line(&["--rename-command", "CONFIG", "", "--cluster-enabled", "yes"]);
    let loaded = load(&line, &mut files).unwrap();
    assert_eq!(files.renamed, [(b"CONFIG".to_vec(), b"".to_vec())]);
    assert_eq!(loaded.config.databases, 1);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn setting_is_all_or_nothing() {
    let config = Config::default();
    let caller = Caller::default();
    let change = set(
        &config,
        &[("timeout", "5"), ("slave-priority", "7")],
        caller,
    )
    .unwrap();
    assert_eq!(
        (change.config.timeout, change.config.replica_priority),
        (5, 7)
    );
    assert!(change.touches("replica-priority") && !change.touches("port"));
    let fail = |pairs: &[(&str, &str)]| set(&config, pairs, caller).unwrap_err().to_string();
    assert_eq!(
        fail(&[("timeout", "5"), ("hz", "x")]),
        "ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into \
         an integer"
    );
    assert_eq!(
        fail(&[("timeout", "5"), ("nosuch", "x"), ("port", "x")]),
        "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"
    );
    assert!(fail(&[("hz", "5"), ("HZ", "6")]).ends_with("duplicate parameter"));
    assert!(fail(&[("daemonize", "yes")]).ends_with("can't set immutable config"));
    assert!(fail(&[("dir", "/")]).ends_with("can't set protected config"));
    assert!(fail(&[("maxmemory", "-1")]).ends_with("argument must be a memory value"));
    let limited = set(&config, &[("maxmemory", "1gb")], caller).unwrap();
    assert_eq!(limited.config.maxmemory, 1 << 30);
    let mut open = config.clone();
    open.enable_protected_configs = ProtectedAction::Local;
    assert!(set(&open, &[("dir", "/")], caller).is_err());
    set(
        &open,
        &[("dir", "/")],
        Caller {
            local: true,
            ..caller
        },
    )
    .unwrap();
    let loading = Caller {
        loading: true,
        ..caller
    };
    assert_eq!(
        set(&config, &[("appendonly", "yes")], loading).unwrap_err(),
        SetError::Loading
    );
}

#[test]
fn getting_knows_patterns_names_and_hidden_options() {
    let config = Config::default();
    let names = |pattern: &str| -> Vec<String> {
        get(&config, pattern.as_bytes())
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(
        names("HASH-max-*-entries"),
        ["hash-max-listpack-entries", "hash-max-ziplist-entries"]
    );
    assert_eq!(names("MasterAuth"), ["MasterAuth"], "as it was asked for");
    assert_eq!(names("primaryauth"), ["primaryauth"]);
    assert_eq!(names("primary*"), [""; 0]);
    assert_eq!(names("key-load-dela*"), [""; 0]);
    assert_eq!(names("key-load-delay"), ["key-load-delay"]);
    assert_eq!(names("nosuch"), [""; 0]);
    let found = get_all(&config, &["port", "po*", "PORT", "tls-port"]);
    assert_eq!(
        found
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["port", "tls-port"]
    );
    let found = get_all(&config, &["MAXMEMORY", "maxmemory", "maxmemor?"]);
    assert_eq!(found, [("MAXMEMORY".to_owned(), b"0".to_vec())]);
}

#[test]
fn rewriting_keeps_comments_and_order() {
    let old = "# head\nport 1\n\n# tail\nsave 1 1\nsave 2 2\nsave 3 3\n\n\nslave-priority 9\n\
               timeout 0\nnonsense here\ninclude other.conf\n";
    let mut config = load_text("port 1\nsave 1 1\n").unwrap().config;
    config.port = 2;
    config.requirepass = b"a \"b\"".to_vec();
    config.repl_backlog_size = 3 << 20;
    let text = String::from_utf8(rewrite(&config, old.as_bytes())).unwrap();
    assert_eq!(
        text,
        "# head\nport 2\n\n# tail\nsave 1 1\n\nreplica-priority 100\ntimeout 0\n\
         # ??? nonsense here\ninclude other.conf\n\n# Generated by CONFIG REWRITE\n\
         dir \"/here\"\nrequirepass \"a \\\"b\\\"\"\nrepl-backlog-size 3mb\n\
         latency-tracking-info-percentiles 50 99 99.9\n"
    );
    let again = rewrite(&config, text.as_bytes());
    assert_eq!(again, format!("{text}\n").into_bytes());
    assert_eq!(rewrite(&config, &again), again, "it settles");
}
