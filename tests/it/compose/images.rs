//! The images under test: the real Dockerfile, on base images that this machine makes when no registry is reached.

use std::{
    fs::{self, File},
    io::Seek,
    path::{Path, PathBuf},
    process::Command,
};

use super::root;
use crate::support::{docker::Engine, process::run, require};

/// What the images are called; the names in compose.yaml are the user's.
pub(super) const SEXTON: &str = "sexton:under-test";
pub(super) const APP: &str = "sexton-app:under-test";
/// Kept for the sake of its layers: the next run compiles no dependency.
const DEPENDENCIES: &str = "sexton-dependencies:under-test";

/// How the programs are compiled: `dev` is quick, and its images are large.
pub(super) fn profile() -> String {
    require::variable("SEXTON_IMAGE_PROFILE").map_or("dev".to_owned(), |profile| profile.into_string().unwrap())
}

/// Makes the base images that are not there. `Err` says what is missing for that.
pub(super) async fn bases(engine: &Engine) -> Result<(), String> {
    let (debian, rust) = base_names();
    for image in [&debian, &rust] {
        let known = engine.attempt(&["image", "inspect", image]).await.code == Some(0);
        // Another's engine is not given a home-made image under a public name when the real one can be had.
        let had = known || (!engine.is_our_own() && engine.attempt(&["pull", "--quiet", image]).await.code == Some(0));
        match had {
            true => {}
            false if *image == debian => make_debian(engine, image).await?,
            false => make_rust(engine, &debian, image).await?,
        }
    }
    Ok(())
}

/// The images that the Dockerfile begins with.
fn base_names() -> (String, String) {
    let text = fs::read_to_string(root().join("docker/Dockerfile")).unwrap();
    let argument = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("ARG {name}=")));
        line.unwrap_or_else(|| panic!("the Dockerfile has a default for {name}")).to_owned()
    };
    let filled = |line: &str| line.replace("${RUST}", &argument("RUST")).replace("${DEBIAN}", &argument("DEBIAN"));
    let from = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("FROM "));
        let image = lines.filter_map(|line| line.split(' ').next()).find(|image| image.starts_with(name));
        filled(image.unwrap_or_else(|| panic!("the Dockerfile begins something with {name}")))
    };
    (from("debian:"), from("rust:"))
}

/// Debian, from the mirror that this machine's apt uses.
async fn make_debian(engine: &Engine, image: &str) -> Result<(), String> {
    let debootstrap = require::find(&["debootstrap"]).ok_or("no registry, and no debootstrap")?;
    let suite = image.trim_start_matches("debian:").trim_end_matches("-slim");
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let mut command = Command::new(debootstrap);
    command.args(["--variant=minbase", suite]).arg(&tree).args(mirror(suite).await);
    run(command).await.good();
    let mut import = engine.docker(&["import", "-", image]);
    import.stdin(packed(&tree, &[]));
    run(import).await.good();
    Ok(())
}

async fn mirror(suite: &str) -> Option<String> {
    let mut apt = Command::new(require::find(&["apt-get"])?);
    apt.args(["indextargets", "--format", "$(SITE)"]).arg(format!("Codename: {suite}")).arg("Component: main");
    run(apt).await.stdout.lines().next().map(str::to_owned)
}

/// Rust, as this machine has it, on Debian with a C compiler; it trusts whom this machine trusts, and its cargo is set up
/// as this machine's is.
async fn make_rust(engine: &Engine, debian: &str, image: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = folder.path().join("Dockerfile");
    let packages = "ca-certificates gcc libc6-dev";
    fs::write(
        &dockerfile,
        format!("FROM {debian}\nRUN apt-get update && apt-get install -y --no-install-recommends {packages} && mkdir /.cargo\n"),
    )
    .unwrap();
    let base = format!("{image}-base");
    let context = folder.path().display().to_string();
    engine.run(&["build", "--network", "host", "-t", &base, &context]).await;
    let container = engine.run(&["create", &base, "true"]).await.trim().to_owned();
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]);
    let sysroot = PathBuf::from(run(rustc).await.good().trim());
    let mut copy = engine.docker(&["cp", "-", &format!("{container}:/usr/local")]);
    copy.stdin(packed(&sysroot, &["share", "etc"]));
    run(copy).await.good();
    if let Some(trusted) = trusted() {
        let place = format!("{container}:/etc/ssl/certs/ca-certificates.crt");
        engine.run(&["cp", "--follow-link", trusted.to_str().unwrap(), &place]).await;
    }
    if let Some(config) = cargo_home().map(|home| home.join("config.toml")).filter(|config| config.exists()) {
        // Above every folder that cargo is called in.
        engine.run(&["cp", config.to_str().unwrap(), &format!("{container}:/.cargo/config.toml")]).await;
    }
    engine.run(&["commit", &container, image]).await;
    engine.run(&["rm", &container]).await;
    Ok(())
}

/// An archive of what `folder` holds, `without` some of it.
fn packed(folder: &Path, without: &[&str]) -> File {
    let mut archive = tempfile::tempfile().unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder).args(without.iter().map(|name| format!("--exclude=./{name}"))).args(["-c", "."]);
    tar.stdout(archive.try_clone().unwrap());
    assert!(tar.status().unwrap().success(), "{tar:?}");
    archive.rewind().unwrap();
    archive
}

/// The certificates that this machine trusts, in one file.
fn trusted() -> Option<PathBuf> {
    let named = ["CARGO_HTTP_CAINFO", "SSL_CERT_FILE"].into_iter().filter_map(require::variable).map(PathBuf::from);
    named.chain([PathBuf::from("/etc/ssl/certs/ca-certificates.crt")]).find(|file| file.exists())
}

fn cargo_home() -> Option<PathBuf> {
    let home = || require::variable("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    require::variable("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// Builds both images, and once more as compose does, which has nothing left to do.
pub(super) async fn build(engine: &Engine) {
    for (target, image) in [("app-dependencies", DEPENDENCIES), ("app", APP), ("sexton", SEXTON)] {
        let profile = format!("PROFILE={}", profile());
        let mut command = engine.docker(&["build", "--network", "host", "--build-arg", &profile]);
        command.args(["-f", "docker/Dockerfile", "--target", target, "-t", image]);
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            // Docker knows these by itself and keeps them out of the image.
            command.args(require::variable(proxy).iter().flat_map(|_| ["--build-arg", proxy]));
        }
        command.arg(".").current_dir(root());
        run(command).await.good();
    }
    let mut compose =
        engine.compose(&["-f", "docker/compose.yaml", "build", "--build-arg", &format!("PROFILE={}", profile())]);
    compose.env("SEXTON_IMAGE", SEXTON).env("APP_IMAGE", APP).current_dir(root());
    run(compose).await.good();
}

/// Gives back the room that the layers before the last edit took.
pub(super) async fn forget_the_old(engine: &Engine) {
    if engine.is_our_own() {
        engine.run(&["image", "prune", "--force"]).await;
    }
}
