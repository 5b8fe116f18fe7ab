//! Jobs, orders and dispatchers to test with.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sexton::{
    clock::SystemClock,
    credentials::{Config, Credentials, TOKEN},
    dispatch::{Dispatcher, Order},
    entropy::Entropy,
    job::{
        Auth, Body, CatchUp, Completion, Expect, ExpectedStatus, Job, JobName, Overlap, Retry, StatusClass, Target,
        Wire,
    },
    run::{RunId, Trigger},
    schedule::{Dst, Schedule},
};

/// The secret that the dispatchers below send.
pub(crate) const SECRET: &str = "a-shared-secret-of-the-tests-0123456789";

pub(crate) fn target(base_url: &str) -> Target {
    Target {
        name: "app".to_owned(),
        base_url: base_url.parse().unwrap(),
        auth: Auth::SharedSecret { header: None },
        whoami: None,
        wire: Wire::default(),
    }
}

/// `POST /sync` without a body, within 30 s.
pub(crate) fn job(base_url: &str) -> Job {
    job_of(target(base_url))
}

pub(crate) fn job_of(target: Target) -> Job {
    Job {
        name: JobName::new("nightly:sync").unwrap(),
        target: Arc::new(target),
        schedule: Schedule::parse("every 15m", Tz::UTC, Dst::default()).unwrap(),
        jitter: Duration::ZERO,
        method: "POST".to_owned(),
        path: "/sync".to_owned(),
        headers: Vec::new(),
        scopes: Vec::new(),
        body: Body::Empty,
        timeout: Duration::from_secs(30),
        retry: Retry {
            attempts: 1,
            initial: Duration::from_secs(5),
            factor: 2.0,
            max: Duration::from_secs(300),
            on: Vec::new(),
        },
        idempotent: false,
        overlap: Overlap::Skip,
        group: None,
        hold: Duration::from_secs(90),
        cancel: None,
        catch_up: CatchUp::Latest,
        catch_up_window: None,
        completion: Completion::Response,
        expect: Expect { status: vec![ExpectedStatus::Class(StatusClass(2))], json: Vec::new(), contains: None },
        run_on_start: false,
        enabled: true,
        description: None,
        hash: "0".to_owned(),
    }
}

pub(crate) fn instant() -> DateTime<Utc> {
    "2026-03-29T01:00:00Z".parse().unwrap()
}

/// The first attempt of a new run.
pub(crate) fn order(job: Job) -> Order {
    Order {
        job: Arc::new(job),
        run: RunId::new(instant(), Entropy::System),
        scheduled_for: instant(),
        attempt: 1,
        fence: 7,
        trigger: Trigger::Schedule,
    }
}

/// Sends [`SECRET`].
pub(crate) fn dispatcher() -> Dispatcher {
    dispatcher_with(Credentials::load(from_value(SECRET)))
}

pub(crate) fn dispatcher_with(credentials: Credentials) -> Dispatcher {
    Dispatcher::new(Arc::new(credentials), Arc::new(SystemClock), Entropy::System).unwrap()
}

/// As if `SCHEDULER_API_TOKEN` held `value`.
pub(crate) fn from_value(value: &str) -> Config {
    Config::from_lookup(|name| (name == TOKEN).then(|| value.to_owned())).unwrap()
}
