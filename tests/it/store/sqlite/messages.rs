//! What the errors say.

use std::{io, path::PathBuf};

use sexton::store::{FreshBecause, StoreError};
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::{super::conformance::*, Ledger};

#[test]
fn each_error_names_the_file_and_the_way_out() {
    let path = || PathBuf::from("/data/sexton.db");
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let errors = [
        StoreError::NoFolder(PathBuf::from("/data")),
        StoreError::Missing(path()),
        StoreError::InUse { path: path(), holder: "process 7 on cron-1".to_owned() },
        StoreError::Newer { path: path(), found: 9, known: 1 },
        StoreError::Older { path: path(), found: 1, known: 9 },
        StoreError::Foreign(path()),
        StoreError::Open { path: path(), source: denied() },
        StoreError::BackupExists(path()),
        StoreError::Backup { path: path(), source: denied() },
        StoreError::Panicked,
        StoreError::ReadOnly,
        StoreError::Closed,
        StoreError::Unanswered,
    ];
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    the folder /data does not exist, so no ledger can be kept in it: create it, or name another file with --store
    there is no ledger at /data/sexton.db: `sexton run` makes one; --store names it
    /data/sexton.db is in use by another sidecar (process 7 on cron-1): stop that one, or give this one a ledger of its own with --store
    /data/sexton.db was written by a newer sexton (schema 9, this one knows 1): upgrade this one, or restore a backup
    /data/sexton.db was written by an older sexton (schema 1, this one reads 9): start `sexton run` once, it brings the ledger up to date
    /data/sexton.db is a database of another program: name another file with --store
    cannot open the ledger /data/sexton.db: permission denied
    /data/sexton.db exists already, and a backup replaces nothing: name a new file
    cannot write the backup /data/sexton.db: permission denied
    the ledger did not take a write, because sexton's own code panicked in it; this is a bug
    the ledger was opened for reading only
    the ledger is closed
    the ledger did not take the last writes in time: what they said of open runs is lost, and the next start ends those as unknown
    ");
}

#[test]
fn a_fresh_ledger_says_why_and_where_the_old_one_is() {
    let because = FreshBecause::Corrupt {
        set_aside: PathBuf::from("/data/sexton.db.corrupt-20260301T030000Z"),
        problem: "file is not a database".to_owned(),
    };
    insta::assert_snapshot!(because, @"the ledger was corrupt (file is not a database) and was set aside as /data/sexton.db.corrupt-20260301T030000Z: the history is fresh, and no occurrence from before it is caught up");
}

/// What SQLite says comes with what to do about it.
#[tokio::test]
async fn what_the_database_says_comes_with_a_way_out() {
    let ledger = Ledger::new();
    anchored(&ledger.open().await, &["a"]).await;
    let options = SqliteConnectOptions::new().filename(ledger.path());
    let mut full = options.clone().pragma("max_page_count", "1").connect().await.unwrap();
    let mut read_only = options.clone().read_only(true).connect().await.unwrap();
    let mut holder = options.clone().connect().await.unwrap();
    let mut waiting = options.busy_timeout(std::time::Duration::ZERO).connect().await.unwrap();
    let mut told = vec![
        full.execute("CREATE TABLE a AS SELECT hex(zeroblob(100000)) AS b").await,
        read_only.execute("DELETE FROM jobs").await,
    ];
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    told.push(waiting.execute("BEGIN IMMEDIATE").await);
    let nowhere = ledger.path().join("below-a-file.db");
    told.push(SqliteConnectOptions::new().filename(nowhere).connect().await.map(|_| unreachable!()));
    let told: Vec<String> = told.into_iter().map(|result| StoreError::from(result.unwrap_err()).to_string()).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    the ledger failed: database or disk is full: free some space
    the ledger failed: attempt to write a readonly database: give sexton write permission on the file and its folder
    the ledger failed: database is locked: another program keeps it locked; close that one
    the ledger failed: unable to open database file: also a reader must be able to write in its folder; run it as the sidecar's user
    ");
    for connection in [full, read_only, holder, waiting] {
        connection.close().await.unwrap();
    }
}
