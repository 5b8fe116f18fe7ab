//! A copy of the ledger as it is at one instant, while it is in use.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection};

use super::{lock::beside, open};
use crate::store::StoreError;

/// Copies the ledger `ledger` to `copy`. The copy gets its name when it is whole and on the disk, so that a file of that
/// name is always a good one.
pub(super) async fn backup(ledger: PathBuf, copy: PathBuf) -> Result<(), StoreError> {
    if copy.exists() {
        return Err(StoreError::BackupExists(copy));
    }
    let partial = beside(&copy, ".partial");
    let failed = |source| StoreError::Backup { path: copy.clone(), source };
    remove_left_over(&partial).map_err(failed)?;
    let sql_path = partial.to_str().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    // The empty file first: what SQLite says of a folder that is not there names nothing.
    File::create_new(&partial).map_err(failed)?;
    let written = write_copy(&ledger, sql_path).await;
    if written.is_err() {
        // The error to tell is the one that made it useless.
        let _ = fs::remove_file(&partial);
    }
    written?;
    File::open(&partial).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&partial, &copy).map_err(failed)
}

fn remove_left_over(partial: &Path) -> io::Result<()> {
    match fs::remove_file(partial) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// One statement on a connection of its own: it reads one state of the ledger while others write the next.
async fn write_copy(ledger: &Path, partial: &str) -> Result<(), StoreError> {
    let mut connection = open::copying(ledger).connect().await?;
    sqlx::query("VACUUM INTO ?1").bind(partial).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
