//! SKETCH replaced at merge.
use crate::{
    job::Job,
    run::{Outcome, Reason, RunId, Trigger},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
/// x
#[derive(Debug, Clone)]
pub struct Order {
    /// x
    pub job: Arc<Job>,
    /// x
    pub run: RunId,
    /// x
    pub scheduled_for: DateTime<Utc>,
    /// x
    pub attempt: u32,
    /// x
    pub fence: u64,
    /// x
    pub trigger: Trigger,
}
/// x
#[derive(Debug, Clone)]
pub struct Report {
    /// x
    pub outcome: Outcome,
    /// x
    pub reason: Option<Reason>,
    /// x
    pub status: Option<u16>,
    /// x
    pub excerpt: Option<String>,
    /// x
    pub duration: TimeDelta,
}
/// x
pub fn request_line(job: &Job) -> String {
    format!("{} {}{}", job.method, job.target.base_url, job.path)
}

/// x
#[derive(Debug)]
pub struct Dispatcher;
impl Dispatcher {
    /// x
    pub async fn send(&self, order: &Order) -> Report {
        let _ = order;
        Report {
            outcome: Outcome::Succeeded,
            reason: None,
            status: Some(200),
            excerpt: None,
            duration: TimeDelta::zero(),
        }
    }
}
