//! Each rule with what it must find and what it must let pass; and the tree itself.

use serde_json::json;

use super::{Finding, Source, edges, manifest, purity, text, tokens};

const HEADER: &str = "//! A room for the tests of the checker itself.\n";

fn source(path: &str, body: &str) -> Source {
    Source {
        path: path.into(),
        text: format!("{HEADER}{body}"),
    }
}

/// The rules that find something in a file, without repeats.
fn rules(path: &str, body: &str) -> Vec<&'static str> {
    let source = source(path, body);
    let mut found = text::check(&source);
    found.extend(tokens::check(&source));
    found.extend(purity::check(&source));
    let mut rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

fn package(name: &str, dependency: &str, kind: Option<&str>, ours: bool) -> Vec<Finding> {
    let path = ours.then_some("somewhere");
    edges::check(&json!({ "packages": [{
        "name": name,
        "description": "A crate.",
        "manifest_path": format!("/x/crates/{name}/Cargo.toml"),
        "dependencies": [{ "name": dependency, "kind": kind, "path": path }],
    }] }))
}

#[test]
fn the_tree_is_tidy() {
    let root = crate::root();
    let found = super::findings(&root).unwrap();
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}\n", text.join("\n"));
}

#[test]
fn an_edge_outside_of_the_table_is_found() {
    assert!(package("persist", "store", None, true).is_empty());
    assert!(package("persist", "base", None, true).is_empty());
    assert_eq!(package("persist", "replicate", None, true)[0].rule, "edge");
    assert_eq!(package("store", "resp", None, true)[0].rule, "edge");
    assert_eq!(package("net", "engine", None, true)[0].rule, "edge");
    assert_eq!(package("store", "testkit", None, true)[0].rule, "edge");
    assert_eq!(package("store", "ds", Some("build"), true).len(), 0);
    assert_eq!(package("stranger", "ds", None, true)[0].rule, "edge");
}

#[test]
fn tests_may_depend_on_more() {
    assert!(package("persist", "testkit", Some("dev"), true).is_empty());
}

#[test]
fn a_pure_crate_with_an_io_dependency_is_found() {
    assert_eq!(package("cluster", "mio", None, false)[0].rule, "purity");
    assert!(package("net", "mio", None, false).is_empty());
    assert!(package("cluster", "thiserror", None, false).is_empty());
}

#[test]
fn a_crate_without_description_or_in_another_folder_is_found() {
    let found = edges::check(&json!({ "packages": [{
        "name": "store", "description": null, "manifest_path": "/x/crates/shop/Cargo.toml",
        "dependencies": [],
    }] }));
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["description", "folder"]);
}

#[test]
fn a_manifest_without_the_workspace_lints_is_found() {
    let good = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n";
    assert!(manifest::check("crates/x/Cargo.toml", good).is_empty());
    let bad = "[package]\nversion.workspace = true\n[dependencies]\nworkspace = true\n";
    assert_eq!(manifest::check("crates/x/Cargo.toml", bad)[0].rule, "lints");
}

#[test]
fn a_file_without_header_is_found() {
    let check = |text: &str| {
        let source = Source {
            path: "crates/store/src/slot.rs".into(),
            text: text.into(),
        };
        text::check(&source).len()
    };
    assert_eq!(
        check("//! The slot: a lock and its tables.\nfn f() {}\n"),
        0
    );
    assert_eq!(check("//!\nfn f() {}\n"), 1);
    assert_eq!(check("fn f() {}\n"), 1);
    assert_eq!(check("\n//! The slot: a lock and its tables.\n"), 1);
}

#[test]
fn a_long_file_is_found_unless_it_is_a_table() {
    let lines = |count| "// x\n".repeat(count);
    assert!(rules("crates/store/src/slot.rs", &lines(499)).is_empty());
    assert_eq!(rules("crates/store/src/slot.rs", &lines(500)), ["size"]);
    let table = format!("//! tidy: table\n{}", lines(2000));
    assert!(rules("crates/commands/src/rows.rs", &table).is_empty());
    assert!(rules("crates/store/src/slot/tests.rs", &lines(900)).is_empty());
    assert_eq!(
        rules("crates/store/src/slot/tests.rs", &lines(1000)),
        ["size"]
    );
}

#[test]
fn a_module_file_in_its_folder_is_found() {
    assert_eq!(rules("crates/ds/src/list/mod.rs", ""), ["layout"]);
    assert!(rules("crates/ds/src/list.rs", "").is_empty());
    assert!(rules("crates/ds/examples/list/mod.rs", "").is_empty());
}

