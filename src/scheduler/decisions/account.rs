//! From what the pump hands out to claims and missed spans.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{AHEAD, Decisions, Effect, Live, Notice, Phase, RunEnded, Write, writes::push_writes};
use crate::{
    job::{Job, JobName},
    run::{Outcome, Reason, RunId, Trigger},
    schedule::Schedule,
    store::{Accounted, Accounting, End, Span},
    ticker::{Backlog, Due, LEAD},
};

impl Decisions {
    /// While the ledger takes nothing, what falls due stays in the pump: it is one backlog when the ledger is back.
    pub(super) fn take_due(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Firing && self.parking.retry_at().is_none() {
            let due = self.pump.due(now, LEAD);
            self.account(now, &due, effects);
        }
    }

    /// What the definitions up to now demanded, whole: all that is due, and what jitter holds back of the jobs that will
    /// fire at other instants. Where the ledger takes nothing, it waits in line with the other writes.
    pub(super) fn take_all_of(&mut self, now: DateTime<Utc>, jobs: &[JobName], effects: &mut Vec<Effect>) {
        let mut due = self.pump.due(now, LEAD);
        due.extend(jobs.iter().filter_map(|job| self.pump.held_back(job, now)));
        self.account(now, &due, effects);
    }

    fn account(&mut self, now: DateTime<Utc>, due: &[Due], effects: &mut Vec<Effect>) {
        if !due.is_empty() {
            self.moved.extend(due.iter().map(|due| due.job.name.clone()));
            let batch = due.iter().map(|due| self.accounting(now, due)).collect();
            effects.push(Effect::Write(Write::Account(batch)));
        }
    }

    fn accounting(&mut self, now: DateTime<Utc>, due: &Due) -> Accounting {
        let job = &due.job;
        let (mut spans, mut claims) = (Vec::new(), Vec::new());
        let (paused, rest) = self.without_paused(now, due);
        spans.extend(paused);
        if let Some(backlog) = rest {
            self.newest_late.insert(job.name.clone(), backlog.newest);
            let (unsent, sent) = self.divide(now, job, &backlog);
            spans.extend(unsent);
            claims.extend(sent);
        }
        claims.extend(due.ahead.iter().map(|at| self.claim(now, job, *at, Trigger::Schedule)));
        Accounting { job: job.name.clone(), from: due.from, to: due.to, spans, claims }
    }

    /// What is late, less what falls into pauses of the job: that has its rows here. Of what is left, only what comes after
    /// the last pause may still be sent.
    fn without_paused(&self, now: DateTime<Utc>, due: &Due) -> (Vec<Span>, Option<Backlog>) {
        let Some(backlog) = due.late else { return (Vec::new(), None) };
        let mut groups = self.cut_backlog(&due.job, due.from, backlog);
        let rest = groups.pop_if(|(paused, _)| !*paused).map(|(_, rest)| rest);
        let spans =
            groups.into_iter().map(|(paused, group)| self.unsent(now, paused, group, &due.job.schedule, &due.job.hash));
        (spans.collect(), rest)
    }

    /// The row of occurrences that nothing was sent for: held back, or missed.
    pub(super) fn unsent(
        &self,
        now: DateTime<Utc>,
        paused: bool,
        group: Backlog,
        schedule: &Schedule,
        definition: &str,
    ) -> Span {
        let (outcome, reason) =
            if paused { (Outcome::Skipped, Reason::Paused) } else { (Outcome::Missed, Reason::Downtime) };
        Span {
            id: RunId::new(now, self.entropy),
            schedule: schedule.clone(),
            scheduled_for: group.first,
            through: group.newest,
            count: group.count,
            outcome,
            reason,
            definition: definition.to_owned(),
        }
    }

    pub(super) fn accounted(
        &mut self,
        now: DateTime<Utc>,
        batch: Vec<Accounting>,
        answers: Vec<Accounted>,
        effects: &mut Vec<Effect>,
    ) {
        for (accounting, answer) in batch.into_iter().zip(answers) {
            match answer {
                Accounted::Done { spans, left_out } => self.take_rows(now, accounting, spans, &left_out, effects),
                Accounted::Stale(to) => self.follow_cursor(now, &accounting, to, effects),
            }
        }
        self.work_off_agenda(now, effects);
    }

    /// `spans` and all claims but `left_out` are written; the others have their rows since before the clock was set back.
    fn take_rows(
        &mut self,
        now: DateTime<Utc>,
        accounting: Accounting,
        spans: Vec<Span>,
        left_out: &[RunId],
        effects: &mut Vec<Effect>,
    ) {
        let job = accounting.job;
        for span in spans {
            let reason = Some(span.reason);
            let ended = RunEnded::unheard(span.id, job.clone(), span.scheduled_for, span.outcome, reason);
            effects.push(Effect::Notice(Notice::Ended(RunEnded { count: span.count, ..ended })));
        }
        let claims = accounting.claims.into_iter().filter(|claim| !left_out.contains(&claim.id));
        let ends: Vec<End> = claims
            .filter_map(|claim| self.take_claim(now, &job, claim.id, claim.scheduled_for, claim.trigger))
            .collect();
        push_writes(Vec::new(), ends, effects);
    }

    /// Takes up a claim of the ledger under the definitions now in force: it is looked at shortly before its instant, or
    /// at once. One that they no longer ask for is cancelled.
    pub(super) fn take_claim(
        &mut self,
        now: DateTime<Utc>,
        job: &JobName,
        id: RunId,
        scheduled_for: DateTime<Utc>,
        trigger: Trigger,
    ) -> Option<End> {
        let cancelled = |reason| Some(End { run: id, outcome: Outcome::Cancelled, reason });
        let Some(job) = self.definitions.jobs.get(job).map(Arc::clone) else { return cancelled(Reason::Removed) };
        if !job.enabled || !job.schedule.has(scheduled_for) {
            return cancelled(Reason::Redefined);
        }
        let fires_at = self.fires_at(&job, scheduled_for);
        self.remember(id, Live::claimed(job, scheduled_for, fires_at, trigger));
        self.look_again((fires_at - AHEAD).max(now), id);
        None
    }

    /// When an occurrence leaves. One that was still to come when a reload brought its job's firings forward is not late by
    /// that: it leaves with the reload.
    pub(super) fn fires_at(&self, job: &Job, scheduled_for: DateTime<Utc>) -> DateTime<Utc> {
        let at = job.fires_at(scheduled_for);
        let load = self.brought_forward.get(&job.name).filter(|load| scheduled_for <= **load);
        load.map_or(at, |load| at.max(*load))
    }

    /// Whether a run is there because its schedule demanded it.
    pub(super) fn is_of_schedule(&self, run: &RunId) -> bool {
        self.runs.get(run).is_some_and(|live| live.trigger.is_occurrence())
    }

    /// Somebody else accounted for these occurrences: go on from where the ledger stands.
    fn follow_cursor(
        &mut self,
        now: DateTime<Utc>,
        accounting: &Accounting,
        to: Option<DateTime<Utc>>,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(Effect::Notice(Notice::Moved { job: accounting.job.clone(), to }));
        if let Some(job) = self.definitions.jobs.get(&accounting.job).cloned() {
            self.place(job, to.unwrap_or(now));
        }
    }
}
