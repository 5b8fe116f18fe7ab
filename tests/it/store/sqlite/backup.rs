//! Copies of a ledger that is in use.

use std::fs;

use sexton::store::{StoreError, open_read_only};

use super::{super::conformance::*, Ledger};

#[tokio::test]
async fn a_backup_is_a_whole_ledger_of_one_instant() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    let first = sent(&store, "a", 1).await;
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for second in 2..200 {
                claimed(&store, "a", second).await;
            }
        })
    };
    let copy = Ledger::new();
    store.backup(&copy.path()).await.unwrap();
    writing.await.unwrap();

    let copied = copy.open().await;
    assert_eq!(copied.run(first).await.unwrap(), store.run(first).await.unwrap());
    let newest = history(&copied, "a").await.pop().unwrap().scheduled_for;
    assert_eq!(cursor_of(&copied, "a").await.accounted_to, newest, "rows and cursor are of one instant");
    assert_eq!(history(&store, "a").await.len(), 199);
    claimed(&copied, "a", 1000).await;
    copied.close().await;
}

#[tokio::test]
async fn a_backup_replaces_nothing_and_leaves_nothing_half_done() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    let target = ledger.0.path().join("copy.db");
    fs::write(&target, "yesterday's").unwrap();
    let error = store.backup(&target).await.unwrap_err();
    assert!(matches!(error, StoreError::BackupExists(_)), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "yesterday's");

    let error = store.backup(&ledger.0.path().join("no-folder/copy.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::Backup { .. }), "{error}");

    fs::remove_file(&target).unwrap();
    fs::write(ledger.0.path().join("copy.db.partial"), "cut off").unwrap();
    store.backup(&target).await.unwrap();
    assert!(!ledger.0.path().join("copy.db.partial").exists());
}

#[tokio::test]
async fn a_reader_makes_backups_beside_the_sidecar() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    let reader = open_read_only(&ledger.address()).await.unwrap();
    let copy = Ledger::new();
    reader.backup(&copy.path()).await.unwrap();
    assert_eq!(copy.open().await.cursors().await.unwrap(), store.cursors().await.unwrap());
}
