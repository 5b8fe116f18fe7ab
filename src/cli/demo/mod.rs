//! `sexton demo`: the main job, with nothing to set up.

mod prices;
mod repositories;
mod scene;
mod story;

use std::{env, process::ExitCode};

use miette::{Context, IntoDiagnostic};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};
use tracing_subscriber::filter::LevelFilter;

use self::{prices::Prices, repositories::Repositories, scene::Scene};
use super::{log, signals::Signals, usage_error};
use crate::config::{Environment, LogConfig};

/// See it work: the reference app and the sidecar in one process, and git repositories that a schedule keeps in sync
///
/// Makes a secret, two git repositories, a CSV file and a jobs.toml in a temporary folder, starts the app and the sidecar
/// on free ports, and prints a line for each firing. One repository gets a new commit now and then, and the file a new
/// row; the next firing brings them into the app. The file is imported by the app's job queue: its run is polled. Needs
/// `git`. Ctrl-C ends it and removes the folder.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(Args {}: &Args, environment: &Environment) -> miette::Result<ExitCode> {
    let config = match LogConfig::assemble(environment) {
        Ok(config) => config,
        Err(error) => return Ok(usage_error(&error)),
    };
    log::start(&config, LevelFilter::WARN);
    let runtime = Runtime::new().into_diagnostic()?;
    let ended = runtime.block_on(play(environment));
    runtime.shutdown_background();
    ended
}

async fn play(environment: &Environment) -> miette::Result<ExitCode> {
    let program = env::args_os().next().map_or_else(|| "sexton".into(), |path| path.to_string_lossy().into_owned());
    let signals = Signals::listen().into_diagnostic()?;
    let folder = tempfile::Builder::new().prefix("sexton-demo-").tempdir().into_diagnostic()?;
    let repositories = Repositories::make(folder.path()).await.wrap_err("the demo's repositories cannot be made")?;
    let prices = Prices::make(&folder.path().join(scene::APP)).wrap_err("the demo's data cannot be made")?;
    let stop = watch::Sender::new(false);
    let scene = Scene::set(folder.path(), &repositories, environment, &stop).await?;
    story::introduce(&program, &scene, folder.path());
    let changes = [
        tokio::spawn(repositories.keep_changing(stop.subscribe())),
        tokio::spawn(prices.keep_growing(stop.subscribe())),
    ];
    let played = tokio::select! {
        played = scene.play() => played.map(|()| ExitCode::SUCCESS),
        () = signals.stop_then_end(stop) => Ok(ExitCode::from(130)),
    };
    changes.iter().for_each(JoinHandle::abort);
    story::end(&program);
    played
}
