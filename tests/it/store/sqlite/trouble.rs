//! A ledger that cannot be written, or holds what nobody wrote.

use std::{path::PathBuf, process::Stdio};

use sexton::store::{StoreError, open_read_only};

use super::{super::conformance::*, Ledger};

#[tokio::test]
async fn a_row_that_no_sexton_wrote_is_named() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    let run = claimed(&store, "a", 60).await;
    for (column, value, told) in [
        ("state", "'asleep'", "state: `asleep` is no state"),
        ("\"trigger\"", "'whim'", "trigger: `whim` is no trigger"),
        ("reason", "'because'", "reason: `because` is no reason"),
        ("status", "-5", "status: out of range integral type conversion attempted"),
        ("scheduled_for", "-9223372036854775808", "scheduled_for: -9223372036854775808 is no instant"),
    ] {
        let kept = format!(
            "PRAGMA ignore_check_constraints = ON; CREATE TABLE kept AS SELECT {column} AS value FROM runs; \
             UPDATE runs SET {column} = {value}"
        );
        ledger.run_sql(&kept).await;
        let error = store.run(run).await.unwrap_err();
        assert!(matches!(error, StoreError::Row(_)), "{error}");
        assert_eq!(error.to_string(), format!("the ledger holds a row that cannot be read: run {run}, {told}"));
        ledger.run_sql(&format!("UPDATE runs SET {column} = (SELECT value FROM kept); DROP TABLE kept")).await;
    }
    assert_eq!(row(&store, run).await.scheduled_for, t(60));
}

/// The sign of life is in the file for whoever looks at it after a crash, and steps back with the clock.
#[tokio::test]
async fn a_tick_is_written_down() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    for now in [t(5), t(7), t(6)] {
        store.tick(now).await.unwrap();
        assert_eq!(ledger.number("SELECT value FROM meta WHERE key = 'last_tick'").await, now.timestamp_micros());
    }
}

/// The schema itself refuses what the closed lists do not hold.
#[tokio::test]
async fn the_schema_refuses_words_and_rows_that_make_no_sense() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    claimed(&store, "a", 60).await;
    for change in [
        "state = 'resting'",
        "\"trigger\" = 'boredom'",
        "reason = 'because'",
        "settled = 'succeeded'",
        "count = 0",
        "count = 2",
        "through = scheduled_for - 1",
        "finished_at = 5",
        "status = 'teapot'",
        "job = 'nobody'",
    ] {
        let refused = ledger.try_sql(&format!("UPDATE runs SET {change}")).await;
        assert!(refused.is_err(), "{change}");
    }
}

#[tokio::test]
async fn a_lost_transaction_is_an_error_for_all_who_were_part_of_it() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    // A constraint that is looked at in the end only: the writes go through, the commit does not.
    ledger
        .run_sql(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER orphan AFTER INSERT ON meta BEGIN INSERT INTO child VALUES (1); END",
        )
        .await;
    let (first, second) = tokio::join!(store.tick(t(1)), store.tick(t(1)));
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(error.to_string(), "the ledger failed: FOREIGN KEY constraint failed");
    }
    ledger.run_sql("DROP TRIGGER orphan").await;
    store.tick(t(2)).await.unwrap();
}

/// A full disk is an error of each call, and nothing more: the calls after it work again. The limit on the size of files
/// holds for a whole process, so this runs in one of its own, which must not die of the signal that comes with it.
#[tokio::test]
async fn a_full_disk_is_an_error_until_there_is_room() {
    let ledger = Ledger::new();
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["store::sqlite::trouble::on_a_full_disk", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    super::tell(&mut child, &ledger.path()).await;
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("there is room again"), "{said}");
    let reader = open_read_only(&ledger.address()).await.unwrap();
    assert_eq!(history(&reader, "a").await.len(), 2);
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_an_error_until_there_is_room"]
async fn on_a_full_disk() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Some(path) = super::told() else { return };
    let store = sexton::store::open(&format!("sqlite://{}", path.display()), t(0)).await.unwrap().store;
    anchored(&store, &["a"]).await;
    claimed(&store, "a", 60).await;
    let written = std::fs::metadata(PathBuf::from(format!("{}-wal", path.display()))).unwrap().len();

    let roomy = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(written), ..roomy }).unwrap();
    for second in 1..=3 {
        let error = store.tick(t(second)).await.unwrap_err();
        assert!(matches!(error, StoreError::Database(_)), "{error}");
    }
    assert_eq!(history(&store, "a").await.len(), 1, "reading goes on");

    setrlimit(Resource::Fsize, roomy).unwrap();
    claimed(&store, "a", 120).await;
    store.close().await;
    println!("there is room again");
}
