//! Keeps a running sidecar's definitions up to date with its files: at every change, and on SIGHUP.

use std::{path::PathBuf, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::MissedTickBehavior,
};

use crate::{
    clock::SharedClock,
    config::Environment,
    job::{self, Definitions, FileWatch, InForce, LoadContext, Loaded, Overrides, Report, Source},
};

/// What reading the files again needs.
pub(super) struct Reload {
    pub(super) path: PathBuf,
    pub(super) overrides: Arc<Overrides>,
    pub(super) environment: Arc<Environment>,
    pub(super) clock: SharedClock,
    pub(super) in_force: watch::Sender<InForce>,
    pub(super) definitions: watch::Sender<Definitions>,
}

impl Reload {
    /// Looks until it is dropped.
    pub(super) async fn keep_looking(self) {
        let mut files = FileWatch::new(self.path.clone());
        {
            let in_force = self.in_force.borrow();
            files.knows(&in_force.loaded.sources, &in_force.loaded.attachments);
        }
        let mut look = tokio::time::interval(job::LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::error!(%error, "SIGHUP cannot be listened to; definitions are not reloaded"),
        };
        loop {
            let asked = tokio::select! {
                _ = look.tick() => false,
                _ = hangup.recv() => true,
            };
            match files.look(asked).await {
                Some(read) => self.take(read, &mut files).await,
                None if asked => tracing::info!("SIGHUP: the definitions are unchanged"),
                None => {}
            }
        }
    }

    async fn take(&self, read: Result<Vec<Source>, Report>, files: &mut FileWatch) {
        let readable = read.is_ok();
        let Some(edit) = self.check(read).await else { return };
        match &edit {
            Ok(Loaded { sources, attachments, .. }) => files.knows(sources, attachments),
            Err(Report { sources, attachments, .. }) if readable => files.knows(sources, attachments),
            Err(_) => {}
        }
        if let Ok(loaded) = &edit {
            loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        }
        let mut changed = false;
        self.in_force.send_modify(|in_force| changed = in_force.take(edit));
        let in_force = self.in_force.borrow();
        for error in in_force.errors() {
            tracing::error!(generation = in_force.generation, "{error}");
        }
        if in_force.rejected.is_some() {
            tracing::error!(generation = in_force.generation, "the edit is not taken; the definitions before it go on");
        } else if changed {
            self.definitions.send_replace(in_force.loaded.definitions.clone());
        } else {
            tracing::info!(generation = in_force.generation, "the definitions are again those in force");
        }
    }
    async fn check(&self, read: Result<Vec<Source>, Report>) -> Option<Result<Loaded, Report>> {
        let (environment, overrides) = (Arc::clone(&self.environment), Arc::clone(&self.overrides));
        let now = self.clock.now();
        job::off_the_workers(move || {
            let lookup = |name: &str| environment.get(name);
            let context = LoadContext { environment: &lookup, overrides: &overrides, now };
            read.and_then(|sources| job::load_sources(sources, &context))
        })
        .await
    }
}
