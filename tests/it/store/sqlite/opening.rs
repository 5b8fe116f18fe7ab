//! What stands at the address, and what becomes of it.

use std::{fs, path::PathBuf};

use sexton::{
    run::{Outcome, Reason},
    store::{self, Cursor, End, FreshBecause, Opened, StoreError},
    verify::verify,
};

use super::{super::conformance::*, Ledger};

async fn refusal(address: &str) -> StoreError {
    store::open(address, t(0)).await.unwrap_err()
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for address in ["", "sexton.db", "sqlite:", "sqlite://", "sqlite::memory:", "sqlite://a.db?mode=ro", "sqlite:///x/"]
    {
        assert!(matches!(refusal(address).await, StoreError::Address(_)), "{address}");
        assert!(matches!(store::open_read_only(address).await, Err(StoreError::Address(_))), "{address}");
    }
    insta::assert_snapshot!(
        refusal("sexton.db").await,
        @"`sexton.db` is no ledger address: write sqlite://FILE, for example sqlite://sexton.db"
    );
}

#[tokio::test]
async fn an_address_is_told_without_its_password() {
    let told = refusal("postgres://sexton:hunter2@db/sexton?password=hunter3").await.to_string();
    assert!(!told.contains("hunter"), "{told}");
    assert!(told.contains("postgres://"), "{told}");
}

