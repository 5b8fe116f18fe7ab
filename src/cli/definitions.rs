//! Loads definitions for the commands that run them.

use std::{io::IsTerminal, path::Path, process::ExitCode};

use super::tell;
use crate::{
    clock::Clock,
    config::Environment,
    job::{self, Finding, LoadContext, Loaded, Overrides, Source},
};

/// Loads a file. Its errors go to standard error, and the exit code is 2 then.
pub(super) fn load(
    path: &Path,
    overrides: &Overrides,
    environment: &Environment,
    clock: &dyn Clock,
) -> Result<Loaded, ExitCode> {
    let lookup = |name: &str| environment.get(name);
    let context = LoadContext { environment: &lookup, overrides, now: clock.now() };
    match job::load(path, &context) {
        Ok(loaded) => Ok(loaded),
        Err(report) => {
            show(&report.findings, &report.sources);
            Err(ExitCode::from(2))
        }
    }
}

/// Tells people at a terminal what may not do what was meant.
pub(super) fn warn(loaded: &Loaded) {
    show(&loaded.warnings, &loaded.sources);
}

fn show(findings: &[Finding], sources: &[Source]) {
    if std::io::stderr().is_terminal() && !findings.is_empty() {
        tell(&job::render(findings, sources, true));
    } else {
        findings.iter().for_each(|finding| tell(&finding.to_string()));
    }
}
