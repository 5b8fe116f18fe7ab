//! What is allowed and likely not meant.

use sexton::job::Severity;

use super::{APP, load_text};

/// The warnings of these jobs, each with a path of its own.
fn warnings(jobs: &str) -> Vec<String> {
    let loaded = load_text(&format!("{APP}[defaults]\ntimezone = \"Europe/Prague\"\n{jobs}")).unwrap();
    assert!(loaded.warnings.iter().all(|finding| finding.severity == Severity::Warning));
    loaded.warnings.iter().map(ToString::to_string).collect()
}

fn of_schedule(schedule: &str) -> Vec<String> {
    warnings(&format!("[jobs.a]\npath = \"/a\"\nschedule = \"{schedule}\"\n"))
}

/// Seed A30: day-of-month with day-of-week is told, as POSIX and the systems before differ on it.
#[test]
fn schedules_that_say_something_else_than_they_seem_to() {
    for (schedule, column, words) in [
        ("*/45 * * * *", 13, "`*/45` is uneven"),
        ("0 3 1 * mon", 17, "a day that matches either one counts"),
        ("30 2 * * *", 13, "does not exist in Europe/Prague"),
        ("at 2020-01-01T00:00:00Z", 13, "is in the past"),
    ] {
        let told = of_schedule(schedule);
        assert_eq!(told.len(), 1, "{schedule}: {told:#?}");
        assert!(told[0].starts_with(&format!("jobs.toml:7:{column}: warning: ")), "{told:#?}");
        assert!(told[0].contains(words), "{told:#?}");
    }
    for schedule in ["*/15 * * * *", "0 3 1 * *", "0 3 * * mon", "30 4 * * *", "every 45m", "at 2030-01-01T00:00:00Z"] {
        assert_eq!(of_schedule(schedule), Vec::<String>::new(), "{schedule}");
    }
}

/// Seed A25: a pass that may take longer than its interval meets the next one.
#[test]
fn a_timeout_over_the_interval() {
    let of = |schedule: &str, timeout: &str| {
        warnings(&format!("[jobs.a]\npath = \"/a\"\nschedule = \"{schedule}\"\ntimeout = \"{timeout}\"\n"))
    };
    let told = of("every 15m", "16m");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("jobs.toml:8:1: warning: the timeout of `a`, 16m, is longer than its interval, 15m"));
    assert!(of("every 15m", "15m").is_empty());
    assert_eq!(of("daily 07:00,07:10,18:00", "11m").len(), 1, "the shortest interval counts");
    assert!(of("at 2030-01-01T00:00:00Z", "24h").is_empty());
    let inherited = warnings("timeout = \"2m\"\n[jobs.a]\npath = \"/a\"\nschedule = \"every 1m\"\n");
    assert!(inherited[0].starts_with("jobs.toml:6:7: warning: the timeout of `a`"), "{inherited:#?}");
}

/// What a gateway answers when it gives up says nothing of the app: listing it does not make it a failure.
#[test]
fn a_retry_of_what_is_unknown() {
    let of = |keys: &str| warnings(&format!("[jobs.a]\npath = \"/a\"\nschedule = \"every 15m\"\n{keys}\n"));
    for status in ["408", "502", "504", "524", "\"502\""] {
        let told = of(&format!("retry = {{ attempts = 3, on = [\"5xx\", {status}] }}"));
        let [told] = told.as_slice() else { panic!("{told:#?}") };
        assert!(told.starts_with("jobs.toml:5:7: warning: `retry` of `a` lists "), "{told}");
    }
    for keys in [
        "retry = { attempts = 3 }",
        "retry = { attempts = 3, on = [\"connect\", \"5xx\", 429, 503] }",
        "retry = { attempts = 3, on = [502] }\nidempotent = true",
        "retry = { attempts = 1, on = [502] }",
    ] {
        assert_eq!(of(keys), Vec::<String>::new(), "{keys}");
    }
}

#[test]
fn many_jobs_on_one_minute() {
    let jobs = |count: usize, schedule: &str| -> String {
        (0..count).map(|n| format!("[jobs.j{n}]\npath = \"/{n}\"\nschedule = \"{schedule}\"\n")).collect()
    };
    assert!(warnings(&jobs(19, "daily 03:00")).is_empty());
    let told = warnings(&jobs(21, "daily 03:00"));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(
        "jobs.toml:5:7: warning: 21 jobs fire in one minute, 2026-03-11T02:00Z: `j0`, `j1`, `j2` and 18 more"
    ));
    let disabled = jobs(21, "daily 03:00").replace("schedule", "enabled = false\nschedule");
    assert!(warnings(&disabled).is_empty());
}
