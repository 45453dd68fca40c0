//! Tests of settings against the configuration that they come from.

use super::Settings;
use config::Config;
use ds::Limits;

/// What the rows of the options say is what values go by where nobody says anything.
#[test]
fn limits_that_are_not_set_are_those_of_the_options() {
    assert_eq!(Settings::default().limits, Limits::default());
}

#[test]
fn state_stays_when_the_configuration_changes() {
    let mut settings = Settings {
        loading: true,
        replica: true,
        stale: true,
        refuse_writes: Some("why"),
        disk_failed: true,
        append_only_failure: Some("why".into()),
        commit_gate: true,
        pause_periodic: true,
        active_expire: false,
        ..Settings::default()
    };
    let before = settings.clone();
    let config = Config {
        timeout: 7,
        ..Config::default()
    };
    settings.follow(&config);
    let wanted = Settings {
        idle_timeout: 7,
        ..before
    };
    assert_eq!(settings, wanted);
}
