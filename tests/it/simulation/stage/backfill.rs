//! Somebody who backfills, as the command does it: one run after the other, from what the ledger says.

use chrono::TimeDelta;
use sexton::{
    admin,
    job::JobName,
    run::{Outcome, RunId},
    scheduler::decisions::{Command, Done, Refused, Ticket},
};

use super::{Instant, Stage};
use crate::{
    simulation::check::What,
    support::world::{millis, secs},
};

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
    /// The occurrence that it is about to ask for.
    wanted: Option<Instant>,
    /// The run that has to end first.
    run: Option<RunId>,
}

impl Backfilling {
    pub(super) fn new(asked: admin::Backfill, now: Instant) -> Self {
        let passed_on = asked.clone();
        Self { asked, passed_on, begun: now, next_at: now, ticket: None, wanted: None, run: None }
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
    /// The next of those who backfill does the next thing.
    pub(super) async fn go_on_backfilling(&mut self) {
        let next = (0..self.people.backfills.len()).min_by_key(|number| self.people.backfills[*number].next_at);
        let Some(mut backfill) = next.map(|number| self.people.backfills.remove(number)) else { return };
        if self.now - backfill.begun > LONGEST {
            return;
        }
        backfill.next_at = self.now + AGAIN;
        let goes_on = match backfill.wanted.take() {
            Some(wanted) => self.send_wanted(&mut backfill, wanted).await,
            None if !self.hears_people() || self.is_open(&mut backfill).await => true,
            None => self.look_for_oldest(&mut backfill).await,
        };
        if goes_on {
            self.people.backfills.push(backfill);
        }
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

    /// What it makes of the ledger takes a moment, in which another one may be faster.
    async fn look_for_oldest(&mut self, backfill: &mut Backfilling) -> bool {
        let job = self.file.jobs.get(&JobName::new(&backfill.asked.job).unwrap());
        let Some(job) = job.filter(|_| backfill.passed_on.from <= backfill.passed_on.to) else { return false };
        // A clock that was set back has its end still to come.
        let Ok(stretch) = admin::Stretch::of(job, &backfill.passed_on, self.wall()) else { return false };
        let rows = self.store.runs(stretch.rows()).await.unwrap();
        let Some(oldest) = stretch.oldest(&rows) else { return false };
        backfill.run = oldest.open;
        if oldest.open.is_none() {
            backfill.wanted = Some(oldest.scheduled_for);
            backfill.next_at = self.now + self.dice.span(millis(1), millis(30));
        }
        true
    }

    async fn send_wanted(&mut self, backfill: &mut Backfilling, scheduled_for: Instant) -> bool {
        let Some(job) = self.file.jobs.get(&JobName::new(&backfill.asked.job).unwrap()) else { return false };
        let (job, again) = (job.name.clone(), backfill.passed_on.again);
        let by =
            Some(self.people.ask_for(&job, self.now, What::Backfill { scheduled_for, again: backfill.asked.again }));
        backfill.ticket = self.ask(Command::Backfill { job, scheduled_for, again, by }).await;
        true
    }
}