#[test]
fn a_line_that_is_too_wide_is_found() {
    let line = |letters: usize| format!("// {}\n", "ä".repeat(letters - 3));
    assert!(rules("crates/ds/src/list.rs", &line(100)).is_empty());
    assert_eq!(rules("crates/ds/src/list.rs", &line(101)), ["columns"]);
}

#[test]
fn a_module_behind_what_is_used_is_found() {
    let path = "crates/ds/src/list.rs";
    assert!(rules(path, "mod a;\n\nuse b::c;\n").is_empty());
    assert!(rules(path, "use b::c;\n\n#[cfg(test)]\nmod tests;\n").is_empty());
    assert_eq!(rules(path, "use b::c;\n\npub(crate) mod a;\n"), ["modules"]);
}

#[test]
fn subjects_of_commits_that_are_long_or_two_are_found() {
    let long = "x".repeat(73);
    assert!(text::subjects(&format!("ds: a list\n{}\n", &long[1..])).is_empty());
    assert_eq!(text::subjects(&long)[0].rule, "subject");
    assert_eq!(text::subjects("ds: a list; and more")[0].rule, "subject");
}

#[test]
fn a_name_that_says_nothing_is_found() {
    for path in [
        "crates/store/src/utils.rs",
        "crates/store/src/common/slot.rs",
        "crates/store/src/slot_helpers.rs",
        "crates/cluster/src/manager.rs",
    ] {
        assert_eq!(rules(path, ""), ["name"], "{path}");
    }
    assert!(rules("crates/store/src/score.rs", "").is_empty());
}

#[test]
fn stubs_and_skipped_tests_are_found() {
    let path = "crates/store/src/slot.rs";
    for word in [
        concat!("to", "do"),
        concat!("unimple", "mented"),
        concat!("db", "g"),
    ] {
        assert_eq!(
            rules(path, &format!("fn f() {{ {word}!() }}\n")),
            ["word"],
            "{word}"
        );
        assert!(
            rules(path, &format!("// {word}!()\nfn {word}() {{}}\n")).is_empty(),
            "{word}"
        );
        let inside = format!("macro_rules! m {{ () => {{ {word}!() }} }}\n");
        assert_eq!(rules(path, &inside), ["word"], "{word}");
    }
    assert_eq!(rules(path, concat!("// FIX", "ME: later\n")), ["word"]);
    let skipped = concat!("#[test]\n#[ig", "nore = \"slow\"]\nfn f() {}\n");
    assert_eq!(rules("crates/store/tests/it/main.rs", skipped), ["word"]);
    let conditional = concat!("#[cfg_attr(miri, ig", "nore)]\nfn f() {}\n");
    assert_eq!(
        rules("crates/store/tests/it/main.rs", conditional),
        ["word"]
    );
}

#[test]
fn a_long_function_is_found() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    let path = "crates/store/src/slot.rs";
    assert!(rules(path, &function(80)).is_empty());
    assert_eq!(rules(path, &function(81)), ["function"]);
    assert_eq!(
        rules(path, &format!("impl S {{ pub async {} }}", function(81))),
        ["function"]
    );
    assert!(rules("crates/store/src/slot/tests.rs", &function(90)).is_empty());
    assert!(rules(path, &format!("type F = fn(u8);\n{}", function(20))).is_empty());
    assert!(rules(path, "trait T { fn f(&self); }\n").is_empty());
}

#[test]
fn unsafe_outside_of_its_rooms_is_found() {
    let body = "// SAFETY: it is never called.\nunsafe impl Send for S {}\n";
    assert!(rules("crates/ds/src/table.rs", body).is_empty());
    assert!(rules("crates/net/src/sys/epoll.rs", body).is_empty());
    assert_eq!(rules("crates/net/src/conn.rs", body), ["unsafe"]);
    assert_eq!(rules("crates/store/src/slot.rs", body), ["unsafe"]);
    assert!(
        rules(
            "crates/store/src/slot.rs",
            "// unsafe {}\nfn f() { g(\"unsafe {}\") }\n"
        )
        .is_empty()
    );
}

#[test]
fn unsafe_without_its_reason_is_found() {
    let path = "crates/ds/src/table.rs";
    for good in [
        "fn f() {\n    // SAFETY: one\n    // goes on\n    unsafe { g() }\n}\n",
        "fn f() {\n    // SAFETY: one\n    let x = h(\n        unsafe { g() });\n}\n",
        "fn f() {\n    // SAFETY: one\n    #[allow(x)]\n    let x: Long =\n        unsafe { g() };\n}\n",
        "pub unsafe fn f() {}\n",
    ] {
        assert!(rules(path, good).is_empty(), "{good}");
    }
    for bad in [
        "fn f() {\n    unsafe { g() }\n}\n",
        "fn f() {\n    // SAFETY: one\n    h();\n    unsafe { g() }\n}\n",
        "// it is fine\nunsafe impl Send for S {}\n",
        "macro_rules! m { () => { unsafe { g() } } }\n",
    ] {
        assert_eq!(rules(path, bad), ["unsafe"], "{bad}");
    }
}

