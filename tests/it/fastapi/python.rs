//! Python with what the example needs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use super::example::folder;
use crate::support::{process::run, require};

/// A Python that has what `requirements.txt` asks for: in cargo's folder for tests' files, made by the first run with
/// these requirements and this version of Python. `Err` says what is missing for that.
pub(super) async fn installed() -> Result<PathBuf, String> {
    let python = require::find(&["python3"]).ok_or("no python3")?;
    let requirements = fs::read(folder().join("requirements.txt")).unwrap();
    let version = run(command(&python, &["--version"])).await.good();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    fs::create_dir_all(&kept).unwrap();
    // One at a time: tests run beside each other, also those of two `cargo test`.
    let alone = File::create(kept.join("in-use")).unwrap();
    let _alone = tokio::task::spawn_blocking(move || alone.lock().map(|()| alone)).await.unwrap().unwrap();
    let place = kept.join(name_of(&requirements, &version));
    let (own, complete) = (place.join("bin/python"), place.join("complete"));
    if !complete.exists() {
        drop(fs::remove_dir_all(&place));
        succeeds(command(&python, &["-m", "venv", place.to_str().unwrap()]), "no venv (python3-venv of Debian)")
            .await?;
        let list = folder().join("requirements.txt");
        let install = ["-m", "pip", "install", "--quiet", "--requirement", list.to_str().unwrap()];
        succeeds(command(&own, &install), "pip does not install what the example asks for").await?;
        fs::write(complete, "").unwrap();
    }
    Ok(own)
}

fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

async fn succeeds(command: Command, otherwise: &str) -> Result<(), String> {
    let done = run(command).await;
    if done.code == Some(0) {
        return Ok(());
    }
    let said = done.said();
    Err(format!("{otherwise}: {}", said.trim().lines().next_back().unwrap_or("it said nothing")))
}

fn name_of(requirements: &[u8], version: &str) -> String {
    let text = [requirements, version.as_bytes()].concat();
    let digest = ring::digest::digest(&ring::digest::SHA256, &text);
    digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
