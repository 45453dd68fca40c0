//! Tests of the table that need no server.

use crate::*;

#[test]
fn every_id_finds_its_row_by_number_and_by_name() {
    assert_eq!(all().count(), Cmd::COUNT);
    for (number, spec) in all().enumerate() {
        assert_eq!(spec.id.index(), number, "{}", spec.full_name);
        assert!(std::ptr::eq(spec.id.spec(), spec));
        assert!(std::ptr::eq(
            lookup_full(spec.full_name.as_bytes()).unwrap(),
            spec
        ));
        let upper = spec.full_name.to_ascii_uppercase();
        assert!(std::ptr::eq(lookup_full(upper.as_bytes()).unwrap(), spec));
        assert_eq!(Cmd::from_index(number), Some(spec.id));
        assert_eq!(spec.full_name, spec.full_name.to_ascii_lowercase());
        match spec.parent() {
            None => assert_eq!(spec.name, spec.full_name),
            Some(parent) => {
                assert_eq!(
                    spec.full_name,
                    format!("{}|{}", parent.spec().name, spec.name)
                );
            }
        }
    }
}

#[test]
fn names_that_are_not_there_are_not_found() {
    for name in [
        "",
        "g",
        "ge",
        "gett",
        "get\0",
        "get ",
        "\0get",
        "config|get",
        "sadd",
        "zadd",
        "xadd",
        "subscribe",
        "eval",
        "blpop",
        "acl",
        "a-name-longer-than-sixteen-bytes",
        "[et",
        "`et",
        "gEt\u{20}",
    ] {
        assert!(lookup(name.as_bytes()).is_none(), "{name:?}");
    }
    // Bytes that differ from letters only in the bit that makes letters small.
    assert!(lookup(b"\x07\x05\x14").is_none());
    assert!(lookup(b"restore\x0dasking").is_none());
}

#[test]
fn containers_resolve_to_their_subcommands() {
    assert_eq!(resolve(&["config", "GET", "*"]).unwrap().id, Cmd::ConfigGet);
    assert_eq!(resolve(&["CONFIG"]).unwrap().id, Cmd::Config);
    assert_eq!(resolve(&["command"]).unwrap().id, Cmd::Command);
    assert!(!resolve(&["CONFIG"]).unwrap().takes(1));
    assert!(
        matches!(resolve(&["config", "x"]), Err(Unknown::Subcommand(s)) if s.id == Cmd::Config)
    );
    assert!(matches!(resolve(&["sadd", "x"]), Err(Unknown::Command)));
    let none: [&[u8]; 0] = [];
    assert!(matches!(resolve(&none), Err(Unknown::Command)));
}

#[test]
fn renamed_commands_answer_to_the_new_name_only() {
    let mut names = Directory::new();
    names.rename(b"config", b"Secret").unwrap();
    names.rename(b"DEBUG", b"").unwrap();
    assert!(names.lookup(b"CONFIG").is_none());
    assert!(names.lookup(b"debug").is_none());
    assert_eq!(names.lookup_full(b"secret|GET").unwrap().id, Cmd::ConfigGet);
    assert!(names.lookup_full(b"config|get").is_none());
    assert_eq!(names.top_level().count(), top_level().count() - 1);
    assert_eq!(
        names.resolve(&["SECRET", "get", "x"]).unwrap().id,
        Cmd::ConfigGet
    );
    assert_eq!(
        names.rename(b"config", b"y"),
        Err(RenameError::NoSuchCommand)
    );
    assert_eq!(names.rename(b"get", b"SET"), Err(RenameError::TargetExists));
    // Two commands may change places by way of a third name.
    let mut names = Directory::new();
    names.rename(b"get", b"tmp").unwrap();
    names.rename(b"set", b"get").unwrap();
    names.rename(b"tmp", b"set").unwrap();
    assert_eq!(names.lookup(b"get").unwrap().id, Cmd::Set);
    assert_eq!(names.lookup(b"set").unwrap().id, Cmd::Get);
    assert!(names.lookup(b"tmp").is_none());
}

#[test]
fn ranges_are_exact_only_where_they_hold_all_keys() {
    let exact = |name: &str| {
        let range = lookup(name.as_bytes()).unwrap().range;
        (
            range.first,
            range.last,
            range.step,
            range.exact,
            range.movable,
        )
    };
    assert_eq!(exact("get"), (1, 1, 1, true, false));
    assert_eq!(exact("mset"), (1, -1, 2, true, false));
    assert_eq!(exact("rename"), (1, 2, 1, true, false));
    assert_eq!(exact("bitop"), (2, -1, 1, true, false));
    assert_eq!(exact("set"), (1, 1, 1, false, false));
    assert!(Cmd::Set.spec().range.placed && !Cmd::Sort.spec().range.placed);
    assert_eq!(exact("sort"), (1, 1, 1, false, true));
    assert_eq!(exact("migrate"), (3, 3, 1, false, true));
    assert_eq!(exact("lmpop"), (0, 0, 0, false, true));
    assert_eq!(exact("ping"), (0, 0, 0, false, false));
}

#[test]
fn help_lists_every_subcommand_once() {
    for container in all().filter(|spec| spec.is_container()) {
        let lines = help(container);
        assert!(
            lines[0].starts_with(&container.name.to_ascii_uppercase()),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 1 + 2 * container.subcommands().len());
        assert!(lines[lines.len() - 2] == "HELP", "{lines:?}");
    }
    let config = help(Cmd::Config.spec());
    assert_eq!(
        config[0],
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    );
    assert_eq!(config[1], "GET parameter [parameter ...]");
}

fn secret_places(line: &str) -> Vec<usize> {
    let words: Vec<&str> = line.split(' ').collect();
    let spec = resolve(&words).expect("a command");
    let is_secret = |name: &[u8]| name.eq_ignore_ascii_case(b"requirepass");
    let mut places = Vec::new();
    secrets(spec, &words, is_secret, &mut |index| places.push(index));
    places
}

#[test]
fn secrets_stand_where_the_rows_say() {
    for (line, places) in [
        ("GET auth", &[][..]),
        ("AUTH p", &[1]),
        ("auth u p", &[1, 2]),
        ("AUTH u p more", &[1, 2, 3]),
        ("HELLO 3 AUTH u p SETNAME n", &[3, 4]),
        ("HELLO 3 SETNAME auth AUTH u p", &[4, 5, 6]),
        ("HELLO auth u p", &[2, 3]),
        ("HELLO 3", &[]),
        ("CONFIG SET port 1 RequirePass p timeout 3", &[5]),
        ("CONFIG SET port requirepass p", &[4]),
        ("CONFIG SET requirepass", &[]),
        ("CONFIG GET requirepass", &[]),
        ("MIGRATE h 1 k 0 9 COPY AUTH p", &[8]),
        ("MIGRATE h 1 k 0 9 AUTH2 u p REPLACE", &[7, 8]),
        ("MIGRATE h 1 auth 0 9", &[]),
        ("MIGRATE h 1 x 0 9 AUTH keys KEYS auth k", &[7]),
        ("MIGRATE h 1 x 0 9 AUTH", &[]),
    ] {
        assert_eq!(secret_places(line), places, "{line}");
    }
}
