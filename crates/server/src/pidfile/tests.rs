//! Tests of the pid file.

use super::Pidfile;

#[test]
fn holds_the_number_until_removed() {
    let path = std::env::temp_dir().join(format!("server-pid-{}", std::process::id()));
    let file = Pidfile::write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{}\n", std::process::id()));
    file.remove().unwrap();
    assert!(!path.exists());
    assert!(Pidfile::write(&path.join("below")).is_err());
}
