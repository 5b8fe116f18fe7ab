//! A ledger in memory: what [`sexton::store::RunStore`] promises, in the plainest way, for tests of decisions. It can be
//! broken and mended.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sexton::{
    job::{Job, JobName},
    run::{Change, Outcome, Run, RunId, State, Trigger, transition},
    scheduler::decisions::{Inherited, Life, Operation, Stored, Write},
    store::{
        Accounted, Accounting, Asked, Begin, Begun, Claim, Cursor, End, Finish, Follow, GroupSlot, Pause, Slot, Span,
        Then,
    },
};

type Instant = DateTime<Utc>;

#[derive(Debug, Default)]
pub(crate) struct MemoryLedger {
    pub(crate) cursors: BTreeMap<JobName, Cursor>,
    pub(crate) runs: HashMap<RunId, Run>,
    order: BTreeMap<JobName, BTreeMap<Instant, RunId>>,
    slots: BTreeMap<JobName, (RunId, Instant)>,
    groups: BTreeMap<String, BTreeMap<RunId, Instant>>,
    fences: BTreeMap<JobName, u64>,
    attempts: HashMap<RunId, u32>,
    pub(crate) pauses: Vec<Pause>,
    last_tick: Option<Instant>,
    /// So many writes fail, whatever they are.
    pub(crate) fails: usize,
    /// Takes no write while this is true.
    pub(crate) broken: bool,
}

impl MemoryLedger {
    /// One that holds a job's cursor at `accounted_to`.
    pub(crate) fn with_cursor(job: &Job, accounted_to: Instant) -> Self {
        let mut ledger = Self::default();
        ledger.put_cursor(job, accounted_to);
        ledger
    }

    pub(crate) fn put_cursor(&mut self, job: &Job, accounted_to: Instant) {
        let cursor = Cursor {
            job: job.name.clone(),
            definition: job.hash.clone(),
            schedule: job.schedule.identity(),
            anchored_at: accounted_to,
            accounted_to,
        };
        self.cursors.insert(job.name.clone(), cursor);
    }

    /// What a start finds.
    pub(crate) fn inherited(&self, now: Instant) -> Inherited {
        let mut unfinished: Vec<Run> =
            self.runs.values().filter(|run| run.state.outcome().is_none()).cloned().collect();
        unfinished.sort_by_key(|run| (run.scheduled_for, run.id));
        let last_alive = self.last_tick.unwrap_or(now).min(now);
        let slots = self.slots.iter().filter(|(_, (_, until))| *until > last_alive);
        let slots = slots.map(|(job, (run, until))| Slot {
            job: job.clone(),
            run: *run,
            state: self.runs[run].state,
            until: *until,
        });
        Inherited {
            cursors: self.cursors.values().cloned().collect(),
            unfinished,
            slots: slots.collect(),
            pauses: self.pauses.clone(),
            life: Life::First,
        }
    }

    /// A job's rows, oldest first.
    pub(crate) fn rows(&self, job: &str) -> Vec<&Run> {
        self.order.get(job).into_iter().flat_map(BTreeMap::values).map(|id| &self.runs[id]).collect()
    }

    /// A job's rows in words: `12:00:00..12:00:03 x4 skipped running`.
    pub(crate) fn story(&self, job: &str) -> Vec<String> {
        self.rows(job).into_iter().map(tell).collect()
    }

    /// Carries out a write as one transaction, or gives it back.
    pub(crate) fn carry_out(&mut self, now: Instant, write: Write) -> Result<Stored, Write> {
        if self.broken || self.fails > 0 {
            self.fails = self.fails.saturating_sub(1);
            return Err(write);
        }
        Ok(match write {
            Write::Anchor(cursors) => {
                self.cursors.extend(cursors.into_iter().map(|cursor| (cursor.job.clone(), cursor)));
                Stored::Anchored
            }
            Write::Account(batch) => {
                let answers = batch.iter().map(|accounting| self.account(now, accounting)).collect();
                Stored::Accounted(batch, answers)
            }
            Write::Begin(batch) => {
                let answers = batch.iter().map(|begin| self.begin(now, begin)).collect();
                Stored::Begun(batch, answers)
            }
            Write::Queue(batch) => {
                let answers = batch.iter().map(|run| self.change(*run, Change::Queue)).collect();
                Stored::Queued(batch, answers)
            }
            Write::Follow(batch) => {
                let answers = batch.iter().map(|follow| self.follow(follow)).collect();
                Stored::Followed(batch, answers)
            }
            Write::End(batch) => {
                batch.iter().for_each(|end| self.end(now, end));
                Stored::Ended(batch)
            }
            Write::Finish(batch) => {
                let answers = batch.iter().map(|finish| self.finish(now, finish)).collect();
                Stored::Finished(batch, answers)
            }
            Write::Tick(at) => {
                self.last_tick = Some(at);
                Stored::Ticked
            }
            Write::Operate(operation) => {
                let found = self.operate(&operation);
                Stored::Operated(operation, found)
            }
        })
    }