#[test]
fn a_crate_that_does_not_rule_out_unsafe_is_found() {
    assert_eq!(rules("crates/store/src/lib.rs", "mod slot;\n"), ["unsafe"]);
    assert!(
        rules(
            "crates/store/src/lib.rs",
            "#![forbid(unsafe_code)]\nmod slot;\n"
        )
        .is_empty()
    );
    assert!(rules("crates/net/src/lib.rs", "#![deny(unsafe_code)]\nmod sys;\n").is_empty());
    assert!(rules("crates/ds/src/lib.rs", "mod table;\n").is_empty());
}

#[test]
fn many_tests_inside_of_a_product_file_are_found() {
    let path = "crates/store/src/slot.rs";
    let module = |lines| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(lines));
    assert!(rules(path, &module(90)).is_empty());
    assert_eq!(rules(path, &module(100)), ["tests"]);
    let apart = format!(
        "#[cfg(test)]\nmod tests;\nmod x {{\n{}}}\n",
        "// x\n".repeat(200)
    );
    assert!(rules(path, &apart).is_empty());
}

#[test]
fn io_in_a_pure_crate_is_found() {
    let clock = "fn f() { let t = std::time::Instant::now(); }\n";
    assert_eq!(rules("crates/cluster/src/tick.rs", clock), ["purity"]);
    assert!(rules("crates/clusterio/src/tick.rs", clock).is_empty());
    assert!(rules("crates/cluster/src/tick/tests.rs", clock).is_empty());
    assert_eq!(
        rules("crates/replproto/src/a.rs", "use std::fs::File;\n"),
        ["purity"]
    );
    assert_eq!(
        rules(
            "crates/cluster/src/a.rs",
            "use std::collections::HashMap;\n"
        ),
        ["purity"]
    );
    assert!(
        rules(
            "crates/commands/src/a.rs",
            "use std::collections::HashMap;\n"
        )
        .is_empty()
    );
    assert!(rules("crates/config/src/a.rs", "use std::fs;\n").is_empty());
}

#[test]
fn a_path_of_one_machine_is_found() {
    let needles = vec![format!("/{}/", "nobody"), format!("../{}", "shelf")];
    let found = |line: &str| text::machine_paths("README.md", line, &needles).len();
    assert_eq!(found(&format!("see /{}/x", "nobody")), 1);
    assert_eq!(found(&format!("`../{}/x`", "shelf")), 1);
    assert_eq!(found(&format!("target/{}/x", "nobody")), 0);
    assert_eq!(found("nothing"), 0);
}

#[test]
fn a_live_option_needs_a_reader() {
    let rows = source(
        "crates/config/src/rows/memory.rs",
        "&[\n    Opt::new(\"hz\", 1),\n    Opt::new(\"lfu-decay-time\", 2),\n    \
         Opt::new(\"old\", 3).stored(),\n    Opt::new(\"bad\", 4).refused(\"no\"),\n]\n",
    );
    let other = source(
        "crates/server/src/periodic.rs",
        "let hz = config.hz_limit; let lfu = config.lfu_decay_time;\n",
    );
    let found = super::options::check(&[rows, other]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].what.starts_with("hz "), "{found:?}");
}

#[test]
fn the_page_of_the_design_names_what_there_is() {
    let sources = [source("crates/ds/src/pin.rs", "fn holds() {}\n")];
    let check = |line: &str| super::page::check("docs/design-check.md", line, &sources);
    let good = "| rule | `ds/src/pin.rs`, `INFO` | `ds/src/pin.rs::holds`, `::holds` and `a::b` |";
    assert_eq!(check(good), []);
    let found = check("one\n| rule | `ds/src/gone.rs` | `ds/src/pin.rs::breaks`, `::fails` |");
    let what: Vec<_> = found.iter().map(|f| (f.line, f.what.as_str())).collect();
    let wanted = [
        (2, "there is no crates/ds/src/gone.rs"),
        (2, "crates/ds/src/pin.rs has no breaks"),
        (2, "crates/ds/src/pin.rs has no fails"),
    ];
    assert_eq!(what, wanted);
    assert_eq!(super::page::check("README.md", "`a.rs`", &sources), []);
}
