//! A compose project for the length of a test.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::images::{APP, SEXTON};
use crate::support::{
    docker::Engine,
    http::Call,
    process::{Done, eventually, run},
};

/// What anything is given that does not depend on a schedule.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Who the shared secret makes the scheduler.
pub(super) const SCHEDULER: &str = "scheduler@system.local";

/// A project that is taken down, with its volumes, when it is dropped.
pub(super) struct Project<'engine> {
    pub(super) engine: &'engine Engine,
    name: String,
    files: Vec<PathBuf>,
    environment: BTreeMap<&'static str, String>,
}

impl<'engine> Project<'engine> {
    /// Of these files, on free ports.
    pub(super) fn new(engine: &'engine Engine, name: &str, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let name = format!("sexton-it-{}-{name}", std::process::id());
        let ports = [("APP_PORT", "0"), ("SCHEDULER_PORT", "0")];
        let images = [("SEXTON_IMAGE", SEXTON), ("APP_IMAGE", APP)];
        let environment = ports.into_iter().chain(images).map(|(name, value)| (name, value.to_owned())).collect();
        Self { engine, name, files: files.into_iter().collect(), environment }
    }

    /// The folder with `jobs.toml`.
    pub(super) fn jobs(&mut self, folder: &Path) {
        self.environment.insert("JOBS_DIR", folder.display().to_string());
    }

    /// Other files than before, for what is done from here on.
    pub(super) fn files(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        self.files = files.into_iter().collect();
    }

    /// `docker compose ARGUMENTS`, which must end well.
    pub(super) async fn compose(&self, arguments: &[&str]) -> String {
        let done = self.try_compose(arguments).await;
        let said = done.said();
        done.good();
        said
    }

    async fn try_compose(&self, arguments: &[&str]) -> Done {
        run(self.command(arguments)).await
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let files = self.files.iter().flat_map(|file| ["-f", file.to_str().unwrap()]);
        let all: Vec<&str> = files.chain(["-p", &self.name]).chain(arguments.iter().copied()).collect();
        let mut command = self.engine.compose(&all);
        command.env_remove("JOBS_DIR").envs(&self.environment);
        command
    }

    /// The id of a service's container, running or not.
    pub(super) async fn container(&self, service: &str) -> String {
        let found = self.containers(Some(service)).await;
        assert_eq!(found.len(), 1, "containers of {service}");
        found.into_iter().next().unwrap()
    }

    /// The ids of all containers, or of a service's.
    pub(super) async fn containers(&self, service: Option<&str>) -> Vec<String> {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = service.map(|service| format!("label=com.docker.compose.service={service}"));
        let mut arguments = vec!["ps", "--all", "--quiet", "--no-trunc", "--filter", &project];
        arguments.extend(service.iter().flat_map(|service| ["--filter", service]));
        self.engine.run(&arguments).await.lines().map(str::to_owned).collect()
    }

    /// What Docker knows of a service's container.
    pub(super) async fn inspect(&self, service: &str) -> Value {
        let container = self.container(service).await;
        let all: Value = serde_json::from_str(&self.engine.run(&["inspect", &container]).await).unwrap();
        all[0].clone()
    }

    /// Everything that a service wrote to its log.
    pub(super) async fn logs(&self, service: &str) -> String {
        let container = self.container(service).await;
        self.engine.attempt(&["logs", &container]).await.said()
    }

    /// Waits for a line of a service's log that holds `words` and was written at `since` or later.
    pub(super) async fn logged(&self, service: &str, words: &str, since: DateTime<Utc>) -> DateTime<Utc> {
        let container = self.container(service).await;
        eventually(&format!("`{words}` in the log of {service}"), PATIENCE, async || {
            let log = self.engine.attempt(&["logs", "--timestamps", &container]).await.said();
            let lines = log.lines().filter(|line| line.contains(words));
            lines.filter_map(|line| instant(line.split(' ').next()?)).find(|at| *at >= since)
        })
        .await
    }

    /// Where a port of a service answers on this machine.
    pub(super) async fn address(&self, service: &str, port: u16) -> SocketAddr {
        let ports = self.inspect(service).await["NetworkSettings"]["Ports"][format!("{port}/tcp")].clone();
        let port = ports[0]["HostPort"].as_str().unwrap_or_else(|| panic!("{service} publishes {port}: {ports}"));
        SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
    }

    /// The shared secret, as the app reads it: a line, or two in a rotation.
    pub(super) async fn secret(&self) -> String {
        let app = self.container("app").await;
        self.engine.run(&["exec", &app, "cat", "/secret/token"]).await.trim().to_owned()
    }

    /// The app's audit log, newest first. In a rotation the app knows the old secret for sure.
    pub(super) async fn audit(&self) -> Vec<Audited> {
        self.audit_by(self.secret().await.lines().next_back().unwrap()).await
    }

    /// The app's audit log for who presents this secret, newest first.
    pub(super) async fn audit_by(&self, secret: &str) -> Vec<Audited> {
        let address = self.address("app", 8000).await;
        let reply = Call::new(address, "GET", "/api/audit?limit=1000").bearer(secret).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Waits for something that the scheduler did to `resource`; the newest row of it at `since` or later.
    pub(super) async fn audited(&self, resource: &str, since: DateTime<Utc>) -> Audited {
        eventually(&format!("{resource} in the audit log since {since}"), PATIENCE, async || {
            let rows = self.audit().await.into_iter();
            rows.filter(|row| row.at >= since && row.user == SCHEDULER).find(|row| row.resource == resource)
        })
        .await
    }

    /// `sexton ARGUMENTS` beside the scheduler's ledger, whether the scheduler runs or not.
    pub(super) async fn beside_the_ledger(&self, arguments: &[&str]) -> String {
        let scheduler = self.container("scheduler").await;
        let beside = ["run", "--rm", "--network", "none", "--volumes-from", &scheduler, SEXTON];
        self.engine.run(&[&beside[..], arguments].concat()).await
    }

    /// The ledger, oldest first.
    pub(super) async fn runs(&self) -> Vec<Run> {
        let lines = self.beside_the_ledger(&["runs", "--json", "-n", "5000"]).await;
        let mut runs: Vec<Run> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        runs.sort_by_key(|run| run.scheduled_for);
        runs
    }

    /// Waits for a run of which `wanted` is true.
    pub(super) async fn run_that(&self, what: &str, wanted: impl Fn(&Run) -> bool) -> Run {
        eventually(what, PATIENCE, async || self.runs().await.into_iter().find(&wanted)).await
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        drop(self.command(&["down", "--volumes", "--remove-orphans", "--timeout", "2"]).output());
    }
}

/// A row of the app's audit log.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct Audited {
    pub(super) at: DateTime<Utc>,
    pub(super) user: String,
    pub(super) resource: String,
    pub(super) result: String,
}

/// A row of the ledger.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) job: String,
    pub(super) scheduled_for: DateTime<Utc>,
    pub(super) through: DateTime<Utc>,
    pub(super) count: u64,
    pub(super) trigger: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
}

impl Run {
    pub(super) fn ended(&self, outcome: &str, reason: Option<&str>) -> bool {
        self.state == outcome && self.reason.as_deref() == reason
    }
}

/// The reasons and outcomes in a ledger, for messages.
pub(super) fn summary(runs: &[Run]) -> BTreeSet<String> {
    runs.iter().map(|run| format!("{} {:?} {}", run.state, run.reason, run.trigger)).collect()
}

/// An instant as Docker writes it.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}
