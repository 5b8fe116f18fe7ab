//! Seed A28: unset means the default; set to nothing, to garbage or to what makes no sense is an error that names the
//! variable.

use std::{fs, time::Duration};

use sexton::{
    config::{self, ConfigError, Environment, LogConfig, LogFormat, RunConfig, RunFlags},
    job::Overrides,
};

/// Long enough, and nothing else.
const TOKEN: &str = "an-admin-token-of-the-tests-01234567";

fn run<const N: usize>(variables: [(&str, &str); N]) -> Result<RunConfig, ConfigError> {
    RunConfig::assemble(RunFlags::default(), &Environment::from(variables))
}

/// Seed A28: every variable with a value of its own type, and every way of getting it wrong.
#[test]
fn a28_each_variable_refuses_what_it_cannot_be() {
    let wrong = [
        (
            "SEXTON_SHUTDOWN_GRACE",
            &["30", "-30s", "+30s", "1.5m", "30 s", "s", "99999999999999999999s", "25h", "٣s"][..],
        ),
        ("SEXTON_LATE_LIMIT", &["0s", "60", "-60s", "1m60", "60S", "60s1m", "soon"]),
        ("SEXTON_MAX_IN_FLIGHT", &["0", "100001", "+5", "-1", "1.0", "1e3", "many", "99999999999999999999999", "0x10"]),
        ("SEXTON_TIMEZONE", &["europe/prague", "CEST+1", "Mars/Olympus", "+02:00"]),
        (
            "SEXTON_LISTEN",
            &["7070", "localhost:7070", "127.0.0.1", "127.0.0.1:70707", "unix:", "127.0.0.1:1,,127.0.0.1:2"],
        ),
        ("SEXTON_LOG", &["JSON", "jsonl", "0"]),
        ("SEXTON_ADMIN_TOKEN", &["short", "0123456789", "changeme-changeme-changeme-changeme"]),
        ("SEXTON_ADMIN_TOKEN_FILE", &["/no/such/file"]),
    ];
    for (variable, values) in wrong {
        for value in ["", " ", "\n"].iter().chain(values) {
            let environment = Environment::from([(variable, *value)]);
            let result = RunConfig::assemble(RunFlags::default(), &environment).map(drop);
            let result = result.and_then(|()| LogConfig::assemble(&environment).map(drop));
            let error = result.expect_err(&format!("{variable}={value:?}")).to_string();
            let names_it = error.contains(variable) || error.contains("/no/such/file");
            assert!(names_it, "{variable}={value:?}: {error}");
        }
    }
}

#[test]
fn a28_unset_means_the_default() {
    let config = run([]).unwrap();
    assert_eq!(config.jobs.to_str(), Some("jobs.toml"));
    assert_eq!(config.store, "sqlite://sexton.db");
    assert_eq!(config.listen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:7070"]);
    assert_eq!(config.overrides, Overrides::default());
    assert!(config.admin_token.is_none());
    let log = LogConfig::assemble(&Environment::default()).unwrap();
    assert_eq!((log.format, log.filter), (LogFormat::Text, None));
}

#[test]
fn each_variable_of_the_sexton_table_is_read() {
    let environment = Environment::from([
        ("SEXTON_BASE_URL", "http://elsewhere:1"),
        ("SEXTON_TIMEZONE", " Europe/Prague "),
        ("SEXTON_STARTUP_GRACE", "10s"),
        ("SEXTON_SHUTDOWN_GRACE", "1h30m"),
        ("SEXTON_LATE_LIMIT", "1s"),
        ("SEXTON_MAX_IN_FLIGHT", "7"),
        ("SEXTON_HISTORY_KEEP", "7d"),
        ("SEXTON_HISTORY_PER_JOB", "100"),
        ("SEXTON_ISSUER", "https://cron.example.org"),
    ]);
    let expected = Overrides {
        base_url: Some("http://elsewhere:1".to_owned()),
        timezone: Some(chrono_tz::Europe::Prague),
        startup_grace: Some(Duration::from_secs(10)),
        shutdown_grace: Some(Duration::from_secs(5400)),
        late_limit: Some(Duration::from_secs(1)),
        max_in_flight: Some(7),
        history_keep: Some(Duration::from_secs(7 * 86_400)),
        history_per_job: Some(100),
        issuer: Some("https://cron.example.org".to_owned()),
    };
    assert_eq!(config::overrides(&environment).unwrap(), expected);
}

/// Guarantee G8: an admin token that cannot be used is not the same as none, which would open the door to this machine.
#[test]
fn an_admin_token_that_cannot_be_used_is_refused_without_being_said() {
    let value = "weak-admin-token";
    let error = run([("SEXTON_ADMIN_TOKEN", value)]).unwrap_err().to_string();
    assert!(error.contains("SEXTON_ADMIN_TOKEN") && error.contains("16 characters"), "{error}");
    assert!(!error.contains(value), "{error}");
}

#[test]
fn the_admin_token_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let config = run([("SEXTON_ADMIN_TOKEN_FILE", path.to_str().unwrap())]).unwrap();
    assert!(config.admin_token.unwrap().accept(TOKEN.as_bytes()));
}

/// As with the shared secret: nobody could say which of the two opens the door.
#[test]
fn an_admin_token_in_two_places_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, TOKEN).unwrap();
    let both =
        run([("SEXTON_ADMIN_TOKEN_FILE", path.to_str().unwrap()), ("SEXTON_ADMIN_TOKEN", "b".repeat(3).as_str())]);
    let error = both.map(drop).unwrap_err().to_string();
    assert!(error.contains("SEXTON_ADMIN_TOKEN and SEXTON_ADMIN_TOKEN_FILE"), "{error}");
}

#[test]
fn a_secret_in_two_places_is_refused() {
    let both = run([("SCHEDULER_API_TOKEN", TOKEN), ("SCHEDULER_API_TOKEN_FILE", "/run/secrets/token")]);
    let error = both.map(drop).unwrap_err().to_string();
    assert!(error.contains("SCHEDULER_API_TOKEN and SCHEDULER_API_TOKEN_FILE are both set"), "{error}");
    assert!(!error.contains(TOKEN), "{error}");
}

/// Guarantee G5: the values of the environment are in no debug output.
#[test]
fn the_environment_shows_names_only() {
    let text = format!("{:?}", Environment::from([("SCHEDULER_API_TOKEN", TOKEN)]));
    assert_eq!(text, r#"{"SCHEDULER_API_TOKEN"}"#);
    let config = run([("SCHEDULER_API_TOKEN", TOKEN), ("SEXTON_ADMIN_TOKEN", TOKEN)]).unwrap();
    assert!(!format!("{config:?}").contains(TOKEN));
}

#[test]
fn the_log_is_text_or_json_and_a_blank_filter_is_none() {
    for (text, format) in [("text", LogFormat::Text), ("json", LogFormat::Json)] {
        let environment = Environment::from([("SEXTON_LOG", text), ("RUST_LOG", " ")]);
        let log = LogConfig::assemble(&environment).unwrap();
        assert_eq!((log.format, log.filter), (format, None));
    }
    let log = LogConfig::assemble(&Environment::from([("RUST_LOG", "sexton=debug")])).unwrap();
    assert_eq!(log.filter.as_deref(), Some("sexton=debug"));
}