    fn operate(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Claim(asked, _) => {
                for Asked { job, claim, by } in asked {
                    let run = Run { asked_by: by.clone(), ..of_claim(job, claim) };
                    self.runs.insert(run.id, run);
                }
            }
            Operation::Backfill { asked: Asked { job, claim, by }, again, .. } => {
                let of_it =
                    self.runs.values().filter(|run| run.job == *job && run.scheduled_for == claim.scheduled_for);
                let succeeded = |run: &Run| run.settled.or(run.state.outcome()) == Some(Outcome::Succeeded);
                if of_it.into_iter().any(|run| run.state.outcome().is_none() || !again && succeeded(run)) {
                    return false;
                }
                let run = Run { asked_by: by.clone(), ..of_claim(job, claim) };
                self.runs.insert(run.id, run);
            }
            Operation::Settle(run, _, outcome, _) => {
                let unknown = |run: &&mut Run| run.state == State::Ended(Outcome::Unknown) && run.settled.is_none();
                let Some(run) = self.runs.get_mut(run).filter(unknown) else { return false };
                run.settled = Some(*outcome);
                let id = run.id;
                self.slots.retain(|_, (by, _)| *by != id);
            }
            Operation::Pause(pause, _) => {
                self.pauses.retain(|other| other.job != pause.job);
                self.pauses.push(pause.clone());
            }
            Operation::ForgetPauses(jobs) => self.pauses.retain(|pause| !jobs.contains(&pause.job)),
        }
        true
    }

    fn account(&mut self, now: Instant, accounting: &Accounting) -> Accounted {
        let Some(cursor) = self.cursors.get_mut(&accounting.job) else { return Accounted::Stale(None) };
        if cursor.accounted_to != accounting.from {
            return Accounted::Stale(Some(cursor.accounted_to));
        }
        cursor.accounted_to = accounting.to;
        let newest_first = self.order.get(&accounting.job).into_iter().flat_map(|rows| rows.values().rev());
        let ranges = newest_first.map(|id| (self.runs[id].scheduled_for, self.runs[id].through));
        let mut rows: Vec<_> = ranges.take_while(|(_, last)| *last > accounting.from).collect();
        rows.reverse();
        let accounted = accounting.around(&rows);
        if let Accounted::Done { spans, left_out } = &accounted {
            spans.iter().for_each(|span| self.insert(of_span(now, &accounting.job, span)));
            let new = accounting.claims.iter().filter(|claim| !left_out.contains(&claim.id));
            new.for_each(|claim| self.insert(of_claim(&accounting.job, claim)));
        }
        accounted
    }

    fn insert(&mut self, run: Run) {
        let before = self.order.entry(run.job.clone()).or_default().insert(run.scheduled_for, run.id);
        assert_eq!(before, None, "two rows for one occurrence: {}", tell(&run));
        self.runs.insert(run.id, run);
    }

    fn begin(&mut self, now: Instant, begin: &Begin) -> Begun {
        let Some(run) = self.runs.get_mut(&begin.run) else { return Begun::Lost };
        let Ok(sending) = transition(run.state, Change::Send) else { return Begun::Lost };
        let job = run.job.clone();
        let holder = self.slots.get(&job).copied().filter(|(_, until)| begin.slot_until.is_some() && *until > now);
        if let Some((by, until)) = holder {
            return Begun::Occupied { by, state: self.runs[&by].state, until };
        }
        if let Some(GroupSlot { group, concurrency, until }) = &begin.group {
            let taken = self.groups.entry(group.clone()).or_default();
            taken.retain(|_, until| *until > now);
            if taken.len() >= *concurrency as usize {
                return Begun::Full { until: *taken.values().min().unwrap() };
            }
            taken.insert(begin.run, *until);
        }
        if let Some(until) = begin.slot_until {
            self.slots.insert(job.clone(), (begin.run, until));
        }
        let run = self.runs.get_mut(&begin.run).unwrap();
        let fence = self.fences.entry(job).or_default();
        *fence += 1;
        let attempt = self.attempts.entry(begin.run).or_default();
        *attempt += 1;
        (run.state, run.wake_at, run.attempts, run.tried) = (sending, None, *attempt, None);
        (run.work, run.progress) = (None, None);
        run.trigger = begin.trigger;
        run.definition = begin.definition.clone();
        run.fence = Some(*fence);
        Begun::Sending { fence: *fence, attempt: *attempt }
    }

    fn end(&mut self, now: Instant, end: &End) {
        let Some(run) = self.runs.get_mut(&end.run) else { return };
        let Ok(state) = transition(run.state, Change::End(end.outcome)) else { return };
        if !run.state.is_waiting() {
            return;
        }
        (run.state, run.reason, run.finished_at, run.wake_at) = (state, Some(end.reason), Some(now), None);
        if run.trigger.is_occurrence() && matches!(end.outcome, Outcome::Skipped | Outcome::Missed) {
            let run = run.clone();
            self.join_row_before(&run);
        }
    }

    fn join_row_before(&mut self, run: &Run) {
        if self.cursors[&run.job].accounted_to < run.scheduled_for {
            return;
        }
        let rows = self.order.entry(run.job.clone()).or_default();
        let Some(before) = rows.range(..run.scheduled_for).next_back().map(|(_, id)| *id) else { return };
        let before = self.runs.get_mut(&before).unwrap();
        let alike = (before.state, before.reason, &before.definition) == (run.state, run.reason, &run.definition);
        if alike && before.fence.is_none() {
            (before.through, before.count, before.finished_at) = (run.through, before.count + 1, run.finished_at);
            rows.remove(&run.scheduled_for);
            self.runs.remove(&run.id);
        }
    }

    fn finish(&mut self, now: Instant, finish: &Finish) -> bool {
        let Some(run) = self.runs.get_mut(&finish.run).filter(|run| run.state.is_open()) else { return false };
        let (change, hold_until, wake_at) = match finish.then {
            Then::Over { hold_until } => (Change::End(finish.outcome), hold_until, None),
            Then::Again { at } => (Change::Retry, None, Some(at)),
        };
        let Ok(state) = transition(run.state, change) else { return false };
        (run.state, run.reason, run.tried, run.wake_at) = (state, finish.reason, Some(finish.outcome), wake_at);
        run.finished_at = wake_at.is_none().then_some(now);
        (run.status, run.lateness, run.duration) = (finish.status, finish.lateness.or(run.lateness), finish.duration);
        let in_groups = self.groups.values_mut();
        match hold_until {
            Some(hold) => {
                let own = self.slots.get_mut(&run.job).filter(|slot| slot.0 == finish.run);
                own.into_iter().for_each(|slot| slot.1 = hold);
                in_groups.filter_map(|taken| taken.get_mut(&finish.run)).for_each(|until| *until = hold);
            }
            None => {
                self.slots.retain(|_, (by, _)| *by != finish.run);
                in_groups.for_each(|taken| taken.retain(|run, _| *run != finish.run));
            }
        }
        true
    }

    fn change(&mut self, run: RunId, change: Change) -> bool {
        let Some(run) = self.runs.get_mut(&run) else { return false };
        transition(run.state, change).map(|state| run.state = state).is_ok()
    }

    fn follow(&mut self, follow: &Follow) -> bool {
        let polls = self.runs.get(&follow.run).is_some_and(|run| run.state == State::Polling);
        if !polls && !self.change(follow.run, Change::Poll) {
            return false;
        }
        let run = self.runs.get_mut(&follow.run).unwrap();
        (run.wake_at, run.work) = (Some(follow.wake_at), Some(follow.work.clone()));
        run.progress.clone_from(&follow.progress);
        run.lateness = follow.lateness.or(run.lateness);
        let own = self.slots.get_mut(&run.job).filter(|slot| slot.0 == follow.run).map(|slot| &mut slot.1);
        let of_groups = self.groups.values_mut().filter_map(|taken| taken.get_mut(&follow.run));
        own.into_iter().chain(of_groups).for_each(|until| *until = follow.slot_until.max(*until));
        true
    }

    /// How many slots of a group are taken at `now`.
    pub(crate) fn taken_of(&self, group: &str, now: Instant) -> usize {
        self.groups.get(group).into_iter().flat_map(BTreeMap::values).filter(|until| **until > now).count()
    }
}

