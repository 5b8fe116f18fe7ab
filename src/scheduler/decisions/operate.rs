//! What people ask for by hand: runs, ends, pauses.
//!
//! A [`Command`] comes with a [`Ticket`]. It is answered once the ledger has it, or at once when it cannot be: what is
//! asked for by hand is not tried again behind somebody's back.

use chrono::{DateTime, SubsecRound, Utc};

use super::{Decisions, Effect, Live, Notice, Phase, Write, start::asked_at, writes::push_writes};
use crate::{
    job::JobName,
    run::{Outcome, Reason, RunId, Trigger},
    store::{Asked, Claim, End, Pause},
};

/// The number of a question, for its answer.
pub type Ticket = u64;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Command {
    /// A run of a job, now.
    Fire {
        /// Whose.
        job: JobName,
        /// Who asks, as `class:name`.
        by: Option<String>,
    },
    /// A run of a job for an instant of the past, unless one of that instant is open or has done it.
    Backfill {
        /// Whose.
        job: JobName,
        /// The instant.
        scheduled_for: DateTime<Utc>,
        /// Also when one has succeeded.
        again: bool,
        /// Who asks, as `class:name`.
        by: Option<String>,
    },
    /// An end of a run that has none yet.
    Cancel {
        /// Which run. The app of one that is open is asked to stop it.
        run: RunId,
    },
    /// What an unknown run turned out to be.
    Settle {
        /// Which run.
        run: RunId,
        /// Whose.
        job: JobName,
        /// `succeeded` or `failed`.
        outcome: Outcome,
    },
    /// A job, or all of them, is held back.
    Pause {
        /// Which job; `None`: all.
        job: Option<JobName>,
        /// Until when; `None`: until it is ended by hand.
        until: Option<DateTime<Utc>>,
        /// Why, for people.
        note: Option<String>,
        /// Who asks, as `class:name`.
        by: Option<String>,
    },
    /// A pause ends: of a job, or of all, which leaves those of single jobs.
    Resume {
        /// Which job; `None`: all.
        job: Option<JobName>,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The run is claimed.
    Claimed {
        /// Its id.
        run: RunId,
        /// Its instant.
        scheduled_for: DateTime<Utc>,
    },
    /// The run ends: the ledger is being told, or the app is asked to stop it.
    Cancelling,
    /// The run is settled.
    Settled,
    /// The pause stands.
    Paused(Pause),
    /// The pause is over.
    Resumed,
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No job has this name.
    #[error("there is no job `{0}`")]
    UnknownJob(JobName),
    /// The run has its outcome.
    #[error("run {0} is over: only a run without an outcome can be cancelled")]
    NotOpen(RunId),
    /// Its state is just changing.
    #[error("run {0} is just about to be sent: ask again in a moment")]
    Changing(RunId),
    /// The run is not unknown, or was settled before.
    #[error("run {0} is not unknown any more: only an unknown run can be settled, and once")]
    NotUnknown(RunId),
    /// There is no such pause.
    #[error("{}", not_paused(.job.as_ref(), *.all_are))]
    NotPaused {
        /// Of which job; `None`: of all.
        job: Option<JobName>,
        /// Whether all jobs are paused, this one among them.
        all_are: bool,
    },
    /// Somebody else was there first.
    #[error("the occurrence of {0} is not to be sent: a run of it is open, or has succeeded")]
    Taken(DateTime<Utc>),
    /// It would be over before it began.
    #[error("a pause until {0} is over already: name an instant to come")]
    PauseOver(DateTime<Utc>),
    /// The scheduler stops, or has not taken over the ledger yet.
    #[error("the scheduler is not firing now: it starts or stops; ask again in a moment")]
    NotFiring,
    /// The ledger takes no writes.
    #[error("the ledger cannot be written, so nothing was done: the log says why")]
    Unwritable,
    /// The scheduler panicked meanwhile and started over, or did not answer in time.
    #[error("the scheduler gave no answer: whether it was done, `sexton runs` and `sexton list` tell")]
    Interrupted,
}

fn not_paused(job: Option<&JobName>, all_are: bool) -> String {
    match (job, all_are) {
        (Some(job), true) => format!("job `{job}` has no pause of its own; all jobs are paused: `sexton resume --all`"),
        (Some(job), false) => format!("job `{job}` is not paused"),
        (None, _) => "there is no pause of all jobs: `sexton list` shows those of single jobs".to_owned(),
    }
}

/// What the ledger is told for it. With a ticket, somebody waits to hear of it.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Claim runs that no schedule demanded.
    Claim(Vec<Asked>, Option<Ticket>),
    /// Claim a run of an instant of the past.
    Backfill {
        /// The run.
        asked: Asked,
        /// Also when one of that instant has succeeded.
        again: bool,
        /// Who waits to hear of it.
        ticket: Ticket,
    },
    /// Write down what an unknown run turned out to be.
    Settle(RunId, JobName, Outcome, Ticket),
    /// Begin a pause, or give one that is there an end.
    Pause(Pause, Ticket),
    /// Forget pauses that are over.
    ForgetPauses(Vec<Option<JobName>>),
}

