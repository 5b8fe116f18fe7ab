//! `sexton token`: tokens that somebody else issued, and tokens of one's own.

mod inspect;
mod issue;
#[cfg(feature = "reference-app")]
mod revoke;
mod store;

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use miette::{Context, IntoDiagnostic, miette};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    clock::SharedClock,
    credentials::{Token, judge_token},
    entropy::Entropy,
};

/// Issues, revokes, inspects and stores tokens.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Issue(issue::Args),
    #[cfg(feature = "reference-app")]
    Revoke(revoke::Args),
    Inspect(inspect::Args),
    Store(store::Args),
}

/// What the commands are run with.
pub struct Surroundings<'a> {
    /// Looks up an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The time.
    pub clock: SharedClock,
    /// Where the ids of tokens come from.
    pub entropy: Entropy,
    /// Where a token comes from: never the command line, which everybody on the machine can read.
    pub input: &'a mut dyn Read,
}

/// Runs the command.
///
/// # Errors
/// What came in is no token, something cannot be read or written, or `out` cannot be: exit code 1.
pub fn run(args: TokenArgs, mut around: Surroundings<'_>, out: &mut dyn Write) -> miette::Result<ExitCode> {
    match args.command {
        Command::Issue(args) => issue::run(args, &around, out),
        #[cfg(feature = "reference-app")]
        Command::Revoke(args) => revoke::run(args, &mut around, out),
        Command::Inspect(args) => inspect::run(&args, around, out),
        Command::Store(args) => store::run(&args, around.input, out),
    }
}

/// More than any token has, and room for it from the start: growing would leave copies behind.
const MOST: u64 = 64 * 1024;

/// The token in `file`, or without one what standard input gives.
fn read(file: Option<&Path>, input: &mut dyn Read) -> miette::Result<Token> {
    let Some(path) = file else {
        return read_from(input).wrap_err("standard input gives no token");
    };
    let mut file =
        fs::File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot open {}", path.display()))?;
    read_from(&mut file).wrap_err_with(|| format!("{} gives no token", path.display()))
}

fn read_from(input: &mut dyn Read) -> miette::Result<Token> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or_default()));
    input.take(MOST).read_to_end(&mut bytes).into_diagnostic()?;
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    judge_token(&text).map_err(|fault| miette!("it {fault}"))
}

/// The header and the claims of a token, as they are: nobody vouches for them.
fn unverified(token: &Token) -> miette::Result<(Value, Value)> {
    let segments: Vec<&str> = token.secret().expose().split('.').collect();
    let part =
        |text: &str| -> Option<Value> { serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
    match segments[..] {
        [header, claims, _] => part(header).zip(part(claims)),
        _ => None,
    }
    .ok_or_else(|| miette!("this is no JWT: three segments, of which the first two are JSON in base64url"))
}

/// Where a token is read from.
#[derive(Debug, clap::Args)]
struct From {
    /// The file that holds the token. Without it: standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}
