//! `sexton run`: the sidecar.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use miette::IntoDiagnostic;
use tokio::{runtime::Runtime, sync::watch};
use tracing_subscriber::filter::LevelFilter;

use super::{definitions, log, sidecar::Sidecar, signals::Signals, usage_error};
use crate::{
    admin::Address,
    clock::SystemClock,
    config::{ConfigError, Environment, LogConfig, RunConfig, RunFlags},
    credentials::{CredentialError, Credentials},
    job::{Definitions, Loaded},
};

/// Run the sidecar: fire the jobs of jobs.toml on time
///
/// The shared secret is read from SCHEDULER_API_TOKEN, or from the file that SCHEDULER_API_TOKEN_FILE names; the app gets
/// the same one. Every occurrence ends as one row of the ledger, which `sexton runs --store …` shows. Logs go to standard
/// error: text, or JSON with SEXTON_LOG=json; RUST_LOG sets the level.
///
/// SIGTERM and Ctrl-C stop it: nothing new is sent, open requests are waited for up to `shutdown_grace`. A second signal
/// ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sexton secret ensure ./token\n  \
    SCHEDULER_API_TOKEN_FILE=./token sexton run --jobs jobs.toml --store sqlite://sexton.db")]
pub(super) struct Args {
    /// The file that defines the jobs [env: SEXTON_JOBS] [default: jobs.toml]
    #[arg(long, value_name = "FILE")]
    jobs: Option<PathBuf>,
    /// The ledger; one sidecar a file [env: SEXTON_STORE] [default: sqlite://sexton.db]
    #[arg(long, value_name = "ADDRESS")]
    store: Option<String>,
    /// Where health, /metrics, the JWKS and the API that `list`, `fire` and the like talk to answer: IP:PORT or unix:PATH;
    /// may be given again [env: SEXTON_LISTEN] [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<Address>,
}

pub(super) fn run(args: Args, environment: &Environment) -> miette::Result<ExitCode> {
    let flags = RunFlags { jobs: args.jobs, store: args.store, listen: args.listen };
    let (log, config) = match assemble(flags, environment) {
        Ok(both) => both,
        Err(error) => return Ok(usage_error(&error)),
    };
    log::start(&log, LevelFilter::INFO);
    let loaded = match definitions::load(&config.jobs, &config.overrides, environment, &SystemClock) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let credentials = Arc::new(Credentials::load(config.credentials.clone()));
    if let Err(error) = usable(&credentials, &loaded.definitions) {
        return Ok(usage_error(&error));
    }
    let runtime = Runtime::new().into_diagnostic()?;
    let ended = runtime.block_on(until_signalled(config, loaded, credentials, environment));
    runtime.shutdown_background();
    ended
}

fn assemble(flags: RunFlags, environment: &Environment) -> Result<(LogConfig, RunConfig), ConfigError> {
    Ok((LogConfig::assemble(environment)?, RunConfig::assemble(flags, environment)?))
}

/// Fails closed (guarantee G8): a target that needs a secret or a key, and none that can be used.
fn usable(credentials: &Credentials, definitions: &Definitions) -> Result<(), CredentialError> {
    definitions.targets.values().try_for_each(|target| credentials.ready_for(&target.auth))
}

async fn until_signalled(
    config: RunConfig,
    loaded: Loaded,
    credentials: Arc<Credentials>,
    environment: &Environment,
) -> miette::Result<ExitCode> {
    let signals = Signals::listen().into_diagnostic()?;
    let stop = watch::Sender::new(false);
    let sidecar = Sidecar::start(config, loaded, credentials, environment.clone(), None).await?;
    tokio::select! {
        ended = sidecar.run(stop.subscribe()) => ended.map(|()| ExitCode::SUCCESS),
        () = signals.stop_then_end(stop) => Ok(ExitCode::from(130)),
    }
}
