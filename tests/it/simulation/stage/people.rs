//! What people do by hand, as the API has it done: fire, backfill, cancel, settle, pause, resume.

use std::collections::BTreeMap;

use sexton::{
    admin,
    job::JobName,
    run::{Outcome, Run, RunId},
    scheduler::decisions::{Command, Done, Event, Refused, Ticket},
    store::RunQuery,
};

use super::{Instant, Stage, backfill::Backfilling};
use crate::simulation::{
    check::{Ask, Deeds, What},
    scenario::Deed,
};

/// All who ask for something.
#[derive(Default)]
pub(super) struct People {
    pub(super) deeds: Deeds,
    last: Ticket,
    /// Who waits to hear that a run is settled so.
    settling: BTreeMap<Ticket, (RunId, Outcome)>,
    pub(super) backfills: Vec<Backfilling>,
}

impl People {
    pub(super) fn ticket(&mut self) -> Ticket {
        self.last += 1;
        self.last
    }

    /// Notes who asks for a run of `job`, and says by which name.
    pub(super) fn ask_for(&mut self, job: &JobName, at: Instant, what: What) -> String {
        let by = format!("user:{}", self.deeds.asked.len());
        self.deeds.asked.push(Ask { by: by.clone(), job: job.clone(), at, what });
        by
    }

    pub(super) fn hear(&mut self, ticket: Ticket, answer: &Result<Done, Refused>) {
        self.backfills.iter_mut().for_each(|backfill| backfill.hear(ticket, answer));
        match answer {
            Ok(Done::Claimed { run, .. }) => self.deeds.promised.push(*run),
            Ok(Done::Settled) => self.deeds.settled.extend(self.settling.remove(&ticket)),
            _ => {}
        }
    }
}

impl Stage {
    pub(super) async fn does(&mut self, deed: Deed) {
        match deed {
            Deed::Fire(number, times) => {
                let Some(job) = self.job(number) else { return };
                for _ in 0..times {
                    let by = Some(self.people.ask_for(&job, self.now, What::Fire));
                    self.ask(Command::Fire { job: job.clone(), by }).await;
                }
            }
            Deed::Backfill { number, back, length, again, times } => {
                let Some(job) = self.job(number) else { return };
                let from = self.wall() - back;
                let (job, to) = (job.to_string(), from + length);
                let asked = admin::Backfill { job, from, to: to.min(self.wall()), again };
                for _ in 0..times {
                    let mut backfill = Backfilling::new(asked.clone(), self.now);
                    (self.between.overhear)(&mut backfill.passed_on);
                    self.people.backfills.push(backfill);
                }
            }
            Deed::Cancel(number) => {
                let open = self.store.unfinished().await.unwrap();
                let Some(run) = one_of(&open, number).map(|run| run.id) else { return };
                self.people.deeds.cancelled.push(run);
                self.ask(Command::Cancel { run }).await;
            }
            Deed::Settle(number) => {
                let query = RunQuery { outcome: Some(Outcome::Unknown), limit: 50, ..RunQuery::default() };
                let unknown = self.store.runs(query).await.unwrap();
                let done = |run: &Run| run.settled.is_none() && self.app.is_done_with(run.id, self.now);
                let unknown: Vec<_> = unknown.into_iter().filter(done).map(|run| (run.id, run.job)).collect();
                let Some((run, job)) = one_of(&unknown, number) else { return };
                let outcome = if number.is_multiple_of(3) { Outcome::Failed } else { Outcome::Succeeded };
                self.people.deeds.settlements.push((run, outcome));
                let ticket = self.ask(Command::Settle { run, job, outcome }).await;
                self.people.settling.extend(ticket.map(|ticket| (ticket, (run, outcome))));
            }
            Deed::Pause(number, time) => {
                let job = number.and_then(|number| self.job(number));
                let until = time.map(|time| self.wall() + time);
                self.ask(Command::Pause { job, until, note: None, by: None }).await;
            }
            Deed::Resume(number) => {
                let job = number.and_then(|number| self.job(number));
                self.ask(Command::Resume { job }).await;
            }
        }
    }

    pub(super) fn job(&self, number: usize) -> Option<JobName> {
        self.file.jobs.keys().nth(number).cloned()
    }

    /// A process that is away, or stands still, is not asked.
    pub(super) fn hears_people(&self) -> bool {
        self.sidecar.as_ref().is_some_and(|sidecar| sidecar.frozen_until <= self.now)
    }

    pub(super) async fn ask(&mut self, command: Command) -> Option<Ticket> {
        if !self.hears_people() {
            return None;
        }
        let ticket = self.people.ticket();
        self.decide(Event::Asked(ticket, command));
        self.write().await;
        Some(ticket)
    }
}

fn one_of<T: Clone>(all: &[T], number: usize) -> Option<T> {
    all.get(number % all.len().max(1)).cloned()
}
