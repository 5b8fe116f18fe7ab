//! What stops `sexton run`, beyond its secret and its definitions.

use std::fs;

use crate::support::{
    process::{Done, run},
    sidecar::{FakeApp, Sidecar},
};

async fn started(arguments: &[&str], variables: &[(&str, &str)]) -> (Done, Sidecar) {
    let sidecar = Sidecar::new(FakeApp::start().await.address, "");
    let all = [&["run", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut command = sidecar.command(&all);
    command.envs(variables.iter().copied());
    (run(command).await, sidecar)
}

/// A ledger that cannot be kept: exit 1, with the place and what to do.
#[tokio::test]
async fn a_ledger_that_cannot_be_kept_is_named() {
    for (store, words) in [
        ("sqlite://no/such/folder/sexton.db", "the folder no/such/folder does not exist"),
        ("sqlite:///proc/sexton.db", "/proc/sexton.db"),
        ("sqlite:///dev/null/sexton.db", "/dev/null"),
        ("postgres://user:pass-word-1@db/sexton", "is no ledger address"),
        ("sexton.db", "is no ledger address"),
    ] {
        let (done, _sidecar) = started(&["--store", store], &[]).await;
        assert_eq!(done.code, Some(1), "{store}: {done}");
        assert!(done.stderr.contains(words), "{store}: {done}");
        assert!(!done.said().contains("pass-word-1"), "{done}");
        assert!(!done.said().contains("sexton is up"), "{done}");
    }
}

/// A database of another program is not written to.
#[tokio::test]
async fn a_file_that_is_no_ledger_is_not_replaced() {
    let sidecar = Sidecar::new(FakeApp::start().await.address, "");
    let other = database_of_another(&sidecar.path("other.db")).await;
    let command = sidecar.command(&["run", "--listen", "127.0.0.1:0", "--store", "sqlite://other.db"]);
    let done = run(command).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains("is a database of another program"), "{done}");
    assert_eq!(fs::read(sidecar.path("other.db")).unwrap(), other);
}

/// A database with somebody else's table in it; its bytes.
async fn database_of_another(path: &std::path::Path) -> Vec<u8> {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE accounts (id INTEGER)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    fs::read(path).unwrap()
}

/// Seed A28: a variable that cannot be used stops the start with its name: exit 2.
#[tokio::test]
async fn a28_a_variable_that_cannot_be_used_stops_the_start() {
    for (variable, value) in [
        ("SEXTON_LATE_LIMIT", "0s"),
        ("SEXTON_SHUTDOWN_GRACE", ""),
        ("SEXTON_MAX_IN_FLIGHT", "0"),
        ("SEXTON_TIMEZONE", "Mars"),
        ("SEXTON_LISTEN", "everywhere"),
        ("SEXTON_LOG", "xml"),
        ("SEXTON_ADMIN_TOKEN", "short-admin-token"),
    ] {
        let (done, _sidecar) = started(&[], &[(variable, value)]).await;
        assert_eq!(done.code, Some(2), "{variable}={value}: {done}");
        assert!(done.stderr.contains(variable), "{done}");
        assert!(variable != "SEXTON_ADMIN_TOKEN" || !done.said().contains(value), "{done}");
    }
}

/// A file that happens to lie where the socket is to be is not removed.
#[tokio::test]
async fn a_listener_does_not_remove_a_file() {
    let (done, sidecar) = started(&["--listen", "unix:jobs.toml"], &[]).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stderr.contains("cannot listen at unix:jobs.toml"), "{done}");
    assert!(fs::read_to_string(sidecar.path("jobs.toml")).unwrap().contains("base_url"));
}
