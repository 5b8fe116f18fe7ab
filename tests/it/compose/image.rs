//! The sidecar's image: small, bare, nobody special, and of use without a network.

use std::{fs, io::Write, process::Command};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Jobs, done,
    images::{self, APP, SEXTON},
    root,
};
use crate::support::{
    docker::Engine,
    process::{Done, run},
};

/// Compressed, in bytes.
const LARGEST: u64 = 15_000_000;
/// The same compiled quickly; more means that something got into the image that has no business there.
const LARGEST_UNOPTIMIZED: u64 = 60_000_000;
/// What Docker puts into every container.
const DOCKERS_OWN: [&str; 12] = [
    ".dockerenv",
    "dev/",
    "dev/console",
    "dev/pts/",
    "dev/shm/",
    "etc/",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
    "proc/",
    "sys/",
];

pub(super) async fn is_small_and_bare(engine: &Engine) {
    let began = Instant::now();
    says_what_it_is(engine).await;
    holds_one_program(engine).await;
    let (profile, size) = (images::profile(), compressed(engine).await);
    println!("compose: the sidecar's image is {size} bytes, compressed ({profile})");
    assert!(size < if profile == "release" { LARGEST } else { LARGEST_UNOPTIMIZED }, "{size} bytes");
    works_without_a_network(engine).await;
    done("the image", began);
}

async fn says_what_it_is(engine: &Engine) {
    for (image, user) in [(SEXTON, "65532:65532"), (APP, "65531:65531")] {
        let all: Value = serde_json::from_str(&engine.run(&["image", "inspect", image]).await).unwrap();
        let config = &all[0]["Config"];
        assert_eq!(config["User"], user);
        let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
        assert!(label("title").is_string() && label("description").is_string());
        assert!(config["Healthcheck"]["Test"].to_string().contains("healthcheck"), "{config}");
    }
}

/// No shell, no library, no file but the program, and nothing of it is the user's to change.
async fn holds_one_program(engine: &Engine) {
    let container = engine.run(&["create", SEXTON]).await.trim().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    engine.run(&["export", "--output", archive.to_str().unwrap(), &container]).await;
    engine.run(&["rm", &container]).await;
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "-tvf"]).arg(&archive);
    let listed = run(tar).await.good();
    let ours: Vec<(&str, &str)> = listed
        .lines()
        .map(|line| (line.split_whitespace().nth(1).unwrap(), line.split_whitespace().nth(5).unwrap()))
        .filter(|(_, path)| !DOCKERS_OWN.contains(path))
        .collect();
    let volumes = [("65532/65532", "data/"), ("65532/65532", "keys/"), ("65532/65532", "secret/")];
    let mut expected = vec![("0/0", "etc/sexton/"), ("0/0", "sexton")];
    expected.extend(volumes);
    expected.sort_by_key(|(_, path)| *path);
    let mut found = ours;
    found.sort_by_key(|(_, path)| *path);
    assert_eq!(found, expected);
    let shell = engine.attempt(&["run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", SEXTON]).await;
    assert_eq!(shell.code, Some(127), "{shell}");
}

async fn compressed(engine: &Engine) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let (saved, packed) = (folder.path().join("image.tar"), folder.path().join("image.tar.gz"));
    engine.run(&["save", "--output", saved.to_str().unwrap(), SEXTON]).await;
    let mut gzip = Command::new("gzip");
    gzip.arg(&saved);
    run(gzip).await.good();
    fs::metadata(packed).unwrap().len()
}

/// Zones are in the program: nothing of the machine is needed.
async fn works_without_a_network(engine: &Engine) {
    let jobs = Jobs::new(&fs::read_to_string(root().join("docker/jobs/jobs.toml")).unwrap());
    let checked = sexton(engine, &jobs, &["check", "--strict"]).await.good();
    assert!(checked.contains("jobs.toml can be used: 2 jobs, no warnings"), "{checked}");
    let next = sexton(engine, &jobs, &["next", "--job", "marketplaces", "-n", "3", "--json"]).await.good();
    assert_eq!(next.lines().count(), 3, "{next}");
    let schema: Value = serde_json::from_str(&sexton(engine, &jobs, &["schema"]).await.good()).unwrap();
    assert!(schema["properties"]["jobs"].is_object());
    fs::OpenOptions::new().append(true).open(jobs.file()).unwrap().write_all(b"\nshedule = 1\n").unwrap();
    let refused = sexton(engine, &jobs, &["check"]).await;
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.said().contains("schedule"), "{refused}");
}

async fn sexton(engine: &Engine, jobs: &Jobs, arguments: &[&str]) -> Done {
    let mounted = format!("{}:/etc/sexton:ro", jobs.folder().display());
    let start = ["run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--volume", &mounted, SEXTON];
    engine.attempt(&[&start[..], arguments].concat()).await
}
