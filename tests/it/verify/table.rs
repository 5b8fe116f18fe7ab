//! Small ledgers, and what the proof says of each.

use chrono::{DateTime, Utc};
use sexton::{
    entropy::Entropy,
    run::{Outcome, RunId, State},
    store::{Entry, Evidence, Period},
    verify::{Finding, verify},
};

use crate::support::definitions::{at, name, noon};

const SUCCEEDED: State = State::Ended(Outcome::Succeeded);
const MISSED: State = State::Ended(Outcome::Missed);
const CANCELLED: State = State::Ended(Outcome::Cancelled);

/// `12:03:00` of one day, or a whole instant.
fn time(text: &str) -> DateTime<Utc> {
    if text.contains('T') { at(text) } else { at(&format!("2026-03-10T{text}Z")) }
}

fn period(schedule: &str, anchored_at: &str, accounted_to: Option<&str>) -> Period {
    let anchored_at = time(anchored_at);
    Period { schedule: schedule.to_owned(), anchored_at, kept_after: anchored_at, accounted_to: accounted_to.map(time) }
}

fn one(at: &str) -> Entry {
    row(at, at, 1, SUCCEEDED)
}

fn row(first: &str, last: &str, count: u64, state: State) -> Entry {
    let (scheduled_for, through) = (time(first), time(last));
    Entry { run: RunId::new(noon(), Entropy::System), scheduled_for, through, count, state, settled: None }
}

fn evidence(periods: Vec<Period>, accounted_to: &str, last_tick: &str, entries: Vec<Entry>) -> Evidence {
    let (accounted_to, last_tick) = (time(accounted_to), Some(time(last_tick)));
    Evidence { job: name("a"), periods, accounted_to, last_tick, entries }
}

/// `every 1m` since noon, alive until 12:05:30.
fn minutes(entries: Vec<Entry>) -> Evidence {
    evidence(vec![period("every 1m", "12:00:00", None)], "12:05:00", "12:05:30", entries)
}

/// What is wrong, in words: `missing 12:03:00..12:04:00 x2`.
fn wrong(evidence: &Evidence) -> Vec<String> {
    verify(evidence, None).findings.iter().map(tell).collect()
}

fn tell(finding: &Finding) -> String {
    let hour = |at: DateTime<Utc>| at.format("%T");
    let (kind, first, last) = (finding.kind(), finding.at(), finding.through());
    let span = if first == last { String::new() } else { format!("..{}", hour(last)) };
    let count = match finding {
        Finding::Miscounted { counted, demanded, .. } => format!(" {counted} of {demanded}"),
        finding if finding.count() > 1 => format!(" x{}", finding.count()),
        _ => String::new(),
    };
    format!("{kind} {}{span}{count}", hour(first))
}

const FINE: [&str; 0] = [];

#[test]
fn a_row_for_each_occurrence_is_fine() {
    let rows = ["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"].map(one);
    let verdict = verify(&minutes(rows.into()), None);
    assert_eq!((verdict.findings, verdict.open, verdict.occurrences), (vec![], vec![], 5));
    assert_eq!((verdict.from, verdict.to), (Some(noon()), time("12:05:30")));
}

#[test]
fn a_hole_is_told_as_one() {
    let rows = vec![one("12:01:00"), one("12:02:00"), one("12:05:00")];
    assert_eq!(wrong(&minutes(rows)), ["missing 12:03:00..12:04:00 x2"]);
    assert_eq!(wrong(&minutes(vec![])), ["missing 12:01:00..12:05:00 x5"]);
    let rows = ["12:02:00", "12:04:00"].map(one);
    assert_eq!(wrong(&minutes(rows.into())), ["missing 12:01:00", "missing 12:03:00", "missing 12:05:00"]);
}

#[test]
fn what_fell_due_before_the_last_sign_of_life_is_missed_too() {
    let mut evidence = minutes(["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"].map(one).into());
    evidence.last_tick = Some(time("12:07:00"));
    assert_eq!(wrong(&evidence), ["missing 12:06:00..12:07:00 x2"]);
    evidence.last_tick = None;
    assert_eq!(wrong(&evidence), FINE);
    let to = verify(&evidence, Some(time("12:06:30")));
    assert_eq!(to.findings.iter().map(tell).collect::<Vec<_>>(), ["missing 12:06:00"]);
}

#[test]
fn two_rows_for_one_occurrence_are_told() {
    let rows = vec![one("12:01:00"), row("12:02:00", "12:05:00", 4, MISSED), one("12:03:00"), one("12:04:00")];
    assert_eq!(wrong(&minutes(rows)), ["doubled 12:03:00..12:04:00 x2"]);
    let rows = ["12:01:00", "12:02:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"].map(one);
    assert_eq!(wrong(&minutes(rows.into())), ["doubled 12:02:00"]);
}

