//! `sexton healthcheck`: for images without a shell or curl.

use std::{io::Write, process::ExitCode, time::Duration};

use miette::{Context, IntoDiagnostic};

use super::argument;
use crate::http_client;

/// How long an answer may take; a health check of Docker gives up after 30 s by itself.
const LIMIT: Duration = Duration::from_secs(5);

/// Ask an address how it is: exits 0 for a 2xx answer, else 1
///
/// For HEALTHCHECK in an image that has neither a shell nor curl. It looks at no file and no secret.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  HEALTHCHECK CMD [\"/sexton\", \"healthcheck\"]\n  \
    sexton healthcheck --url http://127.0.0.1:8000/api/health")]
pub(super) struct Args {
    /// What to ask
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7070/readyz", value_parser = argument::address)]
    url: url::Url,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    let (status, words) = runtime.block_on(ask(&args.url)).wrap_err_with(|| format!("no answer from {}", args.url))?;
    writeln!(out, "{status} {}", words.lines().next().unwrap_or_default()).into_diagnostic()?;
    Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(url: &url::Url) -> miette::Result<(reqwest::StatusCode, String)> {
    let client = http_client::client().into_diagnostic()?;
    let answer = client.get(url.clone()).timeout(LIMIT).send().await.into_diagnostic()?;
    let status = answer.status();
    Ok((status, answer.text().await.into_diagnostic()?))
}
