//! Two real git repositories, one of which changes now and then.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use miette::{Context, IntoDiagnostic, bail};
use tokio::{process::Command, sync::watch};

/// How often the living repository gets a commit: not in step with the demo's schedule, so that some syncs find nothing.
const CHANGE: Duration = Duration::from_secs(7);

/// The demo's repositories.
pub(super) struct Repositories {
    /// Gets new commits.
    pub(super) living: PathBuf,
    /// Stays as it is.
    pub(super) still: PathBuf,
}

impl Repositories {
    pub(super) async fn make(folder: &Path) -> miette::Result<Self> {
        let this = Self { living: folder.join("upstream/recipes"), still: folder.join("upstream/tools") };
        for repository in [&this.living, &this.still] {
            std::fs::create_dir_all(repository).into_diagnostic()?;
            git(repository, &["init", "--quiet", "--initial-branch=main"]).await?;
            let name = repository.file_name().unwrap_or_default().to_string_lossy();
            commit(repository, "README", &format!("The repository {name} of the demo.\n"), "Begin").await?;
        }
        Ok(this)
    }

    /// Commits to the living repository until `stop` turns true.
    pub(super) async fn keep_changing(self, mut stop: watch::Receiver<bool>) {
        for number in 1_u32.. {
            tokio::select! {
                () = tokio::time::sleep(CHANGE) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let message = format!("Recipe {number}");
            if let Err(error) = commit(&self.living, "recipes", &format!("{number}\n"), &message).await {
                return tracing::warn!("no further commits: {error}");
            }
        }
    }
}

async fn commit(repository: &Path, file: &str, text: &str, message: &str) -> miette::Result<()> {
    std::fs::write(repository.join(file), text).into_diagnostic()?;
    git(repository, &["add", file]).await?;
    git(repository, &["commit", "--quiet", "--message", message]).await
}

async fn git(repository: &Path, arguments: &[&str]) -> miette::Result<()> {
    let output = Command::new("git")
        .args(["-c", "user.name=Sexton demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(repository)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .output()
        .await
        .into_diagnostic()
        .wrap_err("the demo needs the `git` command")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
