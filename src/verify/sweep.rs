//! The rows, held against what was demanded, in one sweep over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    demand::{Demand, Demands, Period, Rule},
    verdict::{Finding, Open, Verdict},
};
use crate::{
    run::{Outcome, RunId, State},
    store::{Entry, Evidence},
};

pub(super) fn sweep(evidence: &Evidence, periods: &[Period]) -> Verdict {
    let mut entries = evidence.entries.iter().peekable();
    let mut tallies: Vec<Tally<'_>> = Vec::new();
    let mut occurrences = 0;
    let mut book = Book::default();
    let oldest = entries.peek().map(|entry| entry.scheduled_for);
    for demand in Demands::of(periods, oldest) {
        tallies.extend(std::iter::from_fn(|| entries.next_if(|entry| entry.scheduled_for <= demand.at)).map(Tally::of));
        let over = tallies.extract_if(.., |tally| tally.entry.through < demand.at);
        book.findings.extend(over.filter_map(|tally| tally.finding(periods)));
        tallies.iter_mut().for_each(|tally| tally.add(&demand));
        occurrences += u64::from(demand.is_due);
        book.judge(&demand, &tallies);
    }
    book.close();
    let rest = tallies.into_iter().chain(entries.map(Tally::of));
    book.findings.extend(rest.filter_map(|tally| tally.finding(periods)));
    book.findings.extend(periods.iter().filter_map(unreadable));
    book.findings.sort_by_key(Finding::at);
    let known = periods.iter().filter(|period| matches!(period.rule, Rule::Occurrences(_)));
    Verdict {
        job: evidence.job.clone(),
        from: known.map(Period::proven_after).min(),
        to: periods.last().map_or(evidence.accounted_to, |period| period.end),
        occurrences,
        findings: book.findings,
        open: evidence.entries.iter().filter(|entry| is_open(entry)).map(open).collect(),
    }
}

/// What is demanded within one row.
struct Tally<'a> {
    entry: &'a Entry,
    /// How many occurrences, by the first period that demands them.
    demanded: BTreeMap<usize, u64>,
    /// The period that demands the first instant, and the last.
    first: Option<usize>,
    last: Option<usize>,
}

impl<'a> Tally<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self { entry, demanded: BTreeMap::new(), first: None, last: None }
    }

    fn add(&mut self, demand: &Demand) {
        *self.demanded.entry(demand.period).or_default() += 1;
        if demand.at == self.entry.scheduled_for {
            self.first = Some(demand.period);
        }
        if demand.at == self.entry.through {
            self.last = Some(demand.period);
        }
    }

    fn finding(&self, periods: &[Period]) -> Option<Finding> {
        let Entry { run, scheduled_for, through, count, .. } = *self.entry;
        if periods.iter().any(|period| period.is_vague_on(scheduled_for)) {
            return None;
        }
        let Some(first) = self.first else { return Some(Finding::Invented { run, at: scheduled_for }) };
        let Some(last) = self.last else { return Some(Finding::Invented { run, at: through }) };
        let demanded = self.demanded.values().sum();
        let right = self.demanded_over_time().any(|(period, so_far)| period >= first.max(last) && so_far == count);
        (!right).then_some(Finding::Miscounted { run, first: scheduled_for, last: through, counted: count, demanded })
    }

    /// How many occurrences had been demanded once each period had begun. Where the clock was set back, a later schedule
    /// demands instants among those that a row already stood for when it was written: it does not count them, and need
    /// not.
    fn demanded_over_time(&self) -> impl Iterator<Item = (usize, u64)> {
        self.demanded.iter().scan(0, |so_far, (period, count)| {
            *so_far += count;
            Some((*period, *so_far))
        })
    }
}

/// Folds what is wrong with consecutive occurrences into one finding.
#[derive(Default)]
struct Book {
    findings: Vec<Finding>,
    /// The run of findings that the last occurrence belongs to.
    current: Option<Finding>,
}

impl Book {
    fn judge(&mut self, demand: &Demand, rows: &[Tally<'_>]) {
        let at = demand.at;
        match rows {
            [] if demand.is_due => match &mut self.current {
                Some(Finding::Missing { last, count, .. }) => (*last, *count) = (at, *count + 1),
                _ => self.begin(Finding::Missing { first: at, last: at, count: 1 }),
            },
            [one, other, ..] => match &mut self.current {
                Some(Finding::Doubled { last, count, .. }) => (*last, *count) = (at, *count + 1),
                _ => self.begin(doubled(at, [one.entry.run, other.entry.run])),
            },
            _ => self.close(),
        }
    }

    fn begin(&mut self, finding: Finding) {
        self.close();
        self.current = Some(finding);
    }

    fn close(&mut self) {
        self.findings.extend(self.current.take());
    }
}

fn doubled(at: DateTime<Utc>, rows: [RunId; 2]) -> Finding {
    Finding::Doubled { first: at, last: at, count: 1, rows }
}

fn unreadable(period: &Period) -> Option<Finding> {
    match &period.rule {
        Rule::Unreadable(schedule) => Some(Finding::Unreadable { schedule: schedule.clone(), at: period.start }),
        _ => None,
    }
}

fn is_open(entry: &Entry) -> bool {
    match entry.state.outcome() {
        None => true,
        Some(Outcome::Unknown) => entry.settled.is_none(),
        Some(_) => false,
    }
}

fn open(entry: &Entry) -> Open {
    let (run, at, state): (RunId, _, State) = (entry.run, entry.scheduled_for, entry.state);
    Open { run, at, state }
}
