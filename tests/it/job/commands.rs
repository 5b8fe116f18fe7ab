//! `sexton check` and `sexton next`.

use std::{fs, path::PathBuf, process::ExitCode};

use chrono::Duration;
use sexton::{
    cli::{
        check, next,
        setting::{Screen, Setting},
    },
    clock::VirtualClock,
    job::Overrides,
};

use super::{APP, now};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

async fn output<A>(
    run: fn(&A, &Setting, &mut dyn std::io::Write) -> miette::Result<ExitCode>,
    args: &A,
    screen: Screen,
) -> (miette::Result<ExitCode>, String) {
    let clock = VirtualClock::at(now() + Duration::zero());
    let setting = Setting { environment: &|_| None, overrides: &Overrides::default(), clock: &clock, screen };
    let mut out = Vec::new();
    let code = run(args, &setting, &mut out);
    (code, String::from_utf8(out).unwrap())
}
