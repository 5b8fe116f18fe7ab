//! How attempts ended that nobody heard of, or that never left.

use sexton::run::{Attempt, Outcome, Reason, Run, RunId, State};

use super::{Call, History, Instant, Said};

/// An attempt that did not leave, by the log of who should have sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsent {
    pub(crate) run: RunId,
    pub(crate) attempt: u32,
    /// When the sidecar comes to know.
    pub(crate) at: Instant,
    /// `connect` or `panic`.
    pub(crate) reason: Reason,
}

/// What was wrong with how a row and its attempts say that they ended.
pub(super) fn dishonesty(history: &History, row: &Run, attempts: &[Attempt], calls: &[&Call]) -> Option<&'static str> {
    let call_of = |attempt: &Attempt| calls.iter().copied().find(|call| call.attempt == attempt.number);
    let mut ends = attempts.iter().map(|attempt| unbacked(history, attempt, call_of(attempt)));
    ends.find_map(|wrong| wrong).or_else(|| otherwise(row, attempts.last()))
}

/// Whether a row says of its run what nothing, or something else, was let go for.
fn otherwise(row: &Run, newest: Option<&Attempt>) -> Option<&'static str> {
    let State::Ended(outcome) = row.state else { return None };
    let of_attempt = matches!(row.reason, Some(Reason::Crash | Reason::Shutdown | Reason::Connect | Reason::Panic));
    match newest {
        None if of_attempt => Some("nothing was let go"),
        Some(newest)
            if outcome != Outcome::Cancelled && (Some(outcome), row.reason) != (newest.outcome, newest.reason) =>
        {
            Some("its newest attempt ended otherwise")
        }
        _ => None,
    }
}

fn unbacked(history: &History, attempt: &Attempt, call: Option<&Call>) -> Option<&'static str> {
    let unsent = history.unsent.iter().find(|unsent| (unsent.run, unsent.attempt) == (attempt.run, attempt.number));
    let (let_go, ended) = (history.clock.first_at(attempt.sent_at), attempt.finished_at?);
    let heard_at = call.map(heard_at).or(unsent.map(|unsent| unsent.at));
    let had_to_end = |cut: Instant| let_go <= cut + history.slowness && may_be_lost(history, heard_at, cut);
    let is_wrong = match (attempt.outcome?, attempt.reason) {
        (Outcome::Unknown, Some(Reason::Crash)) => {
            let ended = history.clock.last_at(ended) + history.slowness;
            !history.deaths.iter().any(|death| *death <= ended && had_to_end(*death))
        }
        (Outcome::Unknown, Some(Reason::Shutdown)) => {
            let by_the_same = |grace: Instant, at: Instant| {
                grace <= at + history.slowness && !history.deaths.iter().any(|death| grace < *death && *death < at)
            };
            let told_then = |grace: Instant| history.clock.moments(ended).any(|at| by_the_same(grace, at));
            !history.graces.iter().any(|grace| told_then(*grace) && had_to_end(*grace))
        }
        (Outcome::Failed, Some(reason @ (Reason::Connect | Reason::Panic))) => {
            unsent.is_none_or(|unsent| unsent.reason != reason)
        }
        (Outcome::Unknown, Some(Reason::Panic)) => {
            !call.is_some_and(|call| call.looks_heard().any(|look| look.said == Said::Panicked))
        }
        (_, Some(Reason::Crash | Reason::Shutdown | Reason::Connect | Reason::Panic)) => true,
        (Outcome::Cancelled, _) => false,
        _ => unsent.is_some(),
    };
    is_wrong.then_some("an attempt did not end so")
}

/// When the sidecar knew all of a request that there was to know: its end, and what the app said to being asked to stop.
pub(super) fn heard_at(call: &Call) -> Instant {
    call.stops.iter().map(|stop| stop.at).fold(call.closed, Instant::max)
}

/// Whether the ledger may lack the end of a request that was known at `heard_at`, when nothing was written after `cut`.
fn may_be_lost(history: &History, heard_at: Option<Instant>, cut: Instant) -> bool {
    let Some(heard_at) = heard_at.filter(|heard_at| *heard_at < cut - history.slowness) else { return true };
    history.stalls.iter().any(|(from, to)| *from <= cut && heard_at - history.slowness <= *to)
}

/// Whether a process died before `end` with what it knew at `heard_at`.
pub(super) fn is_lost(history: &History, heard_at: Instant, end: Instant) -> bool {
    let mut deaths = history.deaths.iter().filter(|death| (heard_at..=end).contains(death));
    deaths.any(|death| may_be_lost(history, Some(heard_at), *death))
}
