//! `sexton backup`: a copy of the ledger.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use miette::IntoDiagnostic;

use super::ledger::Ledger;
use crate::config::Environment;

/// Copy the ledger to a file, also while a sidecar writes it
///
/// The copy is the ledger as it was at one instant, and a ledger itself: `sexton verify --store sqlite://FILE` proves it,
/// and a sidecar can go on from it. FILE gets its name when the copy is whole and on the disk. A file that is there already
/// is left alone, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton backup --store sqlite://sexton.db backup-$(date +%F).db")]
pub(super) struct Args {
    /// The new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    ledger: Ledger,
}

pub(super) fn run(args: &Args, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    args.ledger.read(environment, async |store| store.backup(&args.file).await)?;
    let size = fs::metadata(&args.file).into_diagnostic()?.len();
    writeln!(out, "{}: {size} bytes", args.file.display()).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}
