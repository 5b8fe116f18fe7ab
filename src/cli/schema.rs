//! `sexton schema`: the JSON Schema of jobs.toml.

use std::{io::Write, process::ExitCode};

use miette::IntoDiagnostic;

use crate::job::schema;

/// Print the JSON Schema of jobs.toml
///
/// Editors complete and check from it: save it as jobs.schema.json beside the file, and make the first line of the file
/// `#:schema ./jobs.schema.json`. What the schema accepts may still be wrong; `sexton check` has the last word.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(_: &Args, out: &mut dyn Write) -> miette::Result<ExitCode> {
    serde_json::to_writer_pretty(&mut *out, &schema()).into_diagnostic()?;
    writeln!(out).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
