//! A sidecar that is killed.

use std::process::Stdio;

use sexton::run::RunId;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{super::conformance::*, Ledger};

/// Seeds A22, D11: what was acknowledged before the process was killed is there afterwards, and its lock is not.
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let ledger = Ledger::new();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["store::sqlite::crash::writing_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    super::tell(&mut child, &ledger.path()).await;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged: Vec<RunId> = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        acknowledged.extend(line.strip_prefix("written ").map(|id| id.parse::<RunId>().unwrap()));
        if acknowledged.len() == 200 {
            child.start_kill().unwrap();
        }
    }
    assert!(!child.wait().await.unwrap().success());
    assert!(acknowledged.len() >= 200, "{} lines came", acknowledged.len());

    let store = ledger.open().await;
    let rows = history(&store, "a").await;
    for id in &acknowledged {
        assert!(rows.iter().any(|run| run.id == *id), "{id} is lost");
    }
    let newest = rows.last().unwrap();
    assert_eq!(cursor_of(&store, "a").await.accounted_to, newest.scheduled_for, "rows and cursor are one write");
    let fences: Vec<_> = rows.iter().filter_map(|run| run.fence).collect();
    assert!(fences.is_sorted_by(|earlier, later| earlier < later));
    let run = claimed(&store, "a", 1_000_000).await;
    let newest_fence = *fences.last().unwrap();
    let begun = begin_one(&store, 1_000_000, begin(run, Some(1_000_001))).await;
    assert_eq!(begun, sexton::store::Begun::Sending { fence: newest_fence + 1, attempt: 1 });
}

#[tokio::test]
#[ignore = "run by what_was_acknowledged_survives_a_kill"]
async fn writing_until_it_is_killed() {
    let Some(path) = super::told() else { return };
    let store = sexton::store::open(&format!("sqlite://{}", path.display()), t(0)).await.unwrap().store;
    anchored(&store, &["a"]).await;
    for second in 1.. {
        let run = claimed(&store, "a", second).await;
        begin_one(&store, second, begin(run, None)).await;
        println!("written {run}");
    }
}
