//! Puts a sidecar together, for `run` and `demo`.

use std::sync::Arc;

use miette::{Context, IntoDiagnostic};
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::reload::Reload;
use crate::{
    admin::{self, Admin, Door, Drafts, Health, Listener},
    clock::{SharedClock, SystemClock},
    config::{Environment, RunConfig},
    credentials::Credentials,
    dispatch::Dispatcher,
    entropy::Entropy,
    job::{self, InForce, LoadContext, Loaded, Source},
    scheduler::{Handle, Metrics, RunEnded, Scheduler, Status, Stop},
    store::{self, Opened},
};

/// A sidecar whose ledger and listeners are open.
pub(super) struct Sidecar {
    scheduler: Scheduler,
    reload: Reload,
    admin: Admin,
    listeners: Vec<Listener>,
}

impl Sidecar {
    /// Opens the ledger and the listeners. `listener` hears of every run that ends.
    pub(super) async fn start(
        config: RunConfig,
        loaded: Loaded,
        credentials: Arc<Credentials>,
        environment: Environment,
        listener: Option<UnboundedSender<RunEnded>>,
    ) -> miette::Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let Opened { store, fresh_because } = store::open(&config.store, clock.now()).await.into_diagnostic()?;
        let listeners = listeners(&config).await?;
        let jobs = loaded.definitions.jobs.len();
        let dispatcher = Dispatcher::new(Arc::clone(&credentials), clock.clone(), Entropy::System).into_diagnostic()?;
        let (metrics, status) = (Metrics::new(), watch::Sender::new(Status::default()));
        let dispatcher = Arc::new(dispatcher);
        let entropy = Entropy::System;
        let (definitions, in_force) = (watch::Sender::new(loaded.definitions.clone()), InForce::first(loaded));
        let drafts = drafts(&config, environment.clone(), clock.clone());
        let reload = Reload {
            path: config.jobs,
            overrides: Arc::new(config.overrides),
            environment: Arc::new(environment),
            clock: clock.clone(),
            in_force: watch::Sender::new(in_force),
            definitions,
        };
        let definitions = reload.definitions.subscribe();
        let (of_admin, time) = (Arc::clone(&store), clock.clone());
        let (handle, commands) = Handle::new();
        let scheduler =
            Scheduler { definitions, store, dispatcher, clock, entropy, metrics, status, listener, commands };
        let admin = Admin {
            door: Arc::new(Door::new(config.admin_token)),
            health: Health {
                scheduler: scheduler.watch(),
                credentials: Arc::clone(&credentials),
                fresh_because: fresh_because.map(Arc::new),
                definitions: reload.in_force.subscribe(),
            },
            metrics: scheduler.metrics.clone(),
            credentials,
            store: of_admin,
            clock: time,
            drafts,
            handle,
            entropy,
        };
        tracing::info!(
            jobs,
            store = config.store,
            listening = %addresses(&listeners),
            version = env!("CARGO_PKG_VERSION"),
            "sexton is up"
        );
        Ok(Self { scheduler, reload, admin, listeners })
    }

    /// Where it listens, as it came out.
    pub(super) fn address(&self) -> String {
        addresses(&self.listeners)
    }

    /// Fires until `stop` turns true and the drain is over. The listener answers to the end of the drain.
    pub(super) async fn run(self, stop: Stop) -> miette::Result<()> {
        let (drained, until_drained) = watch::channel(false);
        let store = Arc::clone(&self.scheduler.store);
        let listening = tokio::spawn(admin::serve(self.admin, self.listeners, until_drained));
        let reloading = tokio::spawn(self.reload.keep_looking());
        let ended = self.scheduler.run(stop).await;
        reloading.abort();
        drained.send_replace(true);
        let closed = tokio::time::timeout(std::time::Duration::from_secs(1), listening).await;
        if closed.is_err() {
            tracing::debug!("a client keeps its connection to the listener open");
        }
        store.close().await;
        ended.into_diagnostic()?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// What is asked about is read as the sidecar's own file is: beside the same `jobs.d`, with the same variables.
fn drafts(config: &RunConfig, environment: Environment, clock: SharedClock) -> Drafts {
    let (path, overrides) = (config.jobs.clone(), config.overrides.clone());
    Drafts::new(move |text| {
        let lookup = |name: &str| environment.get(name);
        let context = LoadContext { environment: &lookup, overrides: &overrides, now: clock.now() };
        let mut sources = job::read_sources(&path)?;
        if let Some(main) = sources.first_mut() {
            *main = Source::new(Arc::clone(main.name()), text);
        }
        job::load_sources(sources, &context)
    })
}

async fn listeners(config: &RunConfig) -> miette::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for address in &config.listen {
        let listener = admin::bind(address).await.into_diagnostic();
        listeners.push(listener.wrap_err_with(|| format!("cannot listen at {address}: choose another with --listen"))?);
    }
    Ok(listeners)
}

fn addresses(listeners: &[Listener]) -> String {
    listeners.iter().map(Listener::address).collect::<Vec<_>>().join(", ")
}
