//! Definitions to test with, read from text as the program reads them.

use chrono::{DateTime, Utc};
use sexton::job::{Definitions, JobName, LoadContext, Overrides, Source, load_sources};

/// An app that wants no secret, at an address where nobody has to be.
pub(crate) const OPEN_APP: &str = "[targets.app]\nbase_url = \"http://127.0.0.1:9\"\nauth = \"none\"\n";

/// Noon of an ordinary Tuesday.
pub(crate) fn noon() -> DateTime<Utc> {
    at("2026-03-10T12:00:00Z")
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn name(text: &str) -> JobName {
    JobName::new(text).unwrap()
}

/// A whole jobs.toml.
pub(crate) fn definitions(text: &str) -> Definitions {
    let context = LoadContext { environment: &|_| None, overrides: &Overrides::default(), now: noon() };
    match load_sources(vec![Source::new("jobs.toml", text)], &context) {
        Ok(loaded) => loaded.definitions,
        Err(report) => panic!("{:#?}", report.findings),
    }
}

/// Tables for jobs of [`OPEN_APP`]: each has its name, its schedule and further keys; its path is its name unless they
/// say another.
pub(crate) fn jobs(jobs: &[(&str, &str, &str)]) -> Definitions {
    jobs_with("", jobs)
}

/// The same, with keys for `[sexton]`.
pub(crate) fn jobs_with(sexton: &str, jobs: &[(&str, &str, &str)]) -> Definitions {
    definitions(&jobs_text(sexton, OPEN_APP, jobs))
}

/// The text of such a file.
pub(crate) fn jobs_text(sexton: &str, target: &str, jobs: &[(&str, &str, &str)]) -> String {
    let mut text = format!("[sexton]\n{sexton}\n{target}");
    for (name, schedule, keys) in jobs {
        text.push_str(&format!("[jobs.\"{name}\"]\nschedule = \"{schedule}\"\n{keys}\n"));
        if !keys.contains("path = ") {
            text.push_str(&format!("path = \"/{name}\"\n"));
        }
    }
    text
}
