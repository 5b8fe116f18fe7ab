//! `sexton token`: tokens that somebody else issued.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use miette::{Context, IntoDiagnostic, miette};
use zeroize::Zeroizing;

use super::private_file::{self, Access};
use crate::credentials::{Token, judge_token};

/// Stores tokens for targets with auth = "token-file".
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Stores the token that standard input gives in a file, so that a running sidecar finds it there.
    ///
    /// White space around the token is taken off. The file is replaced whole and only its owner can read it (0600), from
    /// the first instant and also when it was open before; a file that holds this token already is not written. Prints the
    /// path and the length, never the token.
    #[command(after_help = "Example, by whoever issues the token:\n  \
        issue-a-token | sexton token store /run/sexton/token\n\n\
        and in jobs.toml:\n  \
        [targets.app]\n  auth = \"token-file\"\n  token_file = \"/run/sexton/token\"")]
    Store {
        /// The file. Its folder must exist.
        file: PathBuf,
    },
}

/// Runs the command; the token comes from `input`, never from the command line, which everybody on the machine can read.
///
/// # Errors
/// What came in is no token, the file cannot be written, or `out` cannot be: exit code 1.
pub fn run(args: TokenArgs, input: &mut dyn Read, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let Command::Store { file } = args.command;
    let token = read(input)?;
    let done = store(&file, &token)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot store the token in {}", file.display()))?;
    let length = token.secret().expose().len();
    writeln!(out, "{}: {done}, {length} characters", file.display()).into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

fn read(input: &mut dyn Read) -> miette::Result<Token> {
    // More than any token has, and room for it from the start: growing would leave copies behind.
    const MOST: usize = 64 * 1024;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST));
    input.take(MOST as u64).read_to_end(&mut bytes).into_diagnostic().wrap_err("cannot read standard input")?;
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    judge_token(&text).map_err(|fault| miette!("what standard input gave {fault}; the file stays as it is"))
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
