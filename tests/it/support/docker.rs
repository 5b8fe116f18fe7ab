//! A Docker engine: the one that runs here, or one of our own for as long as the test lasts.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    process::{Done, run},
    require,
};

/// What every engine, and every client that asks it, is given to answer.
const STARTING: Duration = Duration::from_secs(40);
/// What the last container of an engine is given to end.
const ENDING: Duration = Duration::from_secs(40);

/// An engine, and the programs that talk to it.
pub(crate) struct Engine {
    client: PathBuf,
    /// `docker compose`, or `docker-compose`.
    compose: Vec<PathBuf>,
    daemon: Option<Daemon>,
}

impl Engine {
    /// The engine that answers here, else one of our own when this is root; `Err` says what is missing.
    pub(crate) async fn find() -> Result<Self, String> {
        let client = require::find(&["docker"]).ok_or("no docker")?;
        let mut engine = Self { client, compose: Vec::new(), daemon: None };
        engine.compose = engine.compose_program().await.ok_or("neither `docker compose` nor docker-compose")?;
        if engine.answers().await {
            return Ok(engine);
        }
        if !rustix::process::geteuid().is_root() {
            return Err("no engine answers, and only root can start one".to_owned());
        }
        let dockerd = require::find(&["dockerd"]).ok_or("no engine answers, and there is no dockerd")?;
        engine.daemon = Some(Daemon::start(&dockerd)?);
        engine.until_it_answers().await?;
        Ok(engine)
    }

    /// Whether nobody but this test uses it.
    pub(crate) fn is_our_own(&self) -> bool {
        self.daemon.is_some()
    }

    /// `docker ARGUMENTS`.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.client);
        command.args(arguments).stdin(Stdio::null());
        self.addressed(command)
    }

    /// `docker compose ARGUMENTS`.
    pub(crate) fn compose(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.compose[0]);
        command.args(&self.compose[1..]).args(arguments).stdin(Stdio::null());
        self.addressed(command)
    }

    /// Runs `docker ARGUMENTS` to its end, which must be a good one.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        run(self.docker(arguments)).await.good()
    }

    /// Runs `docker ARGUMENTS`, however it ends.
    pub(crate) async fn attempt(&self, arguments: &[&str]) -> Done {
        run(self.docker(arguments)).await
    }

    fn addressed(&self, mut command: Command) -> Command {
        if let Some(daemon) = &self.daemon {
            command.env("DOCKER_HOST", daemon.address()).env_remove("DOCKER_CONTEXT");
        }
        command
    }

    async fn compose_program(&self) -> Option<Vec<PathBuf>> {
        if self.attempt(&["compose", "version"]).await.code == Some(0) {
            return Some(vec![self.client.clone(), "compose".into()]);
        }
        require::find(&["docker-compose"]).map(|program| vec![program])
    }

    async fn answers(&self) -> bool {
        let version = self.attempt(&["version", "--format", "{{.Server.Version}}"]).await;
        version.code == Some(0)
    }

    async fn until_it_answers(&mut self) -> Result<(), String> {
        let asked = tokio::time::Instant::now();
        while !self.answers().await {
            let daemon = self.daemon.as_mut().expect("a daemon was started");
            if daemon.has_ended() || asked.elapsed() > STARTING {
                return Err(format!("dockerd does not start here: {}", daemon.last_words()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// A dockerd of our own. It keeps to itself: no default bridge, no firewall rules, sockets in a folder of its own. Images
/// stay in cargo's folder for tests' files, so that the next run has the layers of this one.
struct Daemon {
    child: Child,
    folder: TempDir,
    _alone: File,
}

impl Daemon {
    fn start(dockerd: &Path) -> Result<Self, String> {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docker");
        fs::create_dir_all(&data).map_err(|error| error.to_string())?;
        let alone = File::create(data.join("in-use")).map_err(|error| error.to_string())?;
        alone.lock().map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let log = File::create(folder.path().join("log")).map_err(|error| error.to_string())?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let child = Command::new(dockerd)
            .args(["--data-root", &data.join("root").display().to_string(), "--exec-root", &at("exec")])
            .args(["--pidfile", &at("pid"), "--host", &format!("unix://{}", at("docker.sock"))])
            .args(["--bridge=none", "--iptables=false", "--ip-forward=false"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| error.to_string())?;
        Ok(Self { child, folder, _alone: alone })
    }

    fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().next_back().unwrap_or_default().to_owned()
    }
}

impl Drop for Daemon {
    /// Asks it to stop, which ends its containers, and makes sure that it did.
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| !self.has_ended()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = tokio::time::Instant::now();
        while !self.has_ended() && asked.elapsed() < ENDING {
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.child.kill());
        drop(self.child.wait());
        // It leaves the network namespace of its containers mounted, and the folder could not be removed.
        let namespace = self.folder.path().join("exec/netns/default");
        drop(Command::new("umount").arg(namespace).stderr(Stdio::null()).status());
    }
}
