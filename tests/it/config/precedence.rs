//! A flag goes before its variable, a variable before the file, the file before the default.

use std::path::PathBuf;

use sexton::{
    admin::Address,
    config::{Environment, RunConfig, RunFlags, overrides},
    job::{Definitions, LoadContext, Source, load_sources},
};

use crate::support::definitions::noon;

fn addresses(config: &RunConfig) -> Vec<String> {
    config.listen.iter().map(ToString::to_string).collect()
}

#[test]
fn a_flag_goes_before_its_variable() {
    let environment = Environment::from([
        ("SEXTON_JOBS", "/etc/variable.toml"),
        ("SEXTON_STORE", "sqlite:///variable.db"),
        ("SEXTON_LISTEN", "127.0.0.1:1, unix:/run/sexton.sock"),
    ]);
    let config = RunConfig::assemble(RunFlags::default(), &environment).unwrap();
    assert_eq!((config.jobs.to_str(), config.store.as_str()), (Some("/etc/variable.toml"), "sqlite:///variable.db"));
    assert_eq!(addresses(&config), ["127.0.0.1:1", "unix:/run/sexton.sock"]);

    let flags = RunFlags {
        jobs: Some(PathBuf::from("flag.toml")),
        store: Some("sqlite://flag.db".to_owned()),
        listen: vec!["[::1]:2".parse::<Address>().unwrap()],
    };
    let config = RunConfig::assemble(flags, &environment).unwrap();
    assert_eq!((config.jobs.to_str(), config.store.as_str()), (Some("flag.toml"), "sqlite://flag.db"));
    assert_eq!(addresses(&config), ["[::1]:2"]);
}

/// Also when a flag makes it unneeded: nobody can say whether the wrong one was meant.
#[test]
fn a_wrong_variable_is_an_error_beside_a_flag() {
    let flags = RunFlags { listen: vec!["[::1]:2".parse().unwrap()], ..RunFlags::default() };
    let error = RunConfig::assemble(flags, &Environment::from([("SEXTON_LISTEN", "7070")])).unwrap_err();
    assert!(error.to_string().starts_with("SEXTON_LISTEN=\"7070\" cannot be used"), "{error}");
}

fn load(text: &str, environment: &Environment) -> Definitions {
    let overrides = overrides(environment).unwrap();
    let context = LoadContext { environment: &|_| None, overrides: &overrides, now: noon() };
    load_sources(vec![Source::new("jobs.toml", text)], &context).unwrap().definitions
}

#[test]
fn a_variable_goes_before_the_file_and_the_file_before_the_default() {
    let file = "[sexton]\nmax_in_flight = 3\nlate_limit = \"5m\"\n\
                [targets.app]\nbase_url = \"http://file:1\"\nauth = \"none\"\n";
    let plain = load(file, &Environment::default());
    assert_eq!((plain.settings.max_in_flight, plain.settings.late_limit.as_secs()), (3, 300));
    assert_eq!((plain.settings.shutdown_grace.as_secs(), plain.settings.timezone), (30, chrono_tz::UTC));
    assert_eq!(plain.targets["app"].base_url.as_str(), "http://file:1/");

    let environment =
        Environment::from([("SEXTON_MAX_IN_FLIGHT", "9"), ("SEXTON_BASE_URL", "http://variable:2/prefix")]);
    let overridden = load(file, &environment);
    assert_eq!((overridden.settings.max_in_flight, overridden.settings.late_limit.as_secs()), (9, 300));
    assert_eq!(overridden.targets["app"].base_url.as_str(), "http://variable:2/prefix");
}