impl Operation {
    pub(super) fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::Claim(_, ticket) => *ticket,
            Self::Settle(.., ticket) | Self::Pause(_, ticket) | Self::Backfill { ticket, .. } => Some(*ticket),
            Self::ForgetPauses(_) => None,
        }
    }
}

impl Decisions {
    pub(super) fn asked(&mut self, now: DateTime<Utc>, ticket: Ticket, command: Command, effects: &mut Vec<Effect>) {
        match self.operation(now, ticket, command, effects) {
            Ok(None) => {}
            Ok(Some(operation)) => effects.push(Effect::Write(Write::Operate(operation))),
            Err(refused) => effects.push(Effect::Answer(ticket, Err(refused))),
        }
    }

    fn operation(
        &mut self,
        now: DateTime<Utc>,
        ticket: Ticket,
        command: Command,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Operation>, Refused> {
        if self.phase != Phase::Firing {
            return Err(Refused::NotFiring);
        }
        if self.parking.retry_at().is_some() {
            return Err(Refused::Unwritable);
        }
        Ok(Some(match command {
            Command::Cancel { run } => {
                let done = self.cancel(now, run, effects)?;
                effects.push(Effect::Answer(ticket, Ok(done)));
                return Ok(None);
            }
            Command::Fire { job, by } => {
                let asked = self.ask_for(now, &job, Trigger::Manual, None, by)?;
                Operation::Claim(vec![asked], Some(ticket))
            }
            Command::Backfill { job, scheduled_for, again, by } => {
                let asked = self.ask_for(now, &job, Trigger::Backfill, Some(scheduled_for), by)?;
                // What fell due up to now has its own run first.
                self.take_due(now, effects);
                Operation::Backfill { asked, again, ticket }
            }
            Command::Settle { run, job, outcome } => Operation::Settle(run, job, outcome, ticket),
            Command::Pause { job, until, note, by } => {
                self.known(job.as_ref())?;
                if let Some(over) = until.filter(|until| *until <= now) {
                    return Err(Refused::PauseOver(over));
                }
                Operation::Pause(Pause { job, since: now.trunc_subsecs(6), until, note, by }, ticket)
            }
            Command::Resume { job } => {
                self.known(job.as_ref())?;
                // What fell due up to now fell into the pause.
                self.take_due(now, effects);
                self.work_off_agenda(now, effects);
                let pause = self.pauses.of(job.as_ref(), now).cloned();
                let all_are = job.is_some() && self.pauses.of(None, now).is_some();
                let pause = pause.ok_or(Refused::NotPaused { job, all_are })?;
                let until = Some(now.trunc_subsecs(6).max(pause.since + chrono::TimeDelta::microseconds(1)));
                Operation::Pause(Pause { until, ..pause }, ticket)
            }
        }))
    }

    fn known(&self, job: Option<&JobName>) -> Result<(), Refused> {
        match job.filter(|job| !self.definitions.jobs.contains_key(*job)) {
            Some(unknown) => Err(Refused::UnknownJob(unknown.clone())),
            None => Ok(()),
        }
    }

    /// A run of `job` that no schedule demands.
    pub(super) fn ask_for(
        &self,
        now: DateTime<Utc>,
        job: &JobName,
        trigger: Trigger,
        scheduled_for: Option<DateTime<Utc>>,
        by: Option<String>,
    ) -> Result<Asked, Refused> {
        let job = self.definitions.jobs.get(job).ok_or_else(|| Refused::UnknownJob(job.clone()))?;
        let scheduled_for = scheduled_for.unwrap_or_else(|| now.trunc_subsecs(6));
        let claim = Claim { id: RunId::new(now, self.entropy), scheduled_for, trigger, definition: job.hash.clone() };
        Ok(Asked { job: job.name.clone(), claim, by })
    }

    /// What jobs with `run_on_start` want when a process begins. One that is held back or disabled wants nothing.
    pub(super) fn ask_for_starts(&self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let jobs = self.definitions.jobs.values().filter(|job| job.run_on_start && job.enabled);
        let wanted = jobs.filter(|job| !self.pauses.cover(&job.name, now));
        let asked: Vec<Asked> =
            wanted.filter_map(|job| self.ask_for(now, &job.name, Trigger::Startup, None, None).ok()).collect();
        if !asked.is_empty() {
            effects.push(Effect::Write(Write::Operate(Operation::Claim(asked, None))));
        }
    }

    /// The ledger did it. `found` is its answer to a settlement or a backfill.
    pub(super) fn operated(
        &mut self,
        now: DateTime<Utc>,
        operation: Operation,
        found: bool,
        effects: &mut Vec<Effect>,
    ) {
        match operation {
            Operation::Claim(asked, ticket) => self.claimed(now, asked, ticket, effects),
            Operation::Backfill { asked, ticket, .. } if found => {
                self.claimed(now, vec![asked], Some(ticket), effects);
            }
            Operation::Backfill { asked, ticket, .. } => {
                effects.push(Effect::Answer(ticket, Err(Refused::Taken(asked.claim.scheduled_for))));
            }
            Operation::Settle(run, job, outcome, ticket) if found => {
                if self.holds.extract_if(.., |(.., held)| *held == run).next().is_some() {
                    self.wake_job(&job);
                    self.work_off_agenda(now, effects);
                }
                effects.push(Effect::Notice(Notice::Settled { job, run, outcome }));
                effects.push(Effect::Answer(ticket, Ok(Done::Settled)));
            }
            Operation::Settle(run, .., ticket) => {
                effects.push(Effect::Answer(ticket, Err(Refused::NotUnknown(run))));
            }
            Operation::Pause(pause, ticket) => {
                let over = pause.until.is_some_and(|until| until <= now);
                let done = if over { Done::Resumed } else { Done::Paused(pause.clone()) };
                self.pauses.set(pause);
                effects.push(Effect::Notice(Notice::Pauses(self.pauses.in_force(now))));
                effects.push(Effect::Answer(ticket, Ok(done)));
            }
            Operation::ForgetPauses(_) => {}
        }
    }

    fn claimed(&mut self, now: DateTime<Utc>, asked: Vec<Asked>, ticket: Option<Ticket>, effects: &mut Vec<Effect>) {
        let first = asked.first().map(|Asked { claim, .. }| (claim.id, claim.scheduled_for));
        if let Some((ticket, (run, scheduled_for))) = ticket.zip(first) {
            effects.push(Effect::Answer(ticket, Ok(Done::Claimed { run, scheduled_for })));
        }
        let ends = asked.into_iter().filter_map(|Asked { job, claim, .. }| self.take_asked(now, &job, &claim));
        push_writes(Vec::new(), ends.collect(), effects);
        self.work_off_agenda(now, effects);
    }

    /// Takes up a claimed run that no schedule demanded: it is due now, or when it was made.
    pub(super) fn take_asked(&mut self, now: DateTime<Utc>, job: &JobName, claim: &Claim) -> Option<End> {
        let &Claim { id, scheduled_for, trigger, .. } = claim;
        let Some(job) = self.definitions.jobs.get(job).cloned() else {
            return Some(End { run: id, outcome: Outcome::Cancelled, reason: Reason::Removed });
        };
        let fires_at = asked_at(now, id);
        self.remember(id, Live::claimed(job, scheduled_for, fires_at, trigger));
        self.look_again(now, id);
        None
    }

    /// The ledger could not do it. Whoever waits is told; what nobody waits for is tried again.
    pub(super) fn operation_failed(&mut self, operation: Operation, effects: &mut Vec<Effect>) -> Option<Write> {
        match operation.ticket() {
            Some(ticket) => {
                effects.push(Effect::Answer(ticket, Err(Refused::Unwritable)));
                None
            }
            None => Some(Write::Operate(operation)),
        }
    }
}
