//! Replaces a file's text so that nobody ever reads half of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// How a file was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    /// By renaming a complete new file over it.
    Renamed,
    /// By writing into it, because it cannot be renamed over: it is a mount point (a file mounted into a container), or its
    /// folder cannot be written. A reader may meet it half-written; a running sidecar waits until two reads agree.
    InPlace,
}

/// Replaces the text of the file behind `path`, symbolic links followed, permissions kept.
///
/// # Errors
/// The file no longer holds `before` (somebody else wrote it meanwhile), or it cannot be written.
pub(super) fn replace(path: &Path, before: &str, text: &str) -> io::Result<Replaced> {
    let path = fs::canonicalize(path)?;
    if fs::read(&path)? != before.as_bytes() {
        return Err(io::Error::other("somebody else changed the file meanwhile: look at it, then try again"));
    }
    match rename_over(&path, text) {
        Ok(()) => Ok(Replaced::Renamed),
        Err(error) if cannot_be_renamed_over(&error) => write_into(&path, text).map(|()| Replaced::InPlace),
        Err(error) => Err(error),
    }
}

fn rename_over(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("the file has no folder"))?;
    let mut new = tempfile::Builder::new().prefix(".sexton-").suffix(".new").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
}

/// A mount point is busy; a folder may be read-only, or not ours, while the file in it can be written.
fn cannot_be_renamed_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn write_into(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
