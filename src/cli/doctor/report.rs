//! What was found, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::{
    setting::Screen,
    table::{Tone, table},
};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// The target.
    pub(super) target: String,
    /// The job, for its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<String>,
    /// What was looked at.
    pub(super) check: Subject,
    /// How it is.
    pub(super) verdict: Verdict,
    /// What was seen.
    pub(super) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to_do: Option<String>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// Somebody answers.
    Reached,
    /// There is something to show.
    Credential,
    /// The app takes it.
    Accepted,
    /// The app refuses who shows nothing.
    NothingRefused,
    /// The app refuses who shows something else.
    ForgedRefused,
    /// The app makes no tokens for it.
    NoTokens,
    /// The two clocks agree.
    Clock,
    /// The path of a job exists.
    Path,
}

impl Subject {
    fn words(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Credential => "credential",
            Self::Accepted => "credential accepted",
            Self::NothingRefused => "none refused",
            Self::ForgedRefused => "wrong one refused",
            Self::NoTokens => "makes no tokens",
            Self::Clock => "clock",
            Self::Path => "path",
        }
    }
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Wrong,
    /// The answers do not say.
    CannotTell,
}

impl Verdict {
    fn words(self) -> (Tone, &'static str) {
        match self {
            Self::Ok => (Tone::Good, "ok"),
            Self::Wrong => (Tone::Bad, "WRONG"),
            Self::CannotTell => (Tone::Doubtful, "cannot tell"),
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

pub(super) fn json(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    let ok = checks.iter().all(|check| check.verdict != Verdict::Wrong);
    serde_json::to_writer_pretty(&mut *out, &Report { ok, checks })?;
    writeln!(out)
}

/// A table, and below it what to do, the wrong things first.
pub(super) fn text(checks: &[Check], screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let head = ["TARGET", "CHECK", "VERDICT", "FOUND"];
    let rows = checks.iter().map(|check| {
        let (tone, verdict) = check.verdict.words();
        (tone, vec![check.target.clone(), subject(check), verdict.to_owned(), check.found.clone()])
    });
    write!(out, "{}", table(&head, rows, screen))?;
    for (verdict, title) in [(Verdict::Wrong, "What to do:"), (Verdict::CannotTell, "To be sure:")] {
        let mut advice = Vec::new();
        for check in checks.iter().filter(|check| check.verdict == verdict) {
            let Some(to_do) = &check.to_do else { continue };
            // Several jobs may need the same.
            if !advice.contains(to_do) {
                advice.push(to_do.clone());
            }
        }
        if !advice.is_empty() {
            writeln!(out, "\n{title}")?;
        }
        advice.iter().try_for_each(|advice| writeln!(out, "- {advice}"))?;
    }
    writeln!(out, "\n{}", summary(checks))
}

fn subject(check: &Check) -> String {
    match &check.job {
        Some(job) => format!("{} of {job}", check.check.words()),
        None => check.check.words().to_owned(),
    }
}

fn summary(checks: &[Check]) -> String {
    let count = |verdict: Verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    match (count(Verdict::Ok), count(Verdict::Wrong), count(Verdict::CannotTell)) {
        (0, 0, 0) => "No targets, nothing to ask.".to_owned(),
        (ok, 0, 0) => format!("All {ok} checks are ok."),
        (ok, wrong, open) => format!("{ok} ok, {wrong} wrong, {open} that nobody can tell from here."),
    }
}
