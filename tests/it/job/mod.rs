//! Tests of this room. One file per subject; add `mod` lines here.

mod commands;
mod defaults;
mod edit;
mod files;
mod headers;
mod import;
mod mistakes;
mod robustness;
mod schema;
mod warnings;

use chrono::{DateTime, Utc};
use sexton::job::{Job, LoadContext, Loaded, Overrides, Report, Source, load_sources};

/// A target, and the head of a job without its schedule and path.
pub(crate) const APP: &str = "[targets.app]\nbase_url = \"http://app:8000\"\n";

/// The instant that the tests load at.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

/// Loads `jobs.toml` with nothing in the environment.
pub(crate) fn load_text(text: &str) -> Result<Loaded, Report> {
    load_with(text, &|_| None, &Overrides::default())
}

pub(crate) fn load_with(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    overrides: &Overrides,
) -> Result<Loaded, Report> {
    let context = LoadContext { environment, overrides, now: now() };
    load_sources(vec![Source::new("jobs.toml", text)], &context)
}

/// The job `a` with these keys, beside the usual target.
pub(crate) fn job_a(keys: &str) -> Result<Job, Report> {
    let text = format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n{keys}\n");
    load_text(&text).map(|loaded| loaded.definitions.jobs["a"].as_ref().clone())
}

/// The lines of a report.
pub(crate) fn lines<T: std::fmt::Debug>(result: Result<T, Report>) -> Vec<String> {
    result.unwrap_err().findings.iter().map(ToString::to_string).collect()
}

/// The one line of a report.
pub(crate) fn line<T: std::fmt::Debug>(result: Result<T, Report>) -> String {
    let lines = lines(result);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].clone()
}
