//! The closed lists, as the ledger, the API and the metrics write them.

use std::{fmt::Display, str::FromStr};

use sexton::run::{Outcome, Reason, State, Trigger, UnknownWord};

fn spelled<T: Display>(words: &[T]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Other programs read these words: a change of one is a change of the contract.
#[test]
fn the_words_of_the_contract() {
    assert_eq!(spelled(Outcome::ALL), ["succeeded", "failed", "unknown", "skipped", "missed", "cancelled"]);
    assert_eq!(spelled(Trigger::ALL), ["schedule", "catch_up", "manual", "startup", "backfill"]);
    let contract = [
        "running",
        "possibly_running",
        "busy",
        "paused",
        "queue_full",
        "redefined",
        "removed",
        "downtime",
        "crash",
        "shutdown",
        "timeout",
        "broken",
        "connect",
        "credential",
        "unknown_status",
        "status",
        "expect",
        "poll_refused",
        "panic",
        "settled",
    ];
    let (mut spelled, mut contract) = (spelled(Reason::ALL), contract.map(str::to_owned));
    spelled.sort();
    contract.sort();
    assert_eq!(spelled, contract);
}

#[test]
fn every_word_reads_back() {
    fn reads_back<T: FromStr<Err = UnknownWord> + Display + PartialEq + std::fmt::Debug + Copy>(words: &[T]) {
        for word in words {
            assert_eq!(word.to_string().parse(), Ok(*word));
            let loud = word.to_string().to_uppercase();
            assert!(loud.parse::<T>().is_err(), "{loud} is another word");
        }
        assert!("".parse::<T>().is_err());
    }
    reads_back(Outcome::ALL);
    reads_back(Reason::ALL);
    reads_back(Trigger::ALL);
    let ended = Outcome::ALL.iter().map(|outcome| State::Ended(*outcome));
    reads_back(&State::OPEN.into_iter().chain(ended).collect::<Vec<_>>());
}

#[test]
fn an_unknown_word_is_named_with_its_list() {
    assert_eq!("done".parse::<Outcome>().unwrap_err().to_string(), "`done` is no outcome");
    assert_eq!("done".parse::<State>().unwrap_err().to_string(), "`done` is no state");
}

#[test]
fn a_state_has_an_outcome_only_when_it_is_final() {
    assert!(State::OPEN.iter().all(|state| state.outcome().is_none()));
    for outcome in Outcome::ALL {
        assert_eq!(State::Ended(*outcome).outcome(), Some(*outcome));
    }
}

/// Guarantee G2 is about occurrences; what somebody asked for may fall on the same instant as one.
#[test]
fn a_run_that_somebody_asked_for_is_no_occurrence() {
    let of_occurrences: Vec<_> = Trigger::ALL.iter().filter(|trigger| trigger.is_occurrence()).collect();
    assert_eq!(of_occurrences, [&Trigger::Schedule, &Trigger::CatchUp]);
}

#[test]
fn words_line_up_in_tables() {
    assert_eq!(format!("[{:>10}]", State::Ended(Outcome::Missed)), "[    missed]");
}
