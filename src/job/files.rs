//! Which files make up the definitions, and reading them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    finding::{Finding, Report},
    source::Source,
};

/// Reads a file of definitions and the `jobs.d/*.toml` next to it, in the order of their names.
///
/// # Errors
/// A [`Report`] naming every file that is missing, unreadable or not UTF-8.
pub fn read_sources(path: &Path) -> Result<Vec<Source>, Report> {
    let (mut sources, mut findings) = (Vec::new(), Vec::new());
    let mut keep = |path: &Path, main| match read(path, main) {
        Ok(source) => sources.push(source),
        Err(finding) => findings.push(*finding),
    };
    keep(path, true);
    match further_files(path) {
        Ok(files) => files.iter().for_each(|file| keep(file, false)),
        Err((folder, error)) => {
            let place = Source::new(folder.display().to_string(), "").whole();
            findings.push(Finding::error(place, format!("cannot list the folder: {error}")));
        }
    }
    if findings.is_empty() { Ok(sources) } else { Err(Report { findings, sources, attachments: Vec::new() }) }
}

/// `jobs.d/*.toml`; hidden files are left alone, as a shell would.
pub(super) fn further_files(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let folder = path.with_file_name("jobs.d");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err((folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| (folder.clone(), error))?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && file.extension().is_some_and(|ending| ending == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, main: bool) -> Result<Source, Box<Finding>> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| Box::new(unreadable(&name, &error, main)))?;
    String::from_utf8(bytes).map(|text| Source::new(name.clone(), text)).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let source = Source::new(name, String::from_utf8_lossy(error.as_bytes()));
        let mut finding = Finding::error(source.place(valid..valid), "this is not UTF-8, as TOML has to be");
        finding.help("save the file as UTF-8");
        Box::new(finding)
    })
}

fn unreadable(name: &str, error: &io::Error, main: bool) -> Finding {
    let place = Source::new(name, "").whole();
    if error.kind() != io::ErrorKind::NotFound || !main {
        return Finding::error(place, format!("cannot read the file: {error}"));
    }
    let mut finding = Finding::error(place, "there is no such file");
    finding.help(
        "name the file that defines your jobs, or make this one; an empty file is a start: it defines no job, and \
         jobs may be added while sexton runs",
    );
    finding
}
