//! The page of options agrees with the table.

#[test]
fn the_page_of_options_is_current() {
    let path = testkit::repository().join("docs/options.md");
    let page = std::fs::read_to_string(path).expect("docs/options.md");
    let write = "write it with `cargo run -p config --example options_page`";
    assert!(
        page == config::page(),
        "docs/options.md is behind the table: {write}"
    );
}
