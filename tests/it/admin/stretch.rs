//! Which occurrences of a stretch of time are sent again.

use sexton::admin::{Backfill, Stretch};

use crate::support::{
    definitions::{jobs, name, noon},
    world::{millis, secs},
};

/// What jitter puts off is still the schedule's own: sent again now, it would be sent twice.
#[test]
fn what_is_still_to_fire_is_no_past() {
    let definitions = jobs(&[("a", "every 1h", "jitter = \"10m\"")]);
    let job = &definitions.jobs[&name("a")];
    let fires_at = job.fires_at(noon());
    assert!(noon() < fires_at, "its name gives it a delay");
    let asked = Backfill { job: "a".to_owned(), from: noon() - secs(3_600), to: noon(), again: false };
    let left = |now| Stretch::of(job, &asked, now).unwrap().oldest(&[]).map(|oldest| oldest.left);
    assert_eq!(left(fires_at - millis(1)), Some(1));
    assert_eq!(left(fires_at), Some(2));
}
