//! `sexton token inspect`.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, SecondsFormat, Utc};
use miette::IntoDiagnostic;
use serde_json::{Value, json};

use super::{From, Surroundings, read, unverified};
use crate::{
    auth::{InMemoryRevocations, Verifier, VerifierConfig},
    credentials::{Config, Credentials, SIGNING_KEY_FILE, Token},
    protocol::Problem,
};

/// Say what a token claims, and whether it holds: from standard input or a file, never the command line
///
/// With the keys of the app in the environment (SEXTON_JWKS_FILE, SEXTON_JWT_SECRETS or SEXTON_JWT_SECRETS_FILE) or the
/// sidecar's (SEXTON_SIGNING_KEY_FILE) it is verified as the app would, with SEXTON_ISSUER and SEXTON_AUDIENCE where they are
/// set; a revocation is for the app to know. Exits 1 when it does not hold, and when nothing can say so, which --unverified
/// takes for good. Prints neither the token nor its signature.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    SEXTON_JWT_SECRETS_FILE=./jwt sexton token inspect --token-file reporting.token\n  \
    sexton token inspect --unverified --token-file reporting.token")]
pub(super) struct Args {
    #[command(flatten)]
    from: From,
    /// Only say what it claims, without asking whether it holds: anybody can write such claims.
    #[arg(long)]
    unverified: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// Whether a token holds.
enum Verdict {
    Holds,
    Not(String),
    NoKeys,
    NotAsked,
}

pub(super) fn run(args: &Args, around: Surroundings<'_>, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let token = read(args.from.token_file.as_deref(), around.input)?;
    let (header, claims) = unverified(&token)?;
    let around = Surroundings { input: &mut std::io::empty(), ..around };
    let verdict = if args.unverified { Verdict::NotAsked } else { judge(&token, &claims, &around)? };
    if args.json {
        let why = verdict.why_not();
        let told = json!({ "header": header, "claims": claims, "verified": why.is_none(), "why": why });
        writeln!(out, "{told}").into_diagnostic()?;
    } else {
        tell(&header, &claims, &verdict, out).into_diagnostic()?;
    }
    Ok(match verdict {
        Verdict::Holds | Verdict::NotAsked => ExitCode::SUCCESS,
        Verdict::Not(_) | Verdict::NoKeys => ExitCode::FAILURE,
    })
}

impl Verdict {
    fn why_not(&self) -> Option<&str> {
        match self {
            Self::Holds => None,
            Self::Not(why) => Some(why),
            Self::NoKeys => Some(
                "no key is in the environment: set SEXTON_JWKS_FILE, SEXTON_JWT_SECRETS_FILE or \
                 SEXTON_SIGNING_KEY_FILE, or ask for the claims alone with --unverified",
            ),
            Self::NotAsked => Some("only its claims were asked for"),
        }
    }
}

fn judge(token: &Token, claims: &Value, around: &Surroundings<'_>) -> miette::Result<Verdict> {
    let Some(config) = config(claims, around)? else { return Ok(Verdict::NoKeys) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let clock = around.clock.clone();
    let judged = runtime.block_on(async {
        let verifier = Verifier::start(config, InMemoryRevocations::default(), clock).await?;
        // Whether a session still is, only the app knows.
        Ok::<_, crate::auth::VerifierError>(
            verifier.with_sessions(|_| async { Ok::<_, Problem>(true) }).verify(token.secret().expose()).await,
        )
    });
    Ok(match judged.into_diagnostic()? {
        Ok(_) => Verdict::Holds,
        Err(refusal) => Verdict::Not(refusal.to_string()),
    })
}

/// The keys of the environment. Where it names no issuer or audience, those of the token pass.
fn config(claims: &Value, around: &Surroundings<'_>) -> miette::Result<Option<VerifierConfig>> {
    let set = |name: &str| (around.environment)(name).filter(|value| !value.trim().is_empty());
    let own = |name: &str| match &claims[name] {
        Value::Array(names) => names.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        name => name.as_str().unwrap_or_default().to_owned(),
    };
    let lookup = |name: &str| match name {
        "SEXTON_ISSUER" => set(name).or_else(|| Some(own("iss"))),
        "SEXTON_AUDIENCE" => set(name).or_else(|| Some(own("aud"))),
        _ => set(name),
    };
    let config = VerifierConfig::from_lookup(|name| lookup(name).map(Into::into)).into_diagnostic()?;
    if config.is_some() || set(SIGNING_KEY_FILE).is_none() {
        return Ok(config);
    }
    let (issuer, audience) = (lookup("SEXTON_ISSUER"), lookup("SEXTON_AUDIENCE"));
    let only_key = |name: &str| (name == SIGNING_KEY_FILE).then(|| set(name)).flatten();
    let credentials = Credentials::load(Config::from_lookup(only_key).into_diagnostic()?);
    let keys = serde_json::to_string(&credentials.signing_keys().into_diagnostic()?).into_diagnostic()?;
    let config = VerifierConfig::new(issuer.unwrap_or_default(), audience.unwrap_or_default());
    Ok(Some(config.with_jwks(move || std::future::ready(Ok::<_, std::convert::Infallible>(keys.clone())))))
}

fn tell(header: &Value, claims: &Value, verdict: &Verdict, out: &mut dyn Write) -> std::io::Result<()> {
    for (part, names) in [(header, "header"), (claims, "claims")] {
        writeln!(out, "{names}")?;
        for (name, value) in part.as_object().into_iter().flatten() {
            // In JSON nothing of a stranger's token can move the cursor.
            writeln!(out, "  {} {value}{}", name.escape_debug(), instant(name, value))?;
        }
    }
    match verdict.why_not() {
        None => writeln!(out, "verified: yes"),
        Some(why) => writeln!(out, "NOT VERIFIED: {why}"),
    }
}

fn instant(name: &str, value: &Value) -> String {
    let time = value.as_i64().filter(|_| matches!(name, "iat" | "nbf" | "exp"));
    let time = time.and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    time.map_or(String::new(), |time| format!("  {}", time.to_rfc3339_opts(SecondsFormat::Secs, true)))
}
