//! The app and the sidecar of the demo, put together as an operator would: a secret file, a jobs.toml, two addresses.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use miette::{IntoDiagnostic, bail};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{prices::Prices, repositories::Repositories, story};
use crate::{
    admin::Address,
    cli::{definitions, secret, sidecar::Sidecar},
    clock::SystemClock,
    config::{Environment, RunConfig, RunFlags},
    credentials::{self, Credentials},
    entropy::Entropy,
    http_client, reference_app,
    scheduler::RunEnded,
    secret::SharedSecrets,
};

/// Where the app keeps its data, in the demo's folder.
pub(super) const APP: &str = "app";

/// Everything is running but the schedule.
pub(super) struct Scene {
    pub(super) app_address: String,
    pub(super) sidecar_address: String,
    pub(super) jobs: PathBuf,
    pub(super) store: String,
    pub(super) secret_file: PathBuf,
    sidecar: Sidecar,
    app: JoinHandle<Result<(), reference_app::StartError>>,
    ended: mpsc::UnboundedReceiver<RunEnded>,
    stop: watch::Receiver<bool>,
}

impl Scene {
    pub(super) async fn set(
        folder: &Path,
        repositories: &Repositories,
        environment: &Environment,
        stop: &watch::Sender<bool>,
    ) -> miette::Result<Self> {
        let secret_file = folder.join("secret");
        secret::make(&secret_file, None, Entropy::System).into_diagnostic()?;
        let (app_address, app) = start_app(folder, &secret_file, environment, stop.subscribe()).await?;
        furnish(&app_address, &secret_file, repositories).await?;

        let jobs = folder.join("jobs.toml");
        std::fs::write(&jobs, definitions_for(&app_address)).into_diagnostic()?;
        let store = format!("sqlite://{}", folder.join("ledger.db").display());
        let flags = RunFlags {
            jobs: Some(jobs.clone()),
            store: Some(store.clone()),
            listen: vec![Address::Tcp(([127, 0, 0, 1], 0).into())],
        };
        let credentials = credentials::Config::file(&secret_file);
        let config =
            RunConfig { credentials, ..RunConfig::assemble(flags, &Environment::default()).into_diagnostic()? };
        let Ok(loaded) = definitions::load(&jobs, &config.overrides, &Environment::default(), &SystemClock) else {
            bail!("the demo's own jobs.toml was refused");
        };
        let (listener, ended) = mpsc::unbounded_channel();
        let credentials = Arc::new(Credentials::load(config.credentials.clone()));
        let sidecar = Sidecar::start(config, loaded, credentials, Environment::default(), Some(listener)).await?;
        let (sidecar_address, stop) = (sidecar.address(), stop.subscribe());
        Ok(Self { app_address, sidecar_address, jobs, store, secret_file, sidecar, app, ended, stop })
    }

    /// Fires until the stop, and tells of each run.
    pub(super) async fn play(self) -> miette::Result<()> {
        let Self { sidecar, app, mut ended, stop, .. } = self;
        let telling = tokio::spawn(async move {
            while let Some(run) = ended.recv().await {
                story::tell_run(&run);
            }
        });
        sidecar.run(stop).await?;
        telling.await.into_diagnostic()?;
        app.await.into_diagnostic()?.into_diagnostic()
    }
}

async fn start_app(
    folder: &Path,
    secret_file: &Path,
    environment: &Environment,
    mut stop: watch::Receiver<bool>,
) -> miette::Result<(String, JoinHandle<Result<(), reference_app::StartError>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.into_diagnostic()?;
    let address = listener.local_addr().into_diagnostic()?.to_string();
    let lookup = |name: &str| match name {
        credentials::TOKEN_FILE => Some(secret_file.as_os_str().to_owned()),
        credentials::TOKEN => None,
        other => environment.get(other).map(OsString::from),
    };
    let config = reference_app::Config::new(folder.join(APP), lookup);
    let shutdown = async move { drop(stop.wait_for(|stop| *stop).await) };
    let app = reference_app::serve(config, listener, Arc::new(SystemClock), Entropy::System, shutdown);
    Ok((address, tokio::spawn(app)))
}

/// Tells the app what there is to bring into it.
async fn furnish(address: &str, secret_file: &Path, repositories: &Repositories) -> miette::Result<()> {
    let secrets = SharedSecrets::from_file(secret_file).into_diagnostic()?;
    let client = http_client::client().into_diagnostic()?;
    let url = |repository: &Path| format!("file://{}", repository.display());
    for (path, wanted) in [
        ("/api/marketplaces", json!({ "name": "recipes", "url": url(&repositories.living) })),
        ("/api/marketplaces", json!({ "name": "tools", "url": url(&repositories.still) })),
        ("/api/sources", json!({ "name": "prices", "file": Prices::FILE })),
    ] {
        let answer = client
            .post(format!("http://{address}{path}"))
            .bearer_auth(secrets.current().expose())
            .header("content-type", "application/json")
            .body(wanted.to_string())
            .send()
            .await
            .into_diagnostic()?;
        if !answer.status().is_success() {
            bail!("the app refused {wanted} at {path}: {}", answer.status());
        }
    }
    Ok(())
}

fn definitions_for(app: &str) -> String {
    format!(
        r#"# The demo's definitions. In yours, base_url is where your app listens.
[targets.app]
base_url = "http://{app}"
whoami = "/api/auth/me"

[jobs.sync-all]
description = "Bring every marketplace's new commits into the app"
schedule = "every 5s"
path = "/api/marketplaces/sync-all"
timeout = "4s"

[jobs.data-refresh]
description = "Import the data that changed: the app answers 202, does it in its own time and is polled"
schedule = "every 10s"
path = "/api/jobs"
json = {{ kind = "data-refresh" }}
completion = "poll"
poll = {{ success = ["completed"], failure = ["failed", "cancelled"], timeout = "1m" }}
cancel = {{ path = "/api/jobs/{{id}}/cancel" }}

[jobs.health]
schedule = "every 10s"
method = "GET"
path = "/api/health"
timeout = "5s"
"#
    )
}
