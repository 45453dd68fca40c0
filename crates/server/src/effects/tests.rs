//! Tests of the table of effects against the rows of the options.

use super::{ROWS, Stage};
use config::{Config, Effect, Opt, Surroundings, all};

/// Tried on every option, until its value is another one.
const VALUES: &[&[&str]] = &[
    &["yes"],
    &["no"],
    &["1"],
    &["20"],
    &["2000000"],
    &["x"],
    &["local"],
    &["debug"],
    &["always"],
    &["hostname"],
    &["allkeys-lfu"],
    &["127.0.0.1"],
    &["127.0.0.1", "7"],
    &["5", "5"],
    &["normal", "1", "2", "3"],
];

/// A machine where everything is taken.
struct Nowhere;

impl Surroundings for Nowhere {
    fn read(&mut self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("no files".into())
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        Err("no input".into())
    }

    fn glob(&mut self, _: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        Ok(path.to_vec())
    }

    fn try_log(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn rename_command(&mut self, _: &[u8], _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fn load(words: &[&str]) -> Option<Config> {
    let loaded = config::load(&config::command_line(words), &mut Nowhere);
    loaded.ok().map(|loaded| loaded.config)
}

/// The defaults, and configurations that differ from them in this option.
fn changed(option: &Opt) -> (Config, Vec<Config>) {
    let base = load(&[]).expect("the defaults are valid");
    let name = format!("--{}", option.name);
    let tried = VALUES.iter().filter_map(|values| {
        let words: Vec<&str> = [name.as_str()].iter().chain(*values).copied().collect();
        load(&words)
    });
    let others = tried.filter(|config| option.text(config) != option.text(&base));
    let others = others.collect();
    (base, others)
}

/// What the parts of the server that take many options make of a configuration.
fn view(effect: Effect, config: &Config) -> String {
    match effect {
        Effect::Commands => format!("{:?}", engine::Settings::of(config)),
        Effect::Bus => {
            let settings = crate::clustering::settings(config);
            let (limit, source) = (
                config.cluster_link_sendbuf_limit,
                crate::boot::source(config),
            );
            format!("{settings:?} {limit} {source:?}")
        }
        _ => String::new(),
    }
}

/// A row that forgets an effect is an option that counts at the start and not at CONFIG SET.
#[test]
fn options_name_the_effects_that_they_have() {
    for option in all() {
        let (base, others) = changed(option);
        for effect in [Effect::Commands, Effect::Bus] {
            let changes = |config: &Config| view(effect, config) != view(effect, &base);
            let found = others.iter().any(changes);
            let named = option.effects.contains(&effect);
            assert_eq!(found, named, "{}: {effect:?}", option.name);
        }
    }
}

#[test]
fn every_effect_has_one_place_in_the_order() {
    for effect in Effect::ALL {
        let places = ROWS.iter().filter(|row| row.effect == *effect).count();
        assert_eq!(places, 1, "{effect:?}");
    }
    let stages: Vec<Stage> = ROWS.iter().map(|row| row.stage).collect();
    assert!(stages.is_sorted_by_key(|stage| *stage as u8));
}
