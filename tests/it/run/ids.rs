//! Run ids.

use std::collections::HashSet;

use chrono::TimeDelta;
use sexton::{entropy::Entropy, run::RunId};

use crate::support::definitions::{at, noon};

#[test]
fn ids_sort_by_the_time_they_were_made() {
    let ids: Vec<RunId> =
        (0..1_000).map(|ms| RunId::new(noon() + TimeDelta::milliseconds(ms), Entropy::System)).collect();
    assert!(ids.is_sorted(), "as values");
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    assert!(texts.is_sorted(), "and as text");
}

#[test]
fn ids_of_one_millisecond_differ() {
    let ids: HashSet<RunId> = (0..10_000).map(|_| RunId::new(noon(), Entropy::System)).collect();
    assert_eq!(ids.len(), 10_000);
}

/// RFC 9562, section 5.7: version 7, variant 10, milliseconds since 1970 in the first 48 bits.
#[test]
fn an_id_is_a_uuid_of_version_7() {
    let text = RunId::new(at("2026-03-10T12:00:00.123Z"), Entropy::System).to_string();
    let bare = text.replace('-', "");
    assert_eq!(i64::from_str_radix(&bare[..12], 16).unwrap(), at("2026-03-10T12:00:00.123Z").timestamp_millis());
    assert_eq!(&bare[12..13], "7");
    assert!(matches!(&bare[16..17], "8" | "9" | "a" | "b"), "{text}");
    assert_eq!(text.len(), 36);
}

/// RFC 9562, section 6.2, method 2: what tells ids of one instant apart is counted up, and nothing else changes.
#[test]
fn the_ids_right_behind_one_are_of_its_instant_and_differ() {
    for (id, behind) in [
        ("0195815c-8400-7abc-8000-00000000000f", "0195815c-8400-7abc-8000-000000000010"),
        ("0195815c-8400-7abc-80ff-ffffffffffff", "0195815c-8400-7abc-8100-000000000000"),
        ("0195815c-8400-7abc-bfff-ffffffffffff", "0195815c-8400-7abc-8000-000000000000"),
    ] {
        assert_eq!(id.parse::<RunId>().unwrap().right_behind().to_string(), behind);
    }
    let first = RunId::new(noon(), Entropy::System);
    let ids: HashSet<RunId> = std::iter::successors(Some(first), |id| Some(id.right_behind())).take(1_000).collect();
    assert_eq!(ids.len(), 1_000);
    assert!(ids.iter().all(|id| id.made_at() == Some(noon())));
}

#[test]
fn an_instant_before_1970_still_gives_an_id() {
    let text = RunId::new(at("1960-01-01T00:00:00Z"), Entropy::System).to_string();
    assert!(text.starts_with("00000000-0000-7"), "{text}");
}

#[test]
fn an_id_reads_back_and_nothing_else_does() {
    let id = RunId::new(noon(), Entropy::System);
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in ["", "7", "0195-", "not-a-run-id", "0195815c-8400-7000-8000-00000000000g"] {
        assert!(text.parse::<RunId>().is_err(), "{text:?}");
    }
}
