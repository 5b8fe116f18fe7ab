//! From nothing to the first firing.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    done,
    project::{PATIENCE, Project, SCHEDULER, instant},
};
use crate::support::process::eventually;

/// Within this time after the containers run, the app's audit log has something that the scheduler did.
const FIRST_FIRING: TimeDelta = TimeDelta::seconds(30);

/// Nothing is there, `up` ends, and the jobs of the example fire. Names resolve in an image that holds nothing but a
/// static program: `http://app:8000` is all that jobs.toml knows.
///
/// Seed A41: the app is healthy before the scheduler starts, with a start period above any boot, and every stop period is
/// above the drain.
pub(super) async fn comes_from_nothing(project: &Project<'_>) {
    let began = Instant::now();
    project.compose(&["up", "--detach", "--no-build"]).await;
    done("up", began);
    let scheduler = project.inspect("scheduler").await;
    let started = instant(scheduler["State"]["StartedAt"].as_str().unwrap()).unwrap();
    let row = project.audited("marketplaces_all", started).await;
    assert!(row.at - started < FIRST_FIRING, "the first firing came {} after the start", row.at - started);
    assert_eq!((row.user.as_str(), row.result.as_str()), (SCHEDULER, "ok"), "{row:?}");
    let app = project.inspect("app").await;
    limits_are_set(&app);
    limits_are_set(&scheduler);
    assert!(app["Config"]["Healthcheck"]["StartPeriod"].as_u64() >= Some(Duration::from_secs(60).as_nanos() as u64));
    assert!(scheduler["Config"]["StopTimeout"].as_u64() > Some(30 + 3), "above the drain of 30 s and its last writes");
    assert!(app["Config"]["StopTimeout"].as_u64() > Some(10 + 5), "above the app's own drain");
    for health in ["app", "scheduler"] {
        eventually(&format!("a healthy {health}"), PATIENCE, async || {
            (project.inspect(health).await["State"]["Health"]["Status"] == "healthy").then_some(())
        })
        .await;
    }
    done("first firing and healthy", began);
}

fn limits_are_set(container: &Value) {
    let host = &container["HostConfig"];
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    assert_eq!(host["SecurityOpt"], serde_json::json!(["no-new-privileges:true"]));
    assert!(host["Memory"].as_u64() > Some(0) && host["NanoCpus"].as_u64() > Some(0), "{host}");
    let published = host["PortBindings"].as_object().unwrap();
    assert_eq!(published.len(), 1, "one port: {published:?}");
    assert!(published.values().all(|port| port[0]["HostIp"] == "127.0.0.1"), "on loopback: {published:?}");
}
