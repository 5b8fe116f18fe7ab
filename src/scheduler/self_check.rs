//! Asks each target with a `whoami` who it takes Sexton for: a dead secret is found at the start and not at 03:00
//! (seed A33).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::task::JoinSet;

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
    let mut checks: JoinSet<()> =
        targets.into_iter().map(|(target, path)| check(scheduler.clone(), target, path)).collect();
    while checks.join_next().await.is_some() {}
}

fn targets_with_whoami(definitions: &Definitions) -> Vec<(Arc<Target>, String)> {
    definitions.targets.values().filter_map(|target| Some((Arc::clone(target), target.whoami.clone()?))).collect()
}

async fn check(scheduler: Scheduler, target: Arc<Target>, path: String) {
    for number in 1..=TRIES {
        match scheduler.dispatcher.whoami(&target, &path).await {
            Ok(()) => {
                known_again(&scheduler, &target);
                return tracing::info!(target_app = target.name, "the app knows the credential");
            }
            Err(error @ WhoamiError::Unreachable { .. }) => {
                if number == 1 {
                    tracing::warn!(%error, "the self-check found nobody there, it is tried again");
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                return refused(&scheduler, &target, &error);
            }
        }
    }
    tracing::warn!(target_app = target.name, "the self-check never found anybody there");
}

/// The self-checks that follow refusals of jobs: one at a time for each target.
#[derive(Debug, Default)]
pub(super) struct Rechecks {
    asking: JoinSet<String>,
    asked: BTreeSet<String>,
}

impl Rechecks {
    /// A job of `target` was refused: does the app still know the credential (seed A33)?
    pub(super) fn begin(&mut self, scheduler: &Scheduler, target: &Arc<Target>) {
        let Some(path) = target.whoami.clone() else { return };
        if !self.asked.insert(target.name.clone()) {
            return;
        }
        let (scheduler, target) = (scheduler.clone(), Arc::clone(target));
        self.asking.spawn(async move {
            recheck(&scheduler, &target, &path).await;
            target.name.clone()
        });
    }

    /// Ends with the next self-check; never while there is none.
    pub(super) async fn ended(&mut self) {
        match self.asking.join_next().await {
            Some(Ok(target)) => drop(self.asked.remove(&target)),
            Some(Err(death)) => {
                tracing::error!(%death, "a self-check died");
                self.asked.clear();
            }
            None => std::future::pending().await,
        }
    }
}

async fn recheck(scheduler: &Scheduler, target: &Target, path: &str) {
    match scheduler.dispatcher.still_known(target, path).await {
        Ok(()) => {
            known_again(scheduler, target);
            if scheduler.dispatcher.rejections(&target.name) == 1 {
                tracing::warn!(
                    target_app = target.name,
                    "the app knows the credential and refused a job: give the scheduler's user the right that it needs"
                );
            }
        }
        Err(error @ (WhoamiError::Unreachable { .. } | WhoamiError::Unclear { .. })) => {
            tracing::debug!(%error, "the self-check after a refusal tells nothing");
        }
        Err(error) => refused(scheduler, target, &error),
    }
}

/// Says it once until the app knows the credential again: how often it is repeated is the matter of seed D5.
fn refused(scheduler: &Scheduler, target: &Target, error: &WhoamiError) {
    let rejected = matches!(error, WhoamiError::Rejected { .. });
    let news =
        !rejected || scheduler.status.send_if_modified(|status| status.self_check_refused.insert(target.name.clone()));
    if news {
        tracing::error!(%error, "the self-check was refused");
    }
}

fn known_again(scheduler: &Scheduler, target: &Target) {
    scheduler.status.send_if_modified(|status| status.self_check_refused.remove(&target.name));
}
