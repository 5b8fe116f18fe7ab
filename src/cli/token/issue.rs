//! `sexton token issue`.

use std::{io::Write, process::ExitCode};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use miette::{IntoDiagnostic, bail, miette};
use serde_json::{Map, Value, json};

use super::Surroundings;
use crate::{
    auth::Wanted,
    cli::tell,
    credentials::{Config, Credentials},
    job::parse_duration,
    protocol::{Audience, TokenClaims, TokenClass, identity::SCHEDULER_EMAIL},
};

/// Claims that have a flag of their own, or are made up here.
const NOT_BY_CLAIM: [&str; 9] = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "scope", "token_class"];

/// Issue a token that an app with the same secrets, or with the public half of the key, takes
///
/// It is signed with the first secret of SEXTON_JWT_SECRETS or SEXTON_JWT_SECRETS_FILE (HS256), or with the first key of
/// SEXTON_SIGNING_KEY_FILE (Ed25519). The token alone is written to standard output; its id and its end, which `sexton token
/// revoke` needs, to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sexton token issue --class service --subject mirror --audience app --scope sync:run \\\n      \
        --claim resources=marketplace:tools --expires-in 180d > mirror.token\n  \
    sexton token issue --class user --subject ada@example.org --audience app --scope admin --claim groups=Admin\n\n\
    SEXTON_ISSUER is the issuer, as for the sidecar, or --issuer.")]
pub(super) struct Args {
    /// What it stands for: user, service, session or run.
    #[arg(long, default_value = "service")]
    class: TokenClass,
    /// Whom it stands for. Of a run it is the scheduler.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// What it allows, such as jobs:enqueue. Repeats.
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The app that it is for, as its SEXTON_AUDIENCE says. Repeats.
    #[arg(long, value_name = "APP", required = true)]
    audience: Vec<String>,
    /// Who issues it. Without it: SEXTON_ISSUER.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// How long it holds: 90s, 15m, 12h, 90d. Unless said otherwise 90d for service (180d at most), 12h for user (30d at
    /// most), 1h for session (1d at most) and for run (180d at most).
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<String>,
    /// Another claim, as NAME=VALUE. Repeats. groups, roles, service_groups and resources are lists: VALUE,VALUE.
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// Print a JSON object with the token, its id and its end.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, around: &Surroundings<'_>, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let json = args.json;
    let claims = claims(args, around)?;
    let config = Config::from_lookup(around.environment).into_diagnostic()?;
    let token = Credentials::load(config).sign(&claims).into_diagnostic()?;
    let said: TokenClaims = serde_json::from_value(claims).into_diagnostic()?;
    let expires = DateTime::<Utc>::from_timestamp(said.exp, 0).unwrap_or_default();
    let expires = expires.to_rfc3339_opts(SecondsFormat::Secs, true);
    if json {
        let told = json!({
            "token": token.expose(), "jti": said.jti, "class": said.token_class, "subject": said.sub,
            "scope": said.scope, "expires_at": expires,
        });
        writeln!(out, "{told}").into_diagnostic()?;
    } else {
        writeln!(out, "{}", token.expose()).into_diagnostic()?;
        tell(&format!("issued {} for {}, class {}, until {expires}", said.jti, said.sub, said.token_class));
    }
    Ok(ExitCode::SUCCESS)
}

/// Claims that a verifier takes (seed C10), or what is wrong with what was asked for.
fn claims(args: Args, around: &Surroundings<'_>) -> miette::Result<Value> {
    let Args { class, subject, scope, mut audience, issuer, expires_in, claim, .. } = args;
    let life = life(class, expires_in.as_deref())?;
    let unset = || miette!("nobody issues the token: set SEXTON_ISSUER to what the app takes, or give --issuer");
    let named = (around.environment)("SEXTON_ISSUER").filter(|name| !name.trim().is_empty());
    let issuer = issuer.or(named).ok_or_else(unset)?;
    let subject = match (subject, class) {
        (Some(subject), _) => subject,
        (None, TokenClass::Run) => SCHEDULER_EMAIL.to_owned(),
        (None, class) => bail!("a token of class `{class}` stands for somebody: give --subject"),
    };
    if let Some(wrong) = scope.iter().flat_map(|scope| scope.split_whitespace()).find(|scope| !is_scope(scope)) {
        bail!("--scope {wrong:?}: a scope is visible ASCII without quotes and backslashes, such as `jobs:read`");
    }
    let audience = if audience.len() == 1 { Audience::One(audience.remove(0)) } else { Audience::Several(audience) };
    let wanted = Wanted { class, subject, scopes: scope, life };
    let claims = wanted.into_claims(issuer.trim(), audience, around.clock.now(), around.entropy);
    let mut claims = serde_json::to_value(claims).into_diagnostic()?;
    if let Value::Object(claims) = &mut claims {
        claim.iter().try_for_each(|claim| add(claims, claim))?;
    }
    let said: TokenClaims = serde_json::from_value(claims.clone()).map_err(|error| miette!("--claim: {error}"))?;
    said.fit_their_class()
        .map_err(|misfit| miette!("no app would take the token: {misfit}; see --claim and --subject"))?;
    Ok(claims)
}

fn life(class: TokenClass, asked: Option<&str>) -> miette::Result<TimeDelta> {
    let life = match (asked, class) {
        (Some(text), _) => {
            let life =
                parse_duration(text).map_err(|error| miette!("--expires-in {text:?} {error}: write 12h or 90d"))?;
            TimeDelta::from_std(life).into_diagnostic()?
        }
        (None, TokenClass::Service) => TimeDelta::days(90),
        (None, TokenClass::User) => TimeDelta::hours(12),
        (None, TokenClass::Session | TokenClass::Run) => TimeDelta::hours(1),
    };
    let most = class.longest_life();
    if life > most || life.is_zero() {
        bail!("--expires-in: a token of class `{class}` holds from 1s to {}d", most.num_days());
    }
    Ok(life)
}

/// The characters of RFC 6749, section 3.3.
fn is_scope(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn add(claims: &mut Map<String, Value>, claim: &str) -> miette::Result<()> {
    let Some((name, value)) = claim.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        bail!("--claim {claim:?}: write NAME=VALUE");
    };
    if NOT_BY_CLAIM.contains(&name) {
        bail!("--claim {name}=…: this claim has a flag of its own, or is made by the command");
    }
    let value = match name {
        "groups" | "roles" | "service_groups" | "resources" => {
            let more = value.split(',').map(|item| Value::from(item.trim()));
            let before = claims.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            before.into_iter().chain(more).collect()
        }
        "fence" => {
            let number = value.parse::<u64>();
            number.map(Value::from).map_err(|why| miette!("--claim fence={value}: a fence is a number ({why})"))?
        }
        _ => Value::from(value),
    };
    claims.insert(name.to_owned(), value);
    Ok(())
}