#[test]
fn a_row_that_nothing_demanded_is_invented() {
    let all = ["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"];
    for invented in ["11:59:00", "12:00:00", "12:02:30", "12:06:00", "12:06:01", "2030-01-01T00:00:00Z"] {
        let mut rows: Vec<Entry> = all.iter().copied().chain([invented]).map(one).collect();
        rows.sort_by_key(|row| row.scheduled_for);
        assert_eq!(wrong(&minutes(rows)), [format!("invented {}", time(invented).format("%T"))]);
    }
    let rows = vec![one("12:01:00"), row("12:02:00", "12:05:01", 4, MISSED)];
    assert_eq!(wrong(&minutes(rows)), ["invented 12:05:01"]);
}

/// Seed E15: what a span counts is held against the calendar.
#[test]
fn e15_a_span_counts_what_lies_between_its_ends() {
    let span = |count| minutes(vec![one("12:01:00"), row("12:02:00", "12:05:00", count, MISSED)]);
    assert_eq!(wrong(&span(4)), FINE);
    assert_eq!(wrong(&span(3)), ["miscounted 12:02:00..12:05:00 3 of 4"]);
    assert_eq!(wrong(&span(5)), ["miscounted 12:02:00..12:05:00 5 of 4"]);
}

/// The night of 29 March 2026 has 23 hours in Prague, that of 25 October 25.
#[test]
fn a_span_over_a_change_of_the_clocks_counts_real_instants() {
    let quarters = "*/15 * * * * in Europe/Prague, gap run_after, overlap first";
    let nightly = "30 2 * * * in Europe/Prague, gap run_after, overlap both";
    for (schedule, from, first, last, count) in [
        (quarters, "2026-03-28T23:00:00Z", "2026-03-28T23:15:00Z", "2026-03-29T22:00:00Z", 23 * 4),
        (quarters, "2026-10-24T22:00:00Z", "2026-10-24T22:15:00Z", "2026-10-25T23:00:00Z", 25 * 4),
        (nightly, "2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", 3),
        (nightly, "2026-10-24T00:00:00Z", "2026-10-24T00:30:00Z", "2026-10-26T01:30:00Z", 4),
    ] {
        let told = |count| {
            let entries = vec![row(first, last, count, MISSED)];
            wrong(&evidence(vec![period(schedule, from, None)], last, last, entries))
        };
        assert_eq!(told(count), FINE, "{schedule} from {from}");
        assert_eq!(told(count - 1).len(), 1);
        assert_eq!(told(count + 1).len(), 1);
    }
}

#[test]
fn a_job_removed_and_added_again_owes_nothing_in_between() {
    let periods = |removed: &str| {
        vec![
            period("every 1m", "12:00:00", Some("12:01:00")),
            period(removed, "12:01:30", Some("12:01:30")),
            period("every 1m", "12:03:30", None),
        ]
    };
    for word in ["removed", "disabled"] {
        let told = |rows: &[&str]| {
            let rows = rows.iter().copied().map(one).collect();
            wrong(&evidence(periods(word), "12:05:00", "12:05:30", rows))
        };
        assert_eq!(told(&["12:01:00", "12:04:00", "12:05:00"]), FINE);
        assert_eq!(told(&["12:01:00", "12:02:00", "12:04:00", "12:05:00"]), ["invented 12:02:00"]);
        assert_eq!(told(&["12:04:00", "12:05:00"]), ["missing 12:01:00"]);
        assert_eq!(told(&["12:01:00", "12:05:00"]), ["missing 12:04:00"]);
    }
}

#[test]
fn a_claim_made_ahead_of_a_new_schedule_is_not_invented_and_must_stay() {
    let periods = vec![period("every 1m", "12:00:00", Some("12:02:00")), period("every 1m30s", "12:01:59", None)];
    let told = |rows: Vec<Entry>| wrong(&evidence(periods.clone(), "12:04:30", "12:05:30", rows));
    let redefined = row("12:02:00", "12:02:00", 1, CANCELLED);
    let rows = vec![one("12:01:00"), redefined, one("12:03:00"), one("12:04:30")];
    assert_eq!(told(rows), FINE);
    assert_eq!(told(vec![one("12:01:00"), one("12:03:00"), one("12:04:30")]), ["missing 12:02:00"]);
}

