//! The real program, as an operator starts it, and an app that keeps a log of what reached it.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, mpsc},
};

use super::{http::Call, process::eventually};

/// A secret that says nothing, 64 characters.
pub(crate) const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Another one.
pub(crate) const OTHER: &str = "7c1d9e3b5a0f2846c8e7d1b3950a4f6e7c1d9e3b5a0f2846c8e7d1b3950a4f6e";

/// How long any test waits for a state that is bound to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// `sexton` with a folder of its own and nothing of the test's environment but where programs are.
#[expect(clippy::disallowed_methods, reason = "a child needs PATH to find git")]
pub(crate) fn sexton(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sexton"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A running `sexton run` or `sexton app`.
pub(crate) struct Running {
    child: Child,
    pid: Pid,
    log: mpsc::UnboundedReceiver<String>,
    /// What its log has said so far.
    pub(crate) said: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: std::process::Command) -> Self {
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (say, log) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                drop(say.send(line));
            }
        });
        Self { child, pid, log, said: Vec::new() }
    }

    /// The first line of the log from here on that holds `words`.
    pub(crate) async fn hear(&mut self, words: &str) -> String {
        let heard = async {
            while let Some(line) = self.log.recv().await {
                self.said.push(line.clone());
                if line.contains(words) {
                    return line;
                }
            }
            panic!("it ended without saying `{words}`:\n{}", self.said.join("\n"))
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("it did not say `{words}` in time"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits for its end: the exit code, `None` when a signal ended it.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        while let Some(line) = self.log.recv().await {
            self.said.push(line);
        }
        ended.code()
    }

    pub(crate) async fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// The value of `field=` or `field="…"` in a line of the log.
    pub(crate) fn field(line: &str, field: &str) -> String {
        let (_, after) = line.split_once(&format!("{field}=")).unwrap_or_else(|| panic!("no {field} in {line}"));
        after.split_whitespace().next().unwrap().trim_matches('"').to_owned()
    }
}

/// A folder with a `jobs.toml`, a ledger, and the program on them.
pub(crate) struct Sidecar {
    pub(crate) folder: tempfile::TempDir,
}

impl Sidecar {
    /// `jobs` follows a target that the shared secret is sent to.
    pub(crate) fn new(app: SocketAddr, jobs: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        this.define(&format!("[targets.app]\nbase_url = \"http://{app}\"\n{jobs}"));
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn define(&self, text: &str) {
        fs::write(self.path("jobs.toml"), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = sexton(self.folder.path(), arguments);
        command.env("SCHEDULER_API_TOKEN", SECRET);
        command
    }

    /// Starts it and waits until it is up. Hands back where it listens.
    pub(crate) async fn run(&self) -> (Running, SocketAddr) {
        let mut running = Running::start(self.command(&["run", "--listen", "127.0.0.1:0"]));
        let line = running.hear("sexton is up").await;
        let address = Running::field(&line, "listening").parse().unwrap();
        (running, address)
    }

    /// Starts it with an admin token; [`Self::ask`] shows it.
    pub(crate) async fn operated(&self) -> (Running, SocketAddr) {
        self.operated_at(([127, 0, 0, 1], 0).into()).await
    }

    /// The same, where it was before.
    pub(crate) async fn operated_at(&self, address: SocketAddr) -> (Running, SocketAddr) {
        let mut command = self.command(&["run", "--listen", &address.to_string()]);
        command.env("SEXTON_ADMIN_TOKEN", OTHER);
        let mut running = Running::start(command);
        let line = running.hear("sexton is up").await;
        let address = Running::field(&line, "listening").parse().unwrap();
        (running, address)
    }

    /// A command that talks to the sidecar at `address`, as somebody who has the admin token.
    pub(crate) async fn ask(&self, address: SocketAddr, arguments: &[&str]) -> super::process::Done {
        let mut command = sexton(self.folder.path(), arguments);
        command.env("SEXTON_URL", format!("http://{address}")).env("SEXTON_ADMIN_TOKEN", OTHER).env("USER", "ann");
        super::process::run(command).await
    }

    /// The ledger's rows, oldest first.
    pub(crate) async fn runs(&self) -> Vec<Value> {
        let command = self.command(&["runs", "--store", "sqlite://sexton.db", "--json", "-n", "100000"]);
        let out = super::process::run(command).await.good();
        let mut rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        rows.reverse();
        rows
    }

    /// Rows per state, counted by occurrences.
    pub(crate) async fn tally(&self) -> BTreeMap<String, u64> {
        let mut tally = BTreeMap::new();
        for row in self.runs().await {
            *tally.entry(row["state"].as_str().unwrap().to_owned()).or_default() += row["count"].as_u64().unwrap();
        }
        tally
    }
}

/// What reached the app.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) at: DateTime<Utc>,
    pub(crate) job: String,
    pub(crate) scheduled_for: DateTime<Utc>,
    pub(crate) fence: u64,
    pub(crate) authorization: String,
}

/// An app that answers `/ok` at once, `/slow` after 2 s, `/takes/20` after 20 s, `/work` when `/stop` is called and `/hang`
/// never, and keeps its own log: the witness.
#[derive(Clone)]
pub(crate) struct FakeApp {
    pub(crate) address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    stop: Arc<Notify>,
}

impl FakeApp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self { address: listener.local_addr().unwrap(), arrivals: Arc::default(), stop: Arc::default() };
        let app = Router::new().fallback(arrived).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        this
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, job: &str) -> Vec<Arrival> {
        self.arrivals().into_iter().filter(|arrival| arrival.job == job).collect()
    }

    /// Waits until so many requests of `job` have come.
    pub(crate) async fn has(&self, job: &str, count: usize) {
        eventually(&format!("{count} requests of {job}"), PATIENCE, async || {
            (self.of(job).len() >= count).then_some(())
        })
        .await;
    }
}

async fn arrived(State(app): State<FakeApp>, uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let stopped = app.stop.notified();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    if let Ok(scheduled_for) = text("sexton-scheduled-for").parse() {
        app.arrivals.lock().unwrap().push(Arrival {
            at: now(),
            job: text("sexton-job"),
            scheduled_for,
            fence: text("sexton-fence").parse().unwrap(),
            authorization: text("authorization"),
        });
    }
    match uri.path() {
        "/slow" => tokio::time::sleep(Duration::from_secs(2)).await,
        "/hang" => std::future::pending().await,
        "/stop" => app.stop.notify_waiters(),
        "/work" => {
            stopped.await;
            return (StatusCode::SERVICE_UNAVAILABLE, "stopped");
        }
        "/busy" => return (StatusCode::CONFLICT, "at it"),
        "/refuse" => return (StatusCode::INTERNAL_SERVER_ERROR, "no"),
        path => {
            let seconds = path.strip_prefix("/takes/").and_then(|seconds| seconds.parse().ok());
            tokio::time::sleep(Duration::from_secs(seconds.unwrap_or_default())).await;
        }
    }
    (StatusCode::OK, "done")
}

#[expect(clippy::disallowed_methods, reason = "the witness has a watch of its own")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The status and body of a GET.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let reply = Call::new(address, "GET", path).send().await;
    (reply.status, reply.body)
}
