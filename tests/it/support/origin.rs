//! Real git repositories to sync from.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

/// A repository that somebody else works in.
pub(crate) struct Origin {
    folder: TempDir,
}

impl Origin {
    /// Without a commit, on branch `main`.
    pub(crate) fn empty() -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    /// With so many commits.
    pub(crate) fn with_commits(count: usize) -> Self {
        let origin = Self::empty();
        for number in 0..count {
            origin.commit(&format!("change {number}"));
        }
        origin
    }

    /// Adds a commit; hands back its id.
    pub(crate) fn commit(&self, message: &str) -> String {
        fs::write(self.folder.path().join("file"), message).unwrap();
        self.git(&["add", "file"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.folder.path(), arguments)
    }
}

/// Runs git in a folder, as nobody in particular; hands back what it said.
pub(crate) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Origin", "-c", "user.email=origin@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