#[tokio::test]
async fn each_way_to_write_the_address_is_the_same_file() {
    let ledger = Ledger::new();
    for address in [ledger.address(), ledger.address().replace("sqlite://", "sqlite:")] {
        let store = store::open(&address, t(0)).await.unwrap().store;
        store.anchor(vec![cursor("a", t(0))]).await.unwrap();
        store.close().await;
    }
    let found: Vec<_> = fs::read_dir(ledger.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(found.iter().all(|name| name == "sexton.db" || name == "sexton.db.lock"), "{found:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named_and_not_made() {
    let ledger = Ledger::new();
    let folder = ledger.0.path().join("not-there");
    let error = refusal(&format!("sqlite://{}/sexton.db", folder.display())).await;
    assert!(matches!(&error, StoreError::NoFolder(named) if *named == folder), "{error}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_folder_is_no_ledger() {
    let ledger = Ledger::new();
    fs::create_dir(ledger.path()).unwrap();
    let error = refusal(&ledger.address()).await;
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    let link = ledger.0.path().join("by-another-name.db");
    std::os::unix::fs::symlink(ledger.path(), &link).unwrap();
    for address in [ledger.address(), format!("sqlite://{}", link.display())] {
        match refusal(&address).await {
            StoreError::InUse { holder, path } => {
                assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
                assert_eq!(path, ledger.path());
            }
            other => panic!("{other}"),
        }
    }
    store.tick(t(1)).await.unwrap();
    store.close().await;
    ledger.open().await.tick(t(2)).await.unwrap();
}

#[tokio::test]
async fn a_lock_file_that_nobody_holds_locks_nothing() {
    let ledger = Ledger::new();
    fs::write(ledger.path().with_extension("db.lock"), "process 1 on an-old-container-with-a-long-name\n").unwrap();
    let store = ledger.open().await;
    let Err(StoreError::InUse { holder, .. }) = store::open(&ledger.address(), t(0)).await else { panic!() };
    assert!(!holder.contains("old"), "{holder}");
    store.close().await;
}

async fn opened_afresh(ledger: &Ledger) -> (Store, PathBuf, String) {
    let Opened { store, fresh_because } = store::open(&ledger.address(), t(0)).await.unwrap();
    let Some(FreshBecause::Corrupt { set_aside, problem }) = fresh_because else { panic!("nothing was noticed") };
    (store, set_aside, problem)
}

/// Seed A22: a corrupt ledger is survived, and kept for whoever wants to look at it.
#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside() {
    let ledger = Ledger::new();
    let garbage = "no database at all\n".repeat(1000);
    fs::write(ledger.path(), &garbage).unwrap();
    fs::write(ledger.path().with_extension("db-wal"), "its log").unwrap();

    let (store, set_aside, problem) = opened_afresh(&ledger).await;
    assert_eq!(problem, "file is not a database");
    assert_eq!(set_aside, ledger.0.path().join("sexton.db.corrupt-20260301T030000Z"));
    assert_eq!(fs::read_to_string(&set_aside).unwrap(), garbage);
    assert!(PathBuf::from(format!("{}-wal", set_aside.display())).exists());
    assert!(store.cursors().await.unwrap().is_empty());
    anchored(&store, &["a"]).await;
    store.close().await;
    assert_eq!(ledger.open().await.cursors().await.unwrap().len(), 1, "the fresh one is a ledger like any other");
}

/// Seed A22: damage is found at the start, in a table that the start itself has no need to read.
#[tokio::test]
async fn a_damaged_page_is_found_and_the_file_set_aside() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    claimed(&store, "a", 60).await;
    store.close().await;
    let bytes = damaged(&ledger, "runs").await;

    let (store, set_aside, problem) = opened_afresh(&ledger).await;
    assert!(!problem.is_empty());
    assert_eq!(fs::read(set_aside).unwrap(), bytes);
    assert!(store.cursors().await.unwrap().is_empty());
    store.close().await;
}

/// Overwrites the first page of a table. Gives the file as it is then.
async fn damaged(ledger: &Ledger, table: &str) -> Vec<u8> {
    let pages = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
    let root = ledger.number(pages.leak()).await;
    let mut bytes = fs::read(ledger.path()).unwrap();
    let page = (usize::try_from(root).unwrap() - 1) * 4096;
    bytes[page..page + 4096].fill(0xA5);
    fs::write(ledger.path(), &bytes).unwrap();
    bytes
}

/// Seed A22: in a file that is too large to be looked through, what every start reads is read: a start that fails on it
/// would fail again and again.
#[tokio::test]
async fn a22_in_a_large_file_damage_that_a_start_meets_sets_it_aside() {
    for table in ["jobs", "runs"] {
        let ledger = Ledger::new();
        let store = ledger.open().await;
        anchored(&store, &["a"]).await;
        claimed(&store, "a", 60).await;
        store.close().await;
        damaged(&ledger, table).await;
        // A hole behind the last page: the file is large, and takes no room.
        fs::File::options().write(true).open(ledger.path()).unwrap().set_len(257 * 1024 * 1024).unwrap();

        let (store, set_aside, problem) = opened_afresh(&ledger).await;
        assert!(!problem.is_empty() && set_aside.exists(), "{table}");
        assert!(store.cursors().await.unwrap().is_empty(), "{table}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_second_corrupt_file_does_not_replace_the_first() {
    let ledger = Ledger::new();
    let mut aside = Vec::new();
    for text in ["one", "two", "three"] {
        fs::write(ledger.path(), text.repeat(1000)).unwrap();
        let (store, set_aside, _) = opened_afresh(&ledger).await;
        store.close().await;
        aside.push((set_aside, text.repeat(1000)));
    }
    for (path, text) in aside {
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    store.close().await;
    ledger.run_sql("INSERT INTO _sqlx_migrations VALUES (9000, 'later', 'then', true, x'', 0)").await;

    for error in [refusal(&ledger.address()).await, store::open_read_only(&ledger.address()).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 9000, known: 4, .. }), "{error}");
    }
    ledger.run_sql("DELETE FROM _sqlx_migrations WHERE version = 9000").await;
    assert_eq!(ledger.open().await.cursors().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_of_another_program_is_not_touched() {
    let ledger = Ledger::new();
    ledger.run_sql("CREATE TABLE shopping (item TEXT); INSERT INTO shopping VALUES ('milk')").await;
    let before = fs::read(ledger.path()).unwrap();
    for error in [refusal(&ledger.address()).await, store::open_read_only(&ledger.address()).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    }
    assert_eq!(fs::read(ledger.path()).unwrap(), before);
}

#[tokio::test]
async fn an_empty_file_becomes_a_ledger() {
    let ledger = Ledger::new();
    fs::write(ledger.path(), "").unwrap();
    anchored(&ledger.open().await, &["a"]).await;
}

#[tokio::test]
async fn a_reader_works_beside_the_sidecar_and_cannot_write() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    let reader = store::open_read_only(&ledger.address()).await.unwrap();
    let run = sent(&store, "a", 60).await;
    assert_eq!(row(&reader, run).await, row(&store, run).await);
    assert_eq!(reader.slots(t(60)).await.unwrap().len(), 1);

    assert!(matches!(reader.tick(t(61)).await, Err(StoreError::ReadOnly)));
    assert!(matches!(reader.finish(t(61), vec![success(run)]).await, Err(StoreError::ReadOnly)));
    assert!(matches!(reader.prune(t(61), std::time::Duration::ZERO, 0).await, Err(StoreError::ReadOnly)));
    store.finish(t(62), vec![success(run)]).await.unwrap();
    store.close().await;
    assert_eq!(row(&reader, run).await.status, Some(200), "also when the sidecar has gone");
    reader.close().await;
    assert!(matches!(reader.cursors().await, Err(StoreError::Closed)));

    let alone = store::open_read_only(&ledger.address()).await.unwrap();
    assert_eq!(row(&alone, run).await.status, Some(200));
}

#[tokio::test]
async fn a_reader_makes_nothing() {
    let ledger = Ledger::new();
    let error = store::open_read_only(&ledger.address()).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    assert_eq!(fs::read_dir(ledger.0.path()).unwrap().count(), 0);

    fs::write(ledger.path(), "").unwrap();
    let error = store::open_read_only(&ledger.address()).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    assert_eq!(fs::metadata(ledger.path()).unwrap().len(), 0);
}

#[tokio::test]
async fn a_reader_of_an_older_schema_says_how_to_bring_it_up_to_date() {
    let ledger = Ledger::new();
    ledger.open().await.close().await;
    ledger.run_sql("DELETE FROM _sqlx_migrations").await;
    let error = store::open_read_only(&ledger.address()).await.unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 0, known: 4, .. }), "{error}");
}

