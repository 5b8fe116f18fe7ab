//! `sexton token store`: a token that somebody else issued.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use miette::{Context, IntoDiagnostic};
use zeroize::Zeroizing;

use crate::{
    cli::private_file::{self, Access},
    credentials::Token,
};

/// Store the token that standard input gives in a file, so that a running sidecar finds it there
///
/// White space around the token is taken off. The file is replaced whole and only its owner can read it (0600), from the
/// first instant and also when it was open before; a file that holds this token already is not written. Prints the path and
/// the length, never the token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, by whoever issues the token:\n  \
    issue-a-token | sexton token store /run/sexton/token\n\n\
    and in jobs.toml:\n  \
    [targets.app]\n  auth = \"token-file\"\n  token_file = \"/run/sexton/token\"")]
pub(super) struct Args {
    /// The file. Its folder must exist.
    file: PathBuf,
}

pub(super) fn run(args: &Args, input: &mut dyn Read, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let file = &args.file;
    let token = super::read(None, input).wrap_err("the file stays as it is")?;
    let done = store(file, &token)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot store the token in {}", file.display()))?;
    let length = token.secret().expose().len();
    writeln!(out, "{}: {done}, {length} characters", file.display()).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

/// Compares with what the disk holds, for somebody else may have changed it.
fn store(file: &Path, token: &Token) -> std::io::Result<&'static str> {
    let _alone = private_file::alone_in_folder_of(file)?;
    let access = match Access::of(file) {
        Ok(access) => access,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            private_file::replace(file, &line(token), Access::private(None))?;
            return Ok("stored");
        }
        Err(error) => return Err(error),
    };
    let before = Zeroizing::new(fs::read(file)?);
    if !token.secret().matches(before.trim_ascii()) {
        private_file::replace(file, &line(token), access.tightened())?;
        return Ok("stored");
    }
    if access.is_open() {
        private_file::tighten(file)?;
        return Ok("was there already, now for its owner only");
    }
    Ok("was there already, left as it is")
}

fn line(token: &Token) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", token.secret().expose()))
}
