//! Starting and stopping.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use sexton::{
    cli,
    clock::SystemClock,
    entropy::Entropy,
    reference_app::{self, Config, DatabaseError, StartError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::marketplaces::{Hole, gone};
use crate::support::{
    app::{Builder, TestApp, secret},
    http::{Call, PATIENCE, Reply},
    logs::Logs,
};

/// What is under way when the app is told to stop is finished and answered.
#[tokio::test]
async fn stopping_lets_open_requests_end() {
    let app = TestApp::start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let client = app.scheduler("POST", "/api/marketplaces/sync-all").open().await;
    let git = hole.caught().await;
    let (stopped, ()) = tokio::join!(app.stop(), async { drop(git) });
    Reply::read(client).await.problem(500);
    drop(stopped);
}

/// And when its time is over, it is killed, answered, and in the audit log.
#[tokio::test]
async fn stopping_is_bounded() {
    let app = Builder::default().shutdown_grace(Duration::from_millis(10)).start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let client = app.scheduler("POST", "/api/marketplaces/sync-all").open().await;
    let git = hole.caught().await;
    let data = app.stop().await;
    gone(git).await;
    let reply = Reply::read(client).await;
    reply.problem(500);
    assert!(reply.body.contains("the app is stopping"), "{}", reply.body);
    let app = Builder::default().data(data).start().await;
    assert_eq!(app.audited(|row| row["action"] == "marketplace.sync").await["result"], "failed");
    app.stop().await;
}

/// A client that never finishes its request is answered without it; the app does not wait.
#[tokio::test]
async fn a_stalled_client_does_not_keep_it_up() {
    let app = Builder::default().shutdown_grace(Duration::from_millis(10)).start().await;
    let mut stalled = TcpStream::connect(app.address).await.unwrap();
    let head =
        "POST /api/auth/login HTTP/1.1\r\nhost: app\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    stalled.write_all(format!("{head}content-length: 99\r\n\r\n").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stalled.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    app.stop().await;
    Reply::read(stalled).await.problem(503);
}

/// Two apps on one folder would sync over each other.
#[tokio::test]
async fn a_folder_is_for_one_app() {
    let app = TestApp::start().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let config = Config::new(app.folder(), |_| None);
    let second = reference_app::serve(config, listener, Arc::new(SystemClock), Entropy::System, std::future::pending());
    assert!(matches!(second.await, Err(StartError::Database(DatabaseError::InUse(folder))) if folder == app.folder()));
    app.stop().await;
}

/// A database of a later version is left alone.
#[tokio::test]
async fn a_newer_database_is_refused() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    let data = app.stop().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let config = Config::new(data.path(), |_| None);
    let error = reference_app::serve(config, listener, Arc::new(SystemClock), Entropy::System, std::future::pending());
    assert!(matches!(error.await, Err(StartError::Database(DatabaseError::Newer(_)))));
}

/// It holds password hashes and the credentials of repositories.
#[tokio::test]
async fn the_data_is_its_owners() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("deep").join("data");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let config = Config::new(&data, |_| None);
    reference_app::serve(config, listener, Arc::new(SystemClock), Entropy::System, std::future::ready(()))
        .await
        .unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(data.clone()), mode(data.join("app.db"))), (0o700, 0o600));
}

#[derive(Debug, clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    app: cli::app::Args,
}

/// `sexton app`, from its flags to its end.
#[tokio::test]
async fn the_command_runs_the_app() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["app", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let args = <CommandLine as clap::Parser>::try_parse_from(arguments).unwrap().app;
    let logs = Logs::capture();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let environment = |name: &str| (name == "SCHEDULER_API_TOKEN").then(|| secret().into());
    let shutdown = async { drop(stopped.await) };
    let running = cli::app::run(args, environment, Arc::new(SystemClock), Entropy::System, shutdown);
    let asking = async {
        let address = loop {
            let address = logs.text().split("address=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
            match address {
                Some(address) => break address,
                None => tokio::task::yield_now().await,
            }
        };
        let me = Call::new(address, "GET", "/api/auth/me").bearer(&secret()).send().await;
        stop.send(()).unwrap();
        me.status
    };
    let both = async { tokio::join!(running, asking) };
    let (ended, status) = tokio::time::timeout(PATIENCE, both).await.expect("the command ends");
    ended.unwrap();
    assert_eq!(status, 200);
}

/// The message names the address and the flag.
#[tokio::test]
async fn an_address_in_use_is_said() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let args =
        cli::app::Args { listen: listen.clone(), data: "/nowhere".into(), sync_limit: 600, workers: 0, job_limit: 1 };
    let ended = cli::app::run(args, |_| None, Arc::new(SystemClock), Entropy::System, std::future::pending()).await;
    let message = ended.unwrap_err().to_string();
    assert!(message.contains(&listen) && message.contains("--listen"), "{message}");
}
