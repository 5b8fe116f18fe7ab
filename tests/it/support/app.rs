//! The real reference app, in this process, on a free port, with a folder of its own.

use std::{collections::BTreeMap, ffi::OsString, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};
use sexton::{
    clock::{Clock, SharedClock, SystemClock},
    entropy::Entropy,
    reference_app::{self, Config, StartError},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle, sync::oneshot, task::JoinHandle};

use super::http::{Call, PATIENCE, Reply};

/// What a password could be.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// How to start an app.
pub(crate) struct Builder {
    environment: BTreeMap<String, OsString>,
    data: TempDir,
    sync_limit: Option<Duration>,
    shutdown_grace: Option<Duration>,
    workers: Option<usize>,
    job_limit: Option<Duration>,
    source_timeout: Option<Duration>,
    source_bytes: Option<u64>,
    clock: SharedClock,
}

/// A running app. `stop` it, or the test fails.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    data: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), StartError>>,
    tasks_before: usize,
}

/// A made-up secret; nothing but these tests takes it.
pub(crate) fn secret() -> String {
    "0123456789abcdef".repeat(4)
}

/// Where programs are found.
#[expect(clippy::disallowed_methods, reason = "git is found by the PATH of whoever runs the tests")]
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

impl Default for Builder {
    /// With the shared secret of [`secret`].
    fn default() -> Self {
        let environment =
            BTreeMap::from([("PATH".to_owned(), search_path()), ("SCHEDULER_API_TOKEN".to_owned(), secret().into())]);
        Self {
            environment,
            data: tempfile::tempdir().unwrap(),
            sync_limit: None,
            shutdown_grace: None,
            workers: None,
            job_limit: None,
            source_timeout: None,
            source_bytes: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Builder {
    pub(crate) fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// In the folder of an app that ran before.
    pub(crate) fn data(mut self, data: TempDir) -> Self {
        self.data = data;
        self
    }

    pub(crate) fn sync_limit(mut self, limit: Duration) -> Self {
        self.sync_limit = Some(limit);
        self
    }

    pub(crate) fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.shutdown_grace = Some(grace);
        self
    }

    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    pub(crate) fn job_limit(mut self, limit: Duration) -> Self {
        self.job_limit = Some(limit);
        self
    }

    pub(crate) fn source_timeout(mut self, timeout: Duration) -> Self {
        self.source_timeout = Some(timeout);
        self
    }

    pub(crate) fn source_bytes(mut self, bytes: u64) -> Self {
        self.source_bytes = Some(bytes);
        self
    }

    /// Another clock than the machine's, such as one that a test can step.
    pub(crate) fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) async fn start(self) -> TestApp {
        let Self {
            environment,
            data,
            sync_limit,
            shutdown_grace,
            workers,
            job_limit,
            source_timeout,
            source_bytes,
            clock,
        } = self;
        let lookup = |name: &str| environment.get(name).cloned();
        let mut config = Config::new(data.path(), lookup).with_tokens(lookup).unwrap();
        config.sync_limit = sync_limit.unwrap_or(config.sync_limit);
        config.shutdown_grace = shutdown_grace.unwrap_or(config.shutdown_grace);
        config.workers = workers.unwrap_or(config.workers);
        config.job_limit = job_limit.unwrap_or(config.job_limit);
        config.source_timeout = source_timeout.unwrap_or(config.source_timeout);
        config.source_bytes = source_bytes.unwrap_or(config.source_bytes);
        let tasks_before = Handle::current().metrics().num_alive_tasks();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let mut serving = tokio::spawn(reference_app::serve(config, listener, clock, Entropy::System, shutdown));
        let healthy = Call::new(address, "GET", "/api/health").send();
        tokio::select! {
            ended = &mut serving => panic!("the app did not start: {ended:?}"),
            reply = healthy => assert_eq!(reply.status, 200),
        }
        TestApp { address, data: Some(data), stop: Some(stop), serving, tasks_before }
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Builder::default().start().await
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// A request of the scheduler's.
    pub(crate) fn scheduler(&self, method: &str, path: &str) -> Call {
        self.call(method, path).bearer(&secret())
    }

    pub(crate) async fn register(&self, email: &str) -> Reply {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/api/auth/register").json(&body).send().await
    }

    /// Registers and logs in; hands back the cookie.
    pub(crate) async fn person(&self, email: &str) -> String {
        assert_eq!(self.register(email).await.status, 201);
        let body = json!({ "email": email, "password": PASSWORD });
        let reply = self.post("/api/auth/login").json(&body).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// A new access token of the person with this cookie.
    pub(crate) async fn token(&self, cookie: &str) -> String {
        let reply = self.post("/api/auth/tokens").cookie(cookie).json(&json!({ "name": "ci" })).send().await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn add_marketplace(&self, name: &str, url: &str) {
        let body = json!({ "name": name, "url": url });
        let reply = self.scheduler("POST", "/api/marketplaces").json(&body).send().await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    /// Asks for a job as the scheduler; hands back its id.
    pub(crate) async fn enqueue(&self, body: &Value) -> String {
        let reply = self.scheduler("POST", "/api/jobs").json(body).send().await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// A job as soon as it is as wanted.
    pub(crate) async fn job(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/jobs/{id}");
        let waiting = async {
            loop {
                let job = self.scheduler("GET", &path).send().await.json();
                if wanted(&job) {
                    return job;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the job comes to that")
    }

    /// A job when it is over.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        self.job(id, |job| ["completed", "failed", "cancelled"].contains(&job["status"].as_str().unwrap())).await
    }

    /// The audit log, newest first.
    pub(crate) async fn audit(&self) -> Vec<Value> {
        let reply = self.scheduler("GET", "/api/audit").send().await;
        serde_json::from_str(&reply.body).unwrap()
    }

    /// The newest row of a kind, as soon as there is one.
    pub(crate) async fn audited(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                if let Some(row) = self.audit().await.into_iter().find(&wanted) {
                    return row;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a row in the audit log")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.data.as_ref().unwrap().path().to_owned()
    }

    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        self.folder().join("repositories").join(format!("{name}.git"))
    }

    /// The database as an operator opens it.
    pub(crate) async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.folder().join("app.db"));
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Runs one statement as an operator does.
    pub(crate) async fn sql(&self, statement: &'static str) {
        let mut database = self.database().await;
        sqlx::query(statement).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    /// One value that a query finds.
    pub(crate) async fn value<T>(&self, query: &'static str) -> T
    where
        T: Send + Unpin + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Sqlite>,
    {
        let mut database = self.database().await;
        let value = sqlx::query_scalar(query).fetch_one(&mut database).await.unwrap();
        database.close().await.unwrap();
        value
    }

    /// Stops it and makes sure that nothing of it is left running.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(PATIENCE, &mut self.serving).await.expect("the app ends").unwrap().unwrap();
        let gone = async {
            while Handle::current().metrics().num_alive_tasks() > self.tasks_before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("no task is left running");
        self.data.take().unwrap()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(self.stop.is_none() || std::thread::panicking(), "the test left its app running: stop() it");
    }
}
