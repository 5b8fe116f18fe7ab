//! What stands between the scheduler and its definitions.

use std::{sync::Arc, time::Duration};

use sexton::job::{CatchUp, Completion, Definitions, Group, Job, Overlap, Poll};

use super::{Between, is_caught};
use crate::simulation::check::Rule;

fn each_job(definitions: &mut Definitions, change: fn(&mut Job)) {
    definitions.jobs.values_mut().for_each(|job| change(Arc::make_mut(job)));
}

#[test]
fn a_late_limit_without_limit_is_caught() {
    is_caught(
        Between::misread(|definitions| definitions.settings.late_limit = Duration::from_secs(86_400)),
        &[Rule::OutOfTime],
    );
}

#[test]
fn permits_without_end_are_caught() {
    is_caught(Between::misread(|definitions| definitions.settings.max_in_flight = 512), &[Rule::Crowd]);
}

#[test]
fn an_overlap_that_is_allowed_to_all_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.overlap = Overlap::Allow)), &[Rule::Stacked]);
}

#[test]
fn a_hold_that_is_too_short_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.hold /= 3)), &[Rule::Stacked]);
}

#[test]
fn an_unknown_attempt_that_is_made_again_is_caught() {
    let misread = |all: &mut Definitions| {
        each_job(all, |job| {
            job.idempotent = true;
            job.retry.attempts = 3;
        });
    };
    is_caught(Between::misread(misread), &[Rule::SentTwice]);
}

#[test]
fn attempts_without_end_are_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.retry.attempts = 9)), &[Rule::SentTwice]);
}

#[test]
fn a_backlog_that_is_dropped_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.catch_up = CatchUp::None)), &[Rule::Dishonest]);
}

#[test]
fn a_window_that_is_not_kept_is_caught() {
    is_caught(Between::misread(|all| each_job(all, |job| job.catch_up_window = None)), &[Rule::OutOfTime]);
}

#[test]
fn a_group_that_is_too_wide_is_caught() {
    let misread = |all: &mut Definitions| {
        each_job(all, |job| {
            let wide = |group: &Arc<Group>| Arc::new(Group { concurrency: 99, ..Group::clone(group) });
            job.group = job.group.as_ref().map(wide);
        });
    };
    is_caught(Between::misread(misread), &[Rule::Group]);
}

#[test]
fn a_202_that_is_taken_for_the_end_is_caught() {
    let misread = |all: &mut Definitions| each_job(all, |job| job.completion = Completion::Response);
    is_caught(Between::misread(misread), &[Rule::Untrue]);
}

fn each_poll(definitions: &mut Definitions, change: fn(&mut Poll)) {
    for job in definitions.jobs.values_mut() {
        if let Completion::Poll(poll) = &mut Arc::make_mut(job).completion {
            change(poll);
        }
    }
}

#[test]
fn work_that_is_believed_done_too_soon_is_caught() {
    let misread = |all: &mut Definitions| each_poll(all, |poll| poll.success.push("running".to_owned()));
    is_caught(Between::misread(misread), &[Rule::Untrue]);
}

#[test]
fn work_that_is_given_up_too_soon_is_caught() {
    is_caught(Between::misread(|all| each_poll(all, |poll| poll.timeout /= 3)), &[Rule::OutOfTime]);
}

#[test]
fn an_app_that_is_asked_too_often_is_caught() {
    let misread = |all: &mut Definitions| each_poll(all, |poll| poll.interval = Duration::from_millis(200));
    is_caught(Between::misread(misread), &[Rule::OutOfTime]);
}
