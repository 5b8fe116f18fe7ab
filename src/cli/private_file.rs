//! Files that hold a secret: they appear whole, and at no moment can somebody read them who was not meant to.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tempfile::NamedTempFile;

/// Who owns a file and who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    mode: u32,
    owner: Option<u32>,
    group: Option<u32>,
}

impl Access {
    /// Its owner only (0600), and one group that may read it (0640) when there is one.
    pub(super) fn private(group: Option<u32>) -> Self {
        Self { mode: if group.is_some() { 0o640 } else { 0o600 }, owner: None, group }
    }

    /// Everybody may read it (0644): what the file says is public.
    pub(super) fn public() -> Self {
        Self { mode: 0o644, owner: None, group: None }
    }

    /// As it is with the file behind `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self { mode: meta.permissions().mode() & 0o777, owner: Some(meta.uid()), group: Some(meta.gid()) })
    }

    /// The same owner and group, and nobody else may read it.
    pub(super) fn tightened(self) -> Self {
        Self { mode: 0o600, ..self }
    }

    /// Whether others than the owner have any right.
    pub(super) fn is_open(self) -> bool {
        self.mode & 0o077 != 0
    }

    /// Owner and group before the mode: at no moment can somebody read it who was not asked for.
    fn grant(self, file: &File) -> io::Result<()> {
        let meta = file.metadata()?;
        let (owner, group) = (self.owner.filter(|uid| *uid != meta.uid()), self.group.filter(|gid| *gid != meta.gid()));
        if owner.is_some() || group.is_some() {
            fchown(file, owner, group)?;
        }
        file.set_permissions(Permissions::from_mode(self.mode))
    }
}

/// Makes the file at `path` when nothing is there, not even a dangling link. Whether it did.
pub(super) fn create(path: &Path, text: &str, access: Access) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    let folder = folder_of(path);
    match written(folder, text, access)?.persist_noclobber(path) {
        Ok(_) => File::open(folder)?.sync_all().map(|()| true),
        // Somebody else was faster; theirs counts.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Puts a new file in the place of the one behind `path` (links are followed), or where there is none. A reader meets
/// the old text or the new one, never a part.
///
/// # Errors
/// What the operating system says. A file that is a mount point of its own cannot be replaced whole: mount its folder.
pub(super) fn replace(path: &Path, text: &str, access: Access) -> io::Result<()> {
    let path = resolved(path)?;
    let folder = folder_of(&path);
    written(folder, text, access)?.persist(&path).map_err(|failed| explained(failed.error))?;
    File::open(folder)?.sync_all()
}

/// Takes every right from everybody but the owner of the file behind `path`.
pub(super) fn tighten(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Keeps other writers of this kind out of the folder until it is dropped. Where a file system has no locks, nothing is
/// kept out.
pub(super) fn alone_in_folder_of(path: &Path) -> io::Result<File> {
    let folder = File::open(folder_of(&resolved(path)?))?;
    if let Err(error) = flock(&folder, FlockOperation::LockExclusive) {
        tracing::debug!(%error, "the folder cannot be locked");
    }
    Ok(folder)
}

fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        other => other,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn written(folder: &Path, text: &str, access: Access) -> io::Result<NamedTempFile> {
    let unmade = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => {
            io::Error::new(error.kind(), format!("there is no folder {}: make it first", folder.display()))
        }
        _ => error,
    };
    let mut file = tempfile::Builder::new().prefix(".sexton-secret-").tempfile_in(folder).map_err(unmade)?;
    file.write_all(text.as_bytes())?;
    access.grant(file.as_file())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn explained(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => io::Error::new(
            error.kind(),
            "the file is mounted by itself and cannot be replaced whole: mount the folder that it is in",
        ),
        _ => error,
    }
}
