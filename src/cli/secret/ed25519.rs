//! The Ed25519 key of run tokens: `KEY` for the sidecar only, `KEY.jwks` for every app.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use miette::{Context, IntoDiagnostic, bail};
use serde_json::Value;

use crate::{
    cli::private_file::{self, Access},
    credentials::{Ed25519Keys, PublicKeys},
    entropy::Entropy,
};

pub(super) fn ensure(file: &Path, group: Option<u32>, entropy: Entropy, out: &mut dyn Write) -> miette::Result<()> {
    let made = private_file::create(file, &Ed25519Keys::new(entropy).to_pem(), Access::private(group))
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot make the signing key {}", file.display()))?;
    let keys = Ed25519Keys::from_file(file).into_diagnostic()?;
    let public = public_file(file);
    let published = private_file::create(&public, &json(&keys.public())?, Access::public())
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write the public key {}", public.display()))?;
    if !published {
        holds(&public, &keys.public())?;
    }
    tell(file, if made { "made" } else { "was there already, left as it is" }, &keys, out)
}

/// The public halves first: an app must know the new key before it meets a token of it.
pub(super) fn rotate(file: &Path, entropy: Entropy, out: &mut dyn Write) -> miette::Result<()> {
    let _alone = private_file::alone_in_folder_of(file).into_diagnostic().wrap_err_with(|| unrotated(file))?;
    let keys = Ed25519Keys::new(entropy).above(Ed25519Keys::from_file(file).into_diagnostic()?);
    publish(file, &keys)?;
    write(file, &keys)?;
    tell(file, "rotated", &keys, out)
}

/// The private halves first: what the sidecar reads, apps know all the time.
pub(super) fn finish(file: &Path, out: &mut dyn Write) -> miette::Result<()> {
    let _alone = private_file::alone_in_folder_of(file).into_diagnostic().wrap_err_with(|| unrotated(file))?;
    let keys = Ed25519Keys::from_file(file).into_diagnostic()?.without_older();
    write(file, &keys)?;
    publish(file, &keys)?;
    tell(file, "finished", &keys, out)
}

fn write(file: &Path, keys: &Ed25519Keys) -> miette::Result<()> {
    Access::of(file)
        .and_then(|access| private_file::replace(file, &keys.to_pem(), access))
        .into_diagnostic()
        .wrap_err_with(|| unrotated(file))
}

fn unrotated(file: &Path) -> String {
    format!("cannot rotate the signing key {}", file.display())
}

fn publish(file: &Path, keys: &Ed25519Keys) -> miette::Result<()> {
    let public = public_file(file);
    let access = Access::of(&public).unwrap_or(Access::public());
    private_file::replace(&public, &json(&keys.public())?, access)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write the public keys {}", public.display()))
}

/// An app that pins a file without the key would refuse every token.
fn holds(public: &Path, keys: &PublicKeys) -> miette::Result<()> {
    let text = fs::read(public).into_diagnostic()?;
    let pinned: Value = serde_json::from_slice(&text).unwrap_or_default();
    let keys = serde_json::to_value(keys).into_diagnostic()?;
    let (Value::Array(pinned), Value::Array(keys)) = (&pinned["keys"], &keys["keys"]) else {
        bail!("{} is no JWK Set: move it away and run this again", public.display());
    };
    match keys.iter().find(|key| !pinned.contains(key)) {
        None => Ok(()),
        Some(key) => bail!(
            "{} does not hold the public half of key {}, and apps that pin it would refuse every token: move it away and \
             run this again",
            public.display(),
            key["kid"].as_str().unwrap_or_default()
        ),
    }
}

fn public_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".jwks");
    PathBuf::from(name)
}

fn json(keys: &PublicKeys) -> miette::Result<String> {
    serde_json::to_string_pretty(keys).map(|text| text + "\n").into_diagnostic()
}

fn tell(file: &Path, done: &str, keys: &Ed25519Keys, out: &mut dyn Write) -> miette::Result<()> {
    let older = match keys.older() {
        0 => String::new(),
        more => format!(", and {more} more that apps accept"),
    };
    let (file, public, kid) = (file.display(), public_file(file), keys.kid());
    writeln!(out, "{file}: {done}, Ed25519 key {kid}{older}; public in {}", public.display()).into_diagnostic()
}