#[test]
fn what_is_not_over_accounts_for_its_occurrence_and_is_listed() {
    let state = |at, state| row(at, at, 1, state);
    let unknown = |settled| Entry { settled, ..state("12:04:00", State::Ended(Outcome::Unknown)) };
    let rows = |settled| {
        vec![
            one("12:01:00"),
            one("12:02:00"),
            state("12:03:00", State::Sending),
            unknown(settled),
            state("12:05:00", State::Claimed),
        ]
    };
    let open = |settled| {
        let verdict = verify(&minutes(rows(settled)), None);
        assert_eq!(verdict.findings, []);
        verdict.open.iter().map(|open| open.state.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(open(None), ["sending", "unknown", "claimed"]);
    assert_eq!(open(Some(Outcome::Failed)), ["sending", "claimed"]);
}

/// Claims that lie ahead of the last sign of life, which a drain leaves to the next start.
#[test]
fn claims_left_by_a_drain_are_fine_and_must_stay() {
    let claimed = |at| row(at, at, 1, State::Claimed);
    let left = |rows| evidence(vec![period("every 1s", "12:00:00", None)], "12:00:03", "12:00:01", rows);
    assert_eq!(wrong(&left(vec![one("12:00:01"), claimed("12:00:02"), claimed("12:00:03")])), FINE);
    assert_eq!(wrong(&left(vec![one("12:00:01"), claimed("12:00:03")])), ["missing 12:00:02"]);
}

/// Seed A22: what was accounted for before the clock went back is not demanded again, nor forgotten.
#[test]
fn a22_a_clock_that_was_set_back() {
    let told = |second: &str, to: &str, rows: Vec<Entry>| {
        let periods = vec![period("every 1m", "12:00:00", Some("12:04:00")), period(second, "12:01:30", None)];
        wrong(&evidence(periods, to, to, rows))
    };
    let same = ["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"];
    assert_eq!(told("every 1m", "12:05:00", same.map(one).into()), FINE);
    let hole = ["12:01:00", "12:02:00", "12:04:00", "12:05:00"];
    assert_eq!(told("every 1m", "12:05:00", hole.map(one).into()), ["missing 12:03:00"]);
    assert_eq!(told("every 1m", "12:02:30", same[..4].iter().copied().map(one).collect()), FINE);

    let other = ["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:04:30", "12:06:00"];
    assert_eq!(told("every 1m30s", "12:06:00", other.map(one).into()), FINE);
    assert_eq!(told("every 1m30s", "12:06:00", other[..5].iter().copied().map(one).collect()), ["missing 12:06:00"]);
}

/// A span that was written before the clock went back counts by what was demanded then.
#[test]
fn a22_a_span_does_not_count_what_a_later_schedule_demands_within_it() {
    let told = |count, rows: Vec<Entry>| {
        let periods = vec![period("every 1m", "12:00:00", Some("12:04:00")), period("every 30s", "12:01:30", None)];
        let span = row("12:01:00", "12:04:00", count, MISSED);
        wrong(&evidence(periods, "12:05:00", "12:05:00", std::iter::once(span).chain(rows).collect()))
    };
    let rest = || ["12:04:30", "12:05:00"].map(one).to_vec();
    assert_eq!(told(4, rest()), FINE);
    assert_eq!(told(5, rest()), ["miscounted 12:01:00..12:04:00 5 of 6"]);
    assert_eq!(told(4, vec![one("12:05:00")]), ["missing 12:04:30"]);
}

#[test]
fn what_was_pruned_is_not_missing_and_what_was_kept_is_still_held_against_the_schedule() {
    let mut evidence = minutes(["12:03:00", "12:04:00", "12:05:00"].map(one).into());
    evidence.periods[0].kept_after = time("12:02:00");
    assert_eq!(wrong(&evidence), FINE);
    let verdict = verify(&evidence, None);
    assert_eq!((verdict.from, verdict.occurrences), (Some(time("12:02:00")), 3));

    evidence.entries.remove(0);
    assert_eq!(wrong(&evidence), ["missing 12:03:00"], "nothing that goes later passes for pruned");
    evidence.entries.insert(0, one("12:01:30"));
    assert_eq!(wrong(&evidence), ["invented 12:01:30", "missing 12:03:00"]);
}

#[test]
fn nothing_is_known_of_the_time_before_the_periods_were_kept() {
    let mut known = period("every 1m", "12:00:00", None);
    known.kept_after = time("12:00:02");
    let unknown = period("unknown", "1970-01-01T00:00:00Z", Some("12:00:02"));
    let rows = ["11:22:33", "12:00:02", "12:01:00", "12:02:00"].map(one);
    let upgraded = |rows| evidence(vec![unknown.clone(), known.clone()], "12:02:00", "12:02:30", rows);
    assert_eq!(wrong(&upgraded(rows.to_vec())), FINE);
    assert_eq!(wrong(&upgraded(rows[..3].to_vec())), ["missing 12:02:00"]);
    assert_eq!(wrong(&upgraded(rows.iter().cloned().chain([one("12:02:01")]).collect())), ["invented 12:02:01"]);
}

#[test]
fn a_schedule_that_cannot_be_read_proves_nothing() {
    let periods = vec![period("whenever", "12:00:00", None)];
    assert_eq!(wrong(&evidence(periods, "12:02:00", "12:02:00", vec![one("12:01:00")])), ["unreadable 12:00:00"]);
}
