//! `sexton token revoke`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use chrono::{DateTime, SecondsFormat, Utc};
use miette::{Context, IntoDiagnostic, miette};

use super::{From, Surroundings, read, unverified};
use crate::{
    auth::{Revocation, Revoked},
    cli::argument,
    reference_app,
};

/// Take tokens back: the reference app refuses them with 403 from the next second on
///
/// One token by its id, or by itself from a file or standard input, never the command line; or every token of a subject
/// that was issued before an instant. The entry is kept in the app's database for as long as any token lives, since nobody
/// vouches for the end that this one names, and its audit log has a row. An app of your own does the same with its
/// implementation of `auth::Revocations`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sexton token revoke --data app-data --token-file reporting.token --reason 'laptop lost'\n  \
    sexton token revoke --data app-data --jti 6f1c0a\n  \
    sexton token revoke --data app-data --subject reporting --since 2026-03-29T01:00:00Z")]
pub(super) struct Args {
    /// The data folder of the app, which may be running.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The id of one token, its claim `jti`.
    #[arg(long, value_name = "ID", conflicts_with_all = ["token_file", "subject"])]
    jti: Option<String>,
    #[command(flatten)]
    from: From,
    /// Every token of this subject, its claim `sub`.
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    subject: Option<String>,
    /// With --subject: those that were issued before this instant (RFC 3339). Without it: before now.
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant, requires = "subject")]
    since: Option<DateTime<Utc>>,
    /// Why, for whoever reads the table later.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn run(args: Args, around: &mut Surroundings<'_>, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let now = around.clock.now();
    let revocation = match (args.subject, args.jti) {
        (Some(subject), _) => Revocation::of_subject(subject, args.since.unwrap_or(now)),
        (None, Some(jti)) => Revocation::of_token(jti, None, now),
        (None, None) => {
            let (_, claims) = unverified(&read(args.from.token_file.as_deref(), around.input)?)?;
            let jti =
                claims["jti"].as_str().ok_or_else(|| miette!("the token has no `jti`: no app takes it anyway"))?;
            // Unverified, its `exp` may be anybody's: an early one would have the entry forgotten while the token lives.
            Revocation::of_token(jti, None, now)
        }
    };
    let revocation = revocation.because(args.reason);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    runtime
        .block_on(reference_app::revoke(&args.data, revocation.clone(), now))
        .into_diagnostic()
        .wrap_err("nothing is revoked")?;
    let (what, until) = (said(&revocation.revoked), instant(revocation.until));
    writeln!(out, "revoked {what}, kept until {until}").into_diagnostic()?;
    Ok(ExitCode::SUCCESS)
}

fn said(revoked: &Revoked) -> String {
    match revoked {
        Revoked::Token(jti) => format!("token {}", jti.escape_debug()),
        Revoked::Subject { subject, issued_before } => {
            format!("every token of {} issued before {}", subject.escape_debug(), instant(*issued_before))
        }
    }
}

fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
