//! Whatever is written, reading it ends with a schedule or an error.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use sexton::schedule::{Dst, Schedule};

use super::utc;

/// Inputs that once broke a parser, this one or another; one a line, escaped as in Rust. Add what a run finds.
const CORPUS: &str = include_str!("corpus.txt");

/// Seed A30: a parser that panics.
#[test]
fn a30_the_corpus_is_read_without_a_panic() {
    let mut inputs = 0;
    for line in CORPUS.lines().filter(|line| !line.starts_with("//")) {
        let text: String =
            serde_json::from_str(&format!("\"{line}\"")).unwrap_or_else(|error| panic!("{line}: {error}"));
        use_all(&text);
        inputs += 1;
    }
    assert!(inputs > 40, "{inputs} inputs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        use_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn anything_like_cron(text in "[0-9*,/LW#?+a-zA-Z -]{0,40}") {
        use_all(&text);
    }

    #[test]
    fn five_or_six_words(text in "((\\*|[0-9]{1,5}|[0-9]{1,2}-[0-9]{1,2}|[A-Z]{3})([/#][0-9L]{1,5})?(,[0-9]{1,2}W?)? ){5,6}") {
        use_all(&text);
    }

    #[test]
    fn anything_like_the_other_forms(
        text in "(every|daily|weekly|monthly|at) ([0-9]{1,20}[dhms]?|[0-9]{1,3}:[0-9]{1,3}|[a-z]{3}|,|-| |T|Z|\\+){0,8}"
    ) {
        use_all(&text);
    }
}

/// Reads `text` and uses what comes of it in every way.
fn use_all(text: &str) {
    match Schedule::parse(text, Tz::America__Havana, Dst::default()) {
        Ok(schedule) => {
            let again = Schedule::parse(text, Tz::America__Havana, Dst::default()).unwrap();
            assert_eq!(schedule.identity(), again.identity());
            assert!(!schedule.describe().is_empty());
            for t in [DateTime::<Utc>::MIN_UTC, utc("2026-03-08T04:59:59Z"), DateTime::<Utc>::MAX_UTC] {
                let next = schedule.next_after(t);
                assert!(next.is_none_or(|next| next > t), "{text}");
                schedule.note(next.unwrap_or(t)).inspect(|note| assert!(!note.to_string().is_empty()));
                for warning in schedule.warnings(t) {
                    assert!(text.get(warning.at.clone()).is_some(), "{text}: {warning}");
                }
                let _ = schedule.check_future(t);
            }
        }
        Err(error) => {
            assert!(text.get(error.at.clone()).is_some(), "{text}: {error} at {:?}", error.at);
            assert!(!error.message.is_empty());
        }
    }
}
