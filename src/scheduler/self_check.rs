//! Asks each target with a `whoami` who it takes Sexton for: a dead secret is found at the start and not at 03:00
//! (seed A33).

use std::{sync::Arc, time::Duration};

use super::Scheduler;
use crate::{
    dispatch::WhoamiError,
    job::{Definitions, Target},
};

/// How long between two tries while a target does not answer: in compose the app may boot after its sidecar.
const PAUSE: Duration = Duration::from_secs(10);
/// After how many tries an absent target is left to its jobs.
const TRIES: u32 = 30;

pub(super) async fn check_all(scheduler: Scheduler) {
    let targets = targets_with_whoami(&scheduler.definitions.borrow());
    let mut checks: tokio::task::JoinSet<()> =
        targets.into_iter().map(|(target, path)| check(scheduler.clone(), target, path)).collect();
    while checks.join_next().await.is_some() {}
}

fn targets_with_whoami(definitions: &Definitions) -> Vec<(Arc<Target>, String)> {
    definitions.targets.values().filter_map(|target| Some((Arc::clone(target), target.whoami.clone()?))).collect()
}

async fn check(scheduler: Scheduler, target: Arc<Target>, path: String) {
    for number in 1..=TRIES {
        match scheduler.dispatcher.whoami(&target, &path).await {
            Ok(()) => return tracing::info!(target_app = target.name, "the app knows the credential"),
            Err(error @ WhoamiError::Unreachable { .. }) => {
                if number == 1 {
                    tracing::warn!(%error, "the self-check found nobody there, it is tried again");
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::error!(%error, "the self-check was refused");
                if matches!(error, WhoamiError::Rejected(_)) {
                    scheduler.status.send_modify(|status| {
                        status.self_check_refused.insert(target.name.clone());
                    });
                }
                return;
            }
        }
    }
    tracing::warn!(target_app = target.name, "the self-check never found anybody there");
}
