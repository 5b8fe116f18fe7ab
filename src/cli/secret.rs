//! `sexton secret`: makes and checks the shared secret.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    os::unix::fs::{PermissionsExt, fchown},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use miette::{Context, IntoDiagnostic, miette};
use zeroize::Zeroizing;

use crate::{
    credentials::{Config, Credentials},
    entropy::Entropy,
    secret::SharedSecrets,
};

/// Makes and checks the secret that Sexton and the app share.
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
        SCHEDULER_API_TOKEN_FILE=/run/sexton/token sexton run")]
    Ensure {
        /// The files, each with a secret of its own. Their folders must exist.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The number of a group that may read new files too (mode 0640), for an app that runs as another user.
        #[arg(long, value_name = "GID")]
        group: Option<u32>,
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
        Command::Ensure { files, group } => files.iter().try_for_each(|file| ensure(file, group, entropy, out))?,
        Command::Check { file } => check(file, environment, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn ensure(file: &Path, group: Option<u32>, entropy: Entropy, out: &mut dyn Write) -> miette::Result<()> {
    let made = make(file, group, entropy)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot make the secret file {}", file.display()))?;
    let secrets = SharedSecrets::from_file(file).into_diagnostic()?;
    let done = if made { "made" } else { "was there already, left as it is" };
    writeln!(out, "{}: {done}, {}", file.display(), lengths(&secrets)).into_diagnostic()
}

/// Makes the file whole under a name of its own and links it to `file` only when nothing is there. Whether it did.
pub(super) fn make(file: &Path, group: Option<u32>, entropy: Entropy) -> io::Result<bool> {
    if fs::symlink_metadata(file).is_ok() {
        return Ok(false);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".sexton-secret-").tempfile_in(folder)?;
    let value = Zeroizing::new(entropy.hex::<32>());
    writeln!(temporary, "{}", value.as_str())?;
    if let Some(group) = group {
        // The group before the mode: at no moment can a group read it that was not asked for.
        fchown(temporary.as_file(), None, Some(group))?;
    }
    let mode = if group.is_some() { 0o640 } else { 0o600 };
    temporary.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(file) {
        Ok(_) => {
            fs::File::open(folder)?.sync_all()?;
            Ok(true)
        }
        // Somebody else was faster; theirs counts.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

fn check(
    file: Option<PathBuf>,
    environment: impl Fn(&str) -> Option<String>,
    out: &mut dyn Write,
) -> miette::Result<()> {
    let config = match file {
        Some(file) => Config::file(file),
        None => Config::from_lookup(environment).into_diagnostic()?,
    };
    let secrets = Credentials::load(config).current().map_err(|error| miette!("{error}"))?;
    writeln!(out, "{}: usable, {}", secrets.source(), lengths(&secrets)).into_diagnostic()
}

fn lengths(secrets: &SharedSecrets) -> String {
    let length = secrets.current().expose().len();
    match secrets.iter().count() - 1 {
        0 => format!("{length} characters"),
        more => format!("{length} characters, and {more} more that the app accepts"),
    }
}
