//! `--store sqlite://FILE`.

use std::path::PathBuf;

use crate::store::StoreError;

/// The file that an address names: `sqlite://FILE` or `sqlite:FILE`, absolute or relative to the working folder.
///
/// # Errors
/// [`StoreError::Address`] for another scheme, no file, a database in memory, or options after a `?`.
pub(in crate::store) fn file_of(address: &str) -> Result<PathBuf, StoreError> {
    let refused = || StoreError::Address(without_password(address));
    let file = address.strip_prefix("sqlite:").ok_or_else(refused)?;
    let file = file.strip_prefix("//").unwrap_or(file);
    if file.is_empty() || file.ends_with('/') || file.contains(['?', '#', '\0']) || file == ":memory:" {
        return Err(refused());
    }
    Ok(PathBuf::from(file))
}

/// The address of a server may carry a password before its `@`, or in its options.
fn without_password(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) if scheme != "sqlite" => format!("{scheme}://…"),
        _ => address.to_owned(),
    }
}
