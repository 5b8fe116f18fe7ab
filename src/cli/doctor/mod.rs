//! `sexton doctor`: whether the apps take what the sidecar will send, before 03:00.

mod examine;
mod reach;
mod report;

use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use miette::IntoDiagnostic;
use tokio::runtime::Runtime;

use self::report::{Check, Verdict};
use super::{definitions, progress, setting::Screen, usage_error};
use crate::{
    clock::SystemClock,
    config::{Environment, RunConfig, RunFlags},
    credentials::Credentials,
    dispatch::Dispatcher,
    entropy::Entropy,
    job::{Definitions, Job},
};

/// Ask the app of each target whether it will take what is sent: its credential, clock and paths
///
/// Run it where the sidecar will run, with its environment. It asks with the sidecar's own client and credentials: who it
/// is taken for (`whoami` of the target), the same with nothing and with something forged, whether the secret could make
/// tokens, what time it is there, and by OPTIONS whether the path of each enabled job exists. It never sends a job, and
/// never prints a secret.
///
/// Exits 0 when nothing is wrong, 1 when something is, 2 for definitions that cannot be used. What it cannot tell is not
/// wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  SCHEDULER_API_TOKEN_FILE=./token sexton doctor --jobs jobs.toml\n  \
    sexton doctor --json | jq '.checks[] | select(.verdict == \"wrong\")'\n  \
    docker compose exec scheduler /sexton doctor")]
pub(super) struct Args {
    /// The file that defines the jobs [env: SEXTON_JOBS] [default: jobs.toml]
    #[arg(long, value_name = "FILE")]
    jobs: Option<PathBuf>,
    /// Where an app makes access tokens for its people: asked by an empty POST, which it must refuse
    #[arg(long, value_name = "PATH", default_value = "/api/auth/tokens", value_parser = path)]
    tokens: String,
    /// Write one JSON object with `ok` and `checks`
    #[arg(long)]
    json: bool,
}

fn path(text: &str) -> Result<String, &'static str> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("a path starts with `/`, such as /api/auth/tokens") }
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    screen: Screen,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let flags = RunFlags { jobs: args.jobs.clone(), ..RunFlags::default() };
    let config = match RunConfig::assemble(flags, environment) {
        Ok(config) => config,
        Err(error) => return Ok(usage_error(&error)),
    };
    let definitions = match definitions::load(&config.jobs, &config.overrides, environment, &SystemClock) {
        Ok(loaded) => loaded.definitions,
        Err(code) => return Ok(code),
    };
    let credentials = Arc::new(Credentials::load(config.credentials));
    let dispatcher = Dispatcher::new(Arc::clone(&credentials), Arc::new(SystemClock), Entropy::System);
    let doctor = Doctor { dispatcher: dispatcher.into_diagnostic()?, credentials, tokens: &args.tokens };
    let checks = Runtime::new().into_diagnostic()?.block_on(doctor.all(&definitions));
    let written = if args.json { report::json(&checks, out) } else { report::text(&checks, screen, out) };
    written.into_diagnostic()?;
    let wrong = checks.iter().any(|check| check.verdict == Verdict::Wrong);
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the questions are asked with.
struct Doctor<'a> {
    dispatcher: Dispatcher,
    credentials: Arc<Credentials>,
    /// Where an app may make tokens.
    tokens: &'a str,
}

impl Doctor<'_> {
    async fn all(&self, definitions: &Definitions) -> Vec<Check> {
        let mut checks = Vec::new();
        for target in definitions.targets.values() {
            progress(&format!("asking {}", target.name));
            let fires_there = |job: &&Job| job.enabled && job.target.name == target.name;
            let jobs: Vec<&Job> = definitions.jobs.values().map(Arc::as_ref).filter(fires_there).collect();
            checks.extend(self.examine(target, &jobs).await);
        }
        progress("");
        checks
    }
}
