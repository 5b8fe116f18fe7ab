//! `sexton secret`: makes, rotates and checks what Sexton and the app trust each other by.

mod ed25519;
mod shared;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

pub(super) use shared::make;

use crate::entropy::Entropy;

/// Makes, rotates and checks the secret that Sexton and the app share.
#[derive(Debug, Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes secret files once; one that is there already is checked and left as it is.
    ///
    /// Each secret is 256 random bits in 64 hex digits. A file appears whole, readable by its owner only (mode 0600, or
    /// 0640 with --group), and is never overwritten, so this can run at every boot. Prints the path and the length, never
    /// the value.
    #[command(after_help = "Example:\n  sexton secret ensure /run/sexton/token\n  \
        SCHEDULER_API_TOKEN_FILE=/run/sexton/token sexton run\n\n  \
        sexton secret ensure --ed25519 /run/sexton/key.pem\n  \
        SEXTON_SIGNING_KEY_FILE=/run/sexton/key.pem sexton run")]
    Ensure {
        /// The files, each with a secret of its own. Their folders must exist.
        #[arg(value_name = "FILE", required_unless_present = "ed25519")]
        files: Vec<PathBuf>,
        /// A file for a key that signs run tokens, Ed25519 in PEM; its public half goes beside it into KEY.jwks (0644) for
        /// apps to pin. May be given again.
        #[arg(long, value_name = "KEY")]
        ed25519: Vec<PathBuf>,
        /// The number of a group that may read new files too (mode 0640), for an app that runs as another user.
        #[arg(long, value_name = "GID")]
        group: Option<u32>,
    },
    /// Puts a new secret above the one in the file, so that it can be changed while everything runs.
    ///
    /// The first line is the one that is sent, every line is accepted. A running sidecar goes on with the secret it has
    /// until the app refuses it, then it reads the file and sends that request once more: no firing is lost. The file is
    /// replaced whole and keeps its mode, owner and group. Prints the path and the lengths, never a value.
    #[command(after_help = "Example, with the app and the sidecar running:\n  \
        sexton secret rotate /run/sexton/token            # both are accepted from now on\n  \
        sexton secret rotate --finish /run/sexton/token   # only the new one is\n\n\
        An app that does not read the file again by itself is restarted between the two.")]
    Rotate {
        /// The file.
        file: PathBuf,
        /// The file holds the key that signs run tokens: the new key signs, all are in FILE.jwks and at
        /// /.well-known/jwks.json.
        #[arg(long)]
        ed25519: bool,
        /// Keep the first secret or key and drop those below it.
        #[arg(long)]
        finish: bool,
    },
    /// Loads the secret as `sexton run` would, and says from where and how long it is. Exits 1 when it is of no use.
    Check {
        /// The file. Without it: SCHEDULER_API_TOKEN or SCHEDULER_API_TOKEN_FILE.
        file: Option<PathBuf>,
    },
}

/// Runs the command; `environment` looks a variable up.
///
/// # Errors
/// The secret is of no use, the file cannot be made, or `out` cannot be written: exit code 1.
pub fn run(
    args: SecretArgs,
    environment: impl Fn(&str) -> Option<String>,
    entropy: Entropy,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    match args.command {
        Command::Ensure { files, ed25519, group } => {
            files.iter().try_for_each(|file| shared::ensure(file, group, entropy, out))?;
            ed25519.iter().try_for_each(|key| ed25519::ensure(key, group, entropy, out))?;
        }
        Command::Rotate { file, ed25519: false, finish: false } => shared::rotate(&file, entropy, out)?,
        Command::Rotate { file, ed25519: false, finish: true } => shared::finish(&file, out)?,
        Command::Rotate { file, ed25519: true, finish: false } => ed25519::rotate(&file, entropy, out)?,
        Command::Rotate { file, ed25519: true, finish: true } => ed25519::finish(&file, out)?,
        Command::Check { file } => shared::check(file, environment, out)?,
    }
    Ok(ExitCode::SUCCESS)
}
