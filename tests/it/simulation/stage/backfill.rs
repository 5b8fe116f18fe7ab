//! Somebody who backfills, as the command does it: one run after the other, from what the ledger says.

use chrono::TimeDelta;
use sexton::{
    admin,
    job::JobName,
    run::{Outcome, RunId, Trigger},
    scheduler::decisions::{Command, Done, Refused, Ticket},
};

use super::{Instant, Stage};
use crate::{simulation::check::What, support::world::secs};

/// How often it is looked whether a run is over, and how long a sidecar that is away is waited for.
const AGAIN: TimeDelta = secs(20);
/// After which time somebody has had enough of it.
const LONGEST: TimeDelta = TimeDelta::minutes(40);

pub(super) struct Backfilling {
    /// As it was asked for.
    asked: admin::Backfill,
    /// As it was passed on.
    pub(super) passed_on: admin::Backfill,
    begun: Instant,
    pub(super) next_at: Instant,
    /// Who asked for the newest run.
    ticket: Option<Ticket>,
    /// The run that has to end first.
    run: Option<RunId>,
}

impl Backfilling {
    pub(super) fn new(asked: admin::Backfill, now: Instant) -> Self {
        let passed_on = asked.clone();
        Self { asked, passed_on, begun: now, next_at: now, ticket: None, run: None }
    }

    pub(super) fn hear(&mut self, ticket: Ticket, answer: &Result<Done, Refused>) {
        if self.ticket == Some(ticket)
            && let Ok(Done::Claimed { run, .. }) = answer
        {
            self.run = Some(*run);
        }
    }
}

impl Stage {
    pub(super) async fn go_on_backfilling(&mut self) {
        let Some(mut backfill) = self.people.backfill.take() else { return };
        backfill.next_at = self.now + AGAIN;
        if self.now - backfill.begun > LONGEST {
            return;
        }
        if !self.hears_people() || self.is_open(&mut backfill).await {
            self.people.backfill = Some(backfill);
            return;
        }
        self.people.backfill = self.send_oldest(backfill).await;
    }

    /// Whether its newest run is not over. One that was sent is done with, however it ended.
    async fn is_open(&self, backfill: &mut Backfilling) -> bool {
        let Some(run) = backfill.run else { return false };
        let (row, _) = self.store.run(run).await.unwrap().expect("a run that was claimed");
        match row.state.outcome() {
            None => return true,
            Some(Outcome::Skipped | Outcome::Missed) => {}
            Some(_) => backfill.passed_on.from = row.scheduled_for + TimeDelta::microseconds(1),
        }
        backfill.run = None;
        false
    }

    async fn send_oldest(&mut self, mut backfill: Backfilling) -> Option<Backfilling> {
        let job = self.file.jobs.get(&JobName::new(&backfill.asked.job).unwrap())?.clone();
        if backfill.passed_on.to < backfill.passed_on.from {
            return None;
        }
        // A clock that was set back has its end still to come.
        let stretch = admin::Stretch::of(&job, &backfill.passed_on, self.wall()).ok()?;
        let rows = self.store.runs(stretch.rows()).await.unwrap();
        let oldest = stretch.oldest(&rows)?;
        backfill.run = oldest.open;
        if oldest.open.is_none() {
            let what = What::Backfill { scheduled_for: oldest.scheduled_for, again: backfill.asked.again };
            let by = Some(self.people.ask_for(&job.name, self.now, what));
            let (job, trigger, scheduled_for) = (job.name.clone(), Trigger::Backfill, Some(oldest.scheduled_for));
            backfill.ticket = self.ask(Command::Fire { job, trigger, scheduled_for, by }).await;
        }
        Some(backfill)
    }
}
