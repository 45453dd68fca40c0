//! Tests of what can be told without the network.

use super::archive::mirror;
use super::packages::{ensure, find};

#[test]
fn the_mirror_is_found_in_both_forms() {
    let old = "# x\ndeb http://security.debian.org/ stable main\ndeb [arch=amd64 a=b] http://one/debian stable main\n";
    assert_eq!(mirror(old).as_deref(), Some("http://one/debian"));
    assert_eq!(
        mirror("deb http://two/debian stable main").as_deref(),
        Some("http://two/debian")
    );
    let new = "Types: deb\nURIs: http://three/debian\nSuites: stable\n";
    assert_eq!(mirror(new).as_deref(), Some("http://three/debian"));
    assert_eq!(mirror("deb-src http://four/debian stable main\n"), None);
}

#[test]
fn a_program_that_is_there_needs_no_package() {
    assert!(find("sh").is_some());
    assert!(find("no-such-program-anywhere").is_none());
    assert_eq!(ensure(&[("sh", "no-such-package-anywhere")]), Ok(()));
}