#[tokio::test]
async fn a_start_that_was_cut_off_before_the_first_migration_is_repeated() {
    let ledger = Ledger::new();
    ledger
        .run_sql(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                 installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                 checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        )
        .await;
    anchored(&ledger.open().await, &["a"]).await;
}

/// The periods before are not known, but that of the schedule in force is, and since when.
#[tokio::test]
async fn a_ledger_of_the_first_schema_is_brought_up_to_date() {
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a", "gone"]).await;
    let ahead = claimed(&store, "a", 60).await;
    claimed(&store, "gone", 70).await;
    let again = |name, schedule: &str, at| Cursor { schedule: schedule.to_owned(), ..cursor(name, t(at)) };
    store.anchor(vec![again("a", "every 5m", 59)]).await.unwrap();
    store.end(t(59), vec![End { run: ahead, outcome: Outcome::Cancelled, reason: Reason::Redefined }]).await.unwrap();
    // As the first schema's scheduler wrote down a job that was removed while none ran.
    store.anchor(vec![Cursor { accounted_to: t(90), ..again("gone", "removed", 0) }]).await.unwrap();
    store.close().await;
    let later = "DROP TABLE periods; DROP TABLE pauses; ALTER TABLE runs DROP COLUMN asked_by;
        ALTER TABLE runs DROP COLUMN work; ALTER TABLE runs DROP COLUMN progress;
        DELETE FROM _sqlx_migrations WHERE version > 1";
    ledger.run_sql(later).await;

    let error = store::open_read_only(&ledger.address()).await.unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 1, known: 4, .. }), "{error}");
    let store = ledger.open().await;
    for (name, schedule, since, covered) in [("a", "every 5m", 59, 60), ("gone", "removed", 90, 90)] {
        let evidence = store.evidence(job(name)).await.unwrap().unwrap();
        let [before, now] = &evidence.periods[..] else { panic!("{evidence:?}") };
        assert_eq!((before.schedule.as_str(), before.accounted_to), ("unknown", Some(t(covered))));
        assert_eq!((now.schedule.as_str(), now.anchored_at, now.kept_after), (schedule, t(since), t(covered)));
        assert_eq!(now.accounted_to, None);
        assert_eq!(verify(&evidence, Some(t(120))).findings, []);
    }
    claimed(&store, "a", 300).await;
    store.anchor(vec![cursor("a", t(301))]).await.unwrap();
    assert_eq!(store.evidence(job("a")).await.unwrap().unwrap().periods.len(), 3);
    store.close().await;
}
