//! Writes that wait together are one transaction.

use std::path::Path;

use sexton::store::{Accounting, Begun};
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{super::conformance::*, Ledger};

/// Counts the transactions in the write-ahead log, by the marks that SQLite's file format gives the last frame of each
/// (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).
fn commits(ledger: &Path) -> usize {
    let log = std::fs::read(ledger.with_extension("db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let salts = log[16..24].to_vec();
    let frame = 24 + number(8) as usize;
    (32..log.len())
        .step_by(frame)
        .take_while(|at| log.get(at + 8..at + 16).is_some_and(|found| found == salts))
        .filter(|at| number(at + 4) != 0)
        .count()
}

/// While somebody reads an old state, SQLite cannot begin the log anew: every commit stays in it to be counted.
async fn keeping_the_log(ledger: &Ledger) -> SqliteConnection {
    let mut reader = SqliteConnectOptions::new().filename(ledger.path()).connect().await.unwrap();
    reader.execute("BEGIN; SELECT count(*) FROM jobs").await.unwrap();
    reader
}

#[tokio::test]
async fn a_thousand_single_writes_are_a_handful_of_transactions() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    let names: Vec<String> = (0..1000).map(|n| format!("job-{n}")).collect();
    anchored(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let reader = keeping_the_log(&ledger).await;
    let before = commits(&ledger.path());

    let mut callers = tokio::task::JoinSet::new();
    for name in names.clone() {
        let store = store.clone();
        callers.spawn(async move {
            let claim = claim(60);
            let run = claim.id;
            let accounting = Accounting { claims: vec![claim], ..accounting(&name, 0, 60) };
            assert_eq!(store.account(t(59), vec![accounting]).await.unwrap(), [DONE]);
            begin_one(&store, 60, begin(run, Some(90))).await
        });
    }
    let answers = callers.join_all().await;

    assert_eq!(answers, vec![Begun::Sending { fence: 1, attempt: 1 }; 1000]);
    let made = commits(&ledger.path()) - before;
    assert!((1..=50).contains(&made), "2,000 writes were {made} transactions");
    store.tick(t(61)).await.unwrap();
    assert_eq!(commits(&ledger.path()) - before, made + 1, "the count sees a transaction of its own");
    reader.close().await.unwrap();
}

/// One write that the database refuses takes none of its neighbours with it.
#[tokio::test]
async fn a_refused_write_spoils_only_itself() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["good", "bad"]).await;
    ledger
        .run_sql(
            "CREATE TRIGGER poison BEFORE INSERT ON runs WHEN new.job = 'bad' BEGIN SELECT raise(ABORT, 'poisoned'); END",
        )
        .await;
    let reader = keeping_the_log(&ledger).await;
    let before = commits(&ledger.path());

    let write = |name: &'static str, from: i64| {
        let store = store.clone();
        async move {
            let accounting = Accounting { claims: vec![claim(from + 60)], ..accounting(name, from, from + 60) };
            store.account(t(59), vec![accounting]).await
        }
    };
    let (first, refused, second) = tokio::join!(write("good", 0), write("bad", 0), write("good", 60));

    assert_eq!(first.unwrap(), [DONE]);
    assert_eq!(refused.unwrap_err().to_string(), "the ledger failed: poisoned");
    assert_eq!(second.unwrap(), [DONE]);
    assert_eq!(history(&store, "good").await.len(), 2);
    assert_eq!(cursor_of(&store, "bad").await.accounted_to, t(0));
    assert_eq!(commits(&ledger.path()) - before, 2, "each of the two good ones in its own");

    reader.close().await.unwrap();
    ledger.run_sql("DROP TRIGGER poison").await;
    assert_eq!(write("bad", 0).await.unwrap(), [DONE]);
}
