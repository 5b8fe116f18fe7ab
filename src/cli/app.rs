//! `sexton app`: the reference app.

use std::{ffi::OsString, io, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use miette::IntoDiagnostic;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};
use tracing_subscriber::filter::LevelFilter;

use super::{log, signals::Signals, usage_error};
use crate::{
    clock::{SharedClock, SystemClock},
    config::{Environment, LogConfig},
    entropy::Entropy,
    reference_app::{self, Config, ConfigError, StartError},
};

/// Run the reference app: users, access tokens, an audit log, git marketplaces, imported sources, a job queue
///
/// It is the app that `sexton run` calls in the examples, and a model for an app of your own. Who presents the secret of
/// SCHEDULER_API_TOKEN is the user scheduler@system.local, an admin.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// Address and port to listen on. Port 0 takes a free one, which the log names.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,

    /// Folder of the databases and the repositories; made when it is not there, readable by you only. Files in its `sources`
    /// may be imported.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Seconds after which the sync of one repository is given up and its git is killed.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub sync_limit: u64,

    /// How many queued jobs (POST /api/jobs) are done at once; with 0, asking for one is refused.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub workers: u8,

    /// Seconds after which one attempt at a queued job is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub job_limit: u64,
}

const AFTER_HELP: &str = "\
Environment:
  SCHEDULER_API_TOKEN           the secret shared with the sidecar, 32 characters at least
  SCHEDULER_API_TOKEN_FILE      a file of accepted secrets, one a line; read again while the app runs
  SCHEDULER_API_TOKEN_PREVIOUS  also accepted: the secret before a rotation
  Without a usable secret the app starts with a warning, and the scheduler's requests get 401.

  SEXTON_JWKS_FILE              public keys of signed tokens, such as KEY.jwks; read again while the app runs
  SEXTON_JWKS_CLASSES           what those keys may sign: run, for the sidecar's; every class of token, unless it is set
  SEXTON_JWT_SECRETS[_FILE]     secrets of signed tokens (HS256): any verifies, the first signs the app's own
  SEXTON_ISSUER, SEXTON_AUDIENCE  whose tokens are taken, and this app's name in them; needed with either
  SEXTON_AUTH_MODE              required (also closes /api/health and log-in), optional (default) or disabled; another
                                word stops the start

Examples:
  sexton secret ensure secret.txt
  SCHEDULER_API_TOKEN_FILE=secret.txt sexton app --data app-data

  curl -X POST localhost:8000/api/marketplaces -H \"Authorization: Bearer $(head -1 secret.txt)\" \\
       -H 'Content-Type: application/json' -d '{\"name\":\"tools\",\"url\":\"https://example.org/tools.git\"}'
  curl -X POST localhost:8000/api/marketplaces/sync-all -H \"Authorization: Bearer $(head -1 secret.txt)\"";

/// Why the app did not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// As it was given.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The environment says something about tokens that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The app cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Runs the app until it is signalled.
pub(super) fn start(args: Args, environment: &Environment) -> miette::Result<ExitCode> {
    let config = match LogConfig::assemble(environment) {
        Ok(config) => config,
        Err(error) => return Ok(usage_error(&error)),
    };
    log::start(&config, LevelFilter::INFO);
    let runtime = Runtime::new().into_diagnostic()?;
    let ended = runtime.block_on(until_signalled(args, environment));
    runtime.shutdown_background();
    ended
}

async fn until_signalled(args: Args, environment: &Environment) -> miette::Result<ExitCode> {
    let signals = Signals::listen().into_diagnostic()?;
    let (stop, mut stopped) = watch::channel(false);
    let lookup = |name: &str| environment.get(name).map(OsString::from);
    let shutdown = async move { drop(stopped.wait_for(|stop| *stop).await) };
    tokio::select! {
        ended = run(args, lookup, Arc::new(SystemClock), Entropy::System, shutdown) => {
            match ended {
                Err(error @ (AppError::Config(_) | AppError::Start(StartError::Tokens(_)))) => Ok(usage_error(&error)),
                ended => ended.into_diagnostic().map(|()| ExitCode::SUCCESS),
            }
        }
        () = signals.stop_then_end(stop) => Ok(ExitCode::from(130)),
    }
}

/// Runs the app until `shutdown` ends. `environment` looks a variable up by name.
///
/// # Errors
/// The address, the data folder or a variable cannot be used.
pub async fn run(
    args: Args,
    environment: impl Fn(&str) -> Option<OsString>,
    clock: SharedClock,
    entropy: Entropy,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AppError> {
    let Args { listen, data, sync_limit, workers, job_limit } = args;
    let failed = |source| AppError::Listen { address: listen.clone(), source };
    let listener = TcpListener::bind(&listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let config = Config {
        sync_limit: Duration::from_secs(sync_limit),
        workers: workers.into(),
        job_limit: Duration::from_secs(job_limit),
        ..Config::new(data, &environment).with_tokens(&environment)?
    };
    tracing::info!(%address, data = %config.data.display(), "the app listens");
    reference_app::serve(config, listener, clock, entropy, shutdown).await?;
    tracing::info!("the app has stopped");
    Ok(())
}
