//! The shared secret: a file with one secret a line, of which the first is sent and all are accepted.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use miette::{Context, IntoDiagnostic, miette};
use zeroize::Zeroizing;

use crate::{
    cli::private_file::{self, Access},
    credentials::{Config, Credentials},
    entropy::Entropy,
    secret::SharedSecrets,
};

pub(super) fn ensure(file: &Path, group: Option<u32>, entropy: Entropy, out: &mut dyn Write) -> miette::Result<()> {
    let made = make(file, group, entropy)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot make the secret file {}", file.display()))?;
    let secrets = SharedSecrets::from_file(file).into_diagnostic()?;
    let done = if made { "made" } else { "was there already, left as it is" };
    writeln!(out, "{}: {done}, {}", file.display(), lengths(&secrets)).into_diagnostic()
}

/// Makes a file with a new secret when nothing is there. Whether it did.
pub(in crate::cli) fn make(file: &Path, group: Option<u32>, entropy: Entropy) -> io::Result<bool> {
    private_file::create(file, &lines([new_secret(entropy).as_str()]), Access::private(group))
}

/// Every secret that is there stays accepted: a sidecar may still send the oldest of them.
pub(super) fn rotate(file: &Path, entropy: Entropy, out: &mut dyn Write) -> miette::Result<()> {
    let new = new_secret(entropy);
    let secrets = rewrite(file, |secrets| {
        lines(std::iter::once(new.as_str()).chain(secrets.iter().map(|secret| secret.expose())))
    })?;
    writeln!(out, "{}: rotated, {}", file.display(), lengths(&secrets)).into_diagnostic()
}

pub(super) fn finish(file: &Path, out: &mut dyn Write) -> miette::Result<()> {
    let secrets = rewrite(file, |secrets| lines([secrets.current().expose()]))?;
    writeln!(out, "{}: finished, {}", file.display(), lengths(&secrets)).into_diagnostic()
}

/// Replaces the secrets of a file by what `change` makes of them; hands back what is there now.
fn rewrite(file: &Path, change: impl FnOnce(&SharedSecrets) -> Zeroizing<String>) -> miette::Result<SharedSecrets> {
    let failed = || format!("cannot rotate the secret file {}", file.display());
    let _alone = private_file::alone_in_folder_of(file).into_diagnostic().wrap_err_with(failed)?;
    let secrets = SharedSecrets::from_file(file).into_diagnostic().wrap_err_with(failed)?;
    let access = Access::of(file).into_diagnostic().wrap_err_with(failed)?;
    private_file::replace(file, &change(&secrets), access).into_diagnostic().wrap_err_with(failed)?;
    SharedSecrets::from_file(file).into_diagnostic()
}

pub(super) fn check(
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

fn new_secret(entropy: Entropy) -> Zeroizing<String> {
    Zeroizing::new(entropy.hex::<32>())
}

/// One secret a line. The text is made in one piece: growing it would leave copies behind.
fn lines<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Zeroizing<String> {
    let secrets: Vec<&str> = secrets.into_iter().collect();
    let mut text = Zeroizing::new(String::with_capacity(secrets.iter().map(|secret| secret.len() + 1).sum()));
    for secret in secrets {
        text.push_str(secret);
        text.push('\n');
    }
    text
}

fn lengths(secrets: &SharedSecrets) -> String {
    let length = secrets.current().expose().len();
    match secrets.iter().count() - 1 {
        0 => format!("{length} characters"),
        more => format!("{length} characters, and {more} more that the app accepts"),
    }
}