/// The row of a claim.
pub(crate) fn of_claim(job: &JobName, claim: &Claim) -> Run {
    Run {
        id: claim.id,
        job: job.clone(),
        scheduled_for: claim.scheduled_for,
        through: claim.scheduled_for,
        count: 1,
        trigger: claim.trigger,
        state: State::Claimed,
        reason: None,
        settled: None,
        fence: None,
        definition: claim.definition.clone(),
        request: None,
        status: None,
        excerpt: None,
        lateness: None,
        duration: None,
        wake_at: None,
        work: None,
        progress: None,
        attempts: 0,
        tried: None,
        finished_at: None,
        asked_by: None,
    }
}

fn of_span(now: Instant, job: &JobName, span: &Span) -> Run {
    let claim = Claim {
        id: span.id,
        scheduled_for: span.scheduled_for,
        trigger: Trigger::Schedule,
        definition: span.definition.clone(),
    };
    Run {
        through: span.through,
        count: span.count,
        state: State::Ended(span.outcome),
        reason: Some(span.reason),
        finished_at: Some(now),
        ..of_claim(job, &claim)
    }
}

/// A row in words.
pub(crate) fn tell(run: &Run) -> String {
    let time = |instant: Instant| instant.format("%T").to_string();
    let span = if run.through == run.scheduled_for { String::new() } else { format!("..{}", time(run.through)) };
    let count = if run.count == 1 { String::new() } else { format!(" x{}", run.count) };
    let trigger = if run.trigger == Trigger::Schedule { String::new() } else { format!(" {}", run.trigger) };
    let reason = run.reason.map_or(String::new(), |reason| format!(" {reason}"));
    format!("{}{span}{count}{trigger} {}{reason}", time(run.scheduled_for), run.state)
}
