//! Programs that some tests need and not every machine has.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The variable that lists, with commas, the parts that must be there: a missing one is a failure and not a skip.
const REQUIRE: &str = "SEXTON_REQUIRE";

/// Where programs are beside `PATH`, which leaves the second row out for users that are not root.
const USUAL: [&str; 6] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Where the first of `names` that this machine has is.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(USUAL.map(PathBuf::from)).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| is_program(file)))
}

/// Says loudly, past the test harness's capture, that the tests of `part` are skipped.
///
/// # Panics
/// `SEXTON_REQUIRE` lists the part.
pub(crate) fn skip(part: &str, why: &str) {
    let required = variable(REQUIRE).unwrap_or_default();
    let listed = required.to_string_lossy().split(',').any(|listed| listed.trim() == part);
    assert!(!listed, "{REQUIRE} lists {part}, and {part} not found: {why}");
    drop(writeln!(io::stderr(), "skipped: {part} not found: {why}"));
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says where programs are and what must be there")]
pub(crate) fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
