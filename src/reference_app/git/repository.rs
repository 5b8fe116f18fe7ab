//! Bringing a bare copy of a repository up to date.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::fs;

use super::{Address, Git, GitError};

/// Everything that a branch or a tag leads to, with its full history. Not `refs/*`: forges keep every pull request there.
const BRANCHES_AND_TAGS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// A repository and where its copy is, or will be.
#[derive(Debug)]
pub(in crate::reference_app) struct Repository<'a> {
    pub(in crate::reference_app) git: &'a Git,
    pub(in crate::reference_app) address: &'a Address,
    /// The folder of the copy.
    pub(in crate::reference_app) folder: PathBuf,
}

/// The commit of the default branch, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::reference_app) struct Synced {
    pub(in crate::reference_app) old: Option<String>,
    pub(in crate::reference_app) new: Option<String>,
}

/// What the other side calls its head.
enum RemoteHead {
    /// No commit yet.
    Unborn,
    /// A branch.
    Branch(String),
    /// A commit that may be on no branch.
    Detached(String),
}

impl Repository<'_> {
    /// Fetches into the copy, or makes it when there is none that git can read.
    pub(in crate::reference_app) async fn sync(&self) -> Result<Synced, GitError> {
        if self.is_usable().await? {
            remove_stale_locks(self.folder.clone()).await?;
            let old = self.head().await?;
            self.fetch().await?;
            Ok(Synced { old, new: self.head().await? })
        } else {
            self.make().await
        }
    }

    /// Makes the copy under another name and renames it when it is complete: what a kill leaves half done is never taken
    /// for a repository.
    async fn make(&self) -> Result<Synced, GitError> {
        let partial = self.partial();
        partial.remove_copy().await?;
        let new = match partial.fill().await {
            Ok(new) => new,
            Err(error) => {
                partial.remove_copy().await?;
                return Err(error);
            }
        };
        self.remove_copy().await?;
        fs::rename(&partial.folder, &self.folder).await?;
        Ok(Synced { old: None, new })
    }

    async fn fill(&self) -> Result<Option<String>, GitError> {
        self.call(&["init", "--quiet", "--bare", "--template="]).await?;
        self.fetch().await?;
        self.head().await
    }

    async fn is_usable(&self) -> Result<bool, GitError> {
        match self.call(&["rev-parse", "--is-bare-repository"]).await {
            Ok(answer) => Ok(answer.trim() == "true"),
            Err(GitError::Said(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self) -> Result<(), GitError> {
        let remote = self.remote_head().await?;
        let mut arguments = vec!["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head"];
        arguments.extend(["--no-recurse-submodules", "--", self.address.for_git()]);
        arguments.extend(BRANCHES_AND_TAGS);
        if let RemoteHead::Detached(_) = remote {
            arguments.push("+HEAD:refs/detached/HEAD");
        }
        self.call(&arguments).await?;
        match &remote {
            RemoteHead::Unborn => {}
            RemoteHead::Branch(branch) => drop(self.call(&["symbolic-ref", "HEAD", branch]).await?),
            RemoteHead::Detached(commit) => drop(self.call(&["update-ref", "--no-deref", "HEAD", commit]).await?),
        }
        Ok(())
    }

    async fn remote_head(&self) -> Result<RemoteHead, GitError> {
        let listing = self.call(&["ls-remote", "--symref", "--", self.address.for_git(), "HEAD"]).await?;
        let lines = listing.lines().filter_map(|line| line.split_once('\t')).filter(|(_, name)| *name == "HEAD");
        let values: Vec<&str> = lines.map(|(value, _)| value).collect();
        let branch =
            values.iter().find_map(|value| value.strip_prefix("ref: ").filter(|name| name.starts_with("refs/heads/")));
        Ok(match (branch, values.last()) {
            (Some(branch), _) => RemoteHead::Branch(branch.to_owned()),
            (None, Some(commit)) => RemoteHead::Detached((*commit).to_owned()),
            (None, None) => RemoteHead::Unborn,
        })
    }

    /// The commit that the copy's head leads to; `None` in an empty repository.
    async fn head(&self) -> Result<Option<String>, GitError> {
        match self.call(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await {
            Ok(commit) => Ok(Some(commit.trim().to_owned())),
            Err(GitError::Said(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn call(&self, arguments: &[&str]) -> Result<String, GitError> {
        self.git.call(&self.folder, self.address, arguments).await
    }

    /// The copy under the name it has until it is complete.
    fn partial(&self) -> Self {
        Self { folder: self.folder.with_extension("partial"), ..*self }
    }

    async fn remove_copy(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes the copy, and what an interrupted one left.
    pub(in crate::reference_app) async fn remove(&self) -> io::Result<()> {
        self.partial().remove_copy().await?;
        self.remove_copy().await
    }
}

/// A killed `git` leaves its lock files, and every later call would refuse to go on. Nobody else writes here: one sync
/// runs at a time, in one app.
async fn remove_stale_locks(folder: PathBuf) -> io::Result<()> {
    let sweep = move || {
        sweep_locks(&folder, false)?;
        sweep_locks(&folder.join("objects/info"), true)?;
        sweep_locks(&folder.join("refs"), true)
    };
    tokio::task::spawn_blocking(sweep).await?
}

fn sweep_locks(folder: &Path, into_folders: bool) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "lock") {
            tracing::warn!(path = %path.display(), "an interrupted sync left this lock; it is removed");
            std::fs::remove_file(&path)?;
        } else if into_folders && path.is_dir() {
            sweep_locks(&path, true)?;
        }
    }
    Ok(())
}
