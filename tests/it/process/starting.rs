//! How a sidecar begins: the wait before its first firing, jobs that want a run then, and what it no longer keeps.

use serde_json::Value;

use crate::support::{
    process::{eventually, run},
    sidecar::{FakeApp, PATIENCE, Running, Sidecar, get},
};

fn after_its_grace(sidecar: &Sidecar, app: &FakeApp, grace: &str) {
    sidecar.define(&format!(
        "[sexton]\nstartup_grace = '{grace}'\n[targets.app]\nbase_url = \"http://{}\"\n\
         [jobs.often]\nschedule = 'every 1s'\npath = '/ok'\ncatch_up = 'none'\n",
        app.address
    ));
}

/// Seed A26: nothing is fired before the grace is over, and what fell due in it is downtime.
#[tokio::test]
async fn a26_the_grace_at_the_start_counts_as_downtime() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.often]\nschedule = 'every 1s'\npath = '/ok'\ncatch_up = 'none'\n");
    let (mut running, _) = sidecar.run().await;
    app.has("often", 1).await;
    assert_eq!(running.stop().await, Some(0));
    let before = app.arrivals().len();

    after_its_grace(&sidecar, &app, "3s");
    let (mut running, address) = sidecar.run().await;
    let (status, why) = get(address, "/readyz").await;
    assert_eq!((status, why.as_str()), (503, "starting"), "it is alive and not ready");
    assert_eq!(get(address, "/livez").await.0, 200);
    app.has("often", before + 2).await;
    assert_eq!(running.stop().await, Some(0));
    let arrivals = app.arrivals();
    let gap = arrivals[before].scheduled_for - arrivals[before - 1].scheduled_for;
    assert!(gap.num_seconds() >= 3, "{gap}");
    let missed: u64 = sidecar
        .runs()
        .await
        .iter()
        .filter(|row| row["reason"] == "downtime")
        .map(|row| row["count"].as_u64().unwrap())
        .sum();
    assert!(missed >= 2, "{missed} missed");
    run(sidecar.command(&["verify"])).await.good();
}

/// Seed A26: a stop cuts the grace short.
#[tokio::test]
async fn a26_a_stop_cuts_the_grace_short() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "");
    after_its_grace(&sidecar, &app, "10m");
    let (mut running, _) = sidecar.run().await;
    assert_eq!(running.stop().await, Some(0));
    assert!(app.arrivals().is_empty());
}

/// Once for each start of the process, besides the schedule.
#[tokio::test]
async fn a_job_may_want_a_run_at_each_start() {
    let app = FakeApp::start().await;
    let jobs = "[jobs.warm]\nschedule = 'every 365d'\npath = '/ok'\nrun_on_start = true\n\
                [jobs.cold]\nschedule = 'every 365d'\npath = '/ok'\n\
                [jobs.off]\nschedule = 'every 365d'\npath = '/ok'\nrun_on_start = true\nenabled = false\n";
    let sidecar = Sidecar::new(app.address, jobs);
    for start in 1..=2 {
        let (mut running, _) = sidecar.run().await;
        running.hear("run ended").await;
        assert_eq!(running.stop().await, Some(0));
        assert_eq!(app.of("warm").len(), start);
    }
    let rows = sidecar.runs().await;
    assert!(rows.iter().all(|row| row["job"] == "warm" && row["trigger"] == "startup" && row["state"] == "succeeded"));
    assert_eq!(rows.len(), 2);
}

/// `history` is kept to at the start, and what is gone harms no proof.
#[tokio::test]
async fn the_history_is_kept_within_its_bounds() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.often]\nschedule = 'every 1s'\npath = '/ok'\n");
    let (mut running, _) = sidecar.run().await;
    app.has("often", 4).await;
    assert_eq!(running.stop().await, Some(0));
    let oldest = sidecar.runs().await[0]["id"].clone();
    let target = format!("[targets.app]\nbase_url = \"http://{}\"\n", app.address);
    sidecar.define(&format!(
        "[sexton]\nhistory = {{ per_job = 1 }}\n{target}[jobs.often]\nschedule = 'every 1s'\npath = '/ok'\n"
    ));
    let mut running = Running::start(sidecar.command(&["run", "--listen", "127.0.0.1:0"]));
    running.hear("old runs are pruned").await;
    let kept: Vec<Value> = eventually("a shorter history", PATIENCE, async || {
        let rows = sidecar.runs().await;
        rows.iter().all(|row| row["id"] != oldest).then_some(rows)
    })
    .await;
    assert!(!kept.is_empty());
    assert_eq!(running.stop().await, Some(0));
    run(sidecar.command(&["verify"])).await.good();
}
