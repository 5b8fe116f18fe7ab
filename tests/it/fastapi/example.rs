//! The example, as its README starts it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use sexton::{credentials::Ed25519Keys, entropy::Entropy};
use tempfile::TempDir;

use crate::support::{
    http::Call,
    sidecar::{Running, SECRET},
};

/// A running example, and what it and its sidecar are given.
pub(super) struct Example {
    pub(super) address: SocketAddr,
    /// Where `key.pem`, `key.pem.jwks`, `token` and `app.db` are.
    pub(super) folder: TempDir,
    pub(super) app: Running,
}

impl Example {
    /// On a free port, with [`SECRET`] in a file and a new key for run tokens.
    pub(super) async fn start(python: &Path) -> Self {
        let place = tempfile::tempdir().unwrap();
        let keys = Ed25519Keys::new(Entropy::System);
        fs::write(place.path().join("token"), SECRET).unwrap();
        fs::write(place.path().join("key.pem"), keys.to_pem().as_bytes()).unwrap();
        fs::write(place.path().join("key.pem.jwks"), serde_json::to_string(&keys.public()).unwrap()).unwrap();
        let mut command = python_in_example(python);
        command.args(["-m", "uvicorn", "app:app", "--port", "0"]).current_dir(place.path());
        command.env("SCHEDULER_API_TOKEN_FILE", "token").env("SEXTON_JWKS_FILE", "key.pem.jwks");
        let mut app = Running::start(command);
        let line = app.hear("Uvicorn running on").await;
        let (_, after) = line.split_once("http://").unwrap();
        let address = after.split(' ').next().unwrap().parse().unwrap();
        Self { address, folder: place, app }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A call that shows the shared secret.
    pub(super) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path).bearer(SECRET)
    }
}

/// `python` with the example's files to import, and nothing written beside them.
pub(super) fn python_in_example(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.env("PYTHONPATH", folder()).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    for variable in ["SCHEDULER_API_TOKEN", "SCHEDULER_API_TOKEN_PREVIOUS", "SCHEDULER_API_TOKEN_FILE"] {
        command.env_remove(variable);
    }
    command
}

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fastapi")
}
