//! The images and the compose files of `docker/`, as people use them, on a real engine.
//!
//! One test drives everything: an engine is a thing there is one of, and building is what takes the time. Machines without
//! Docker skip it (`SEXTON_REQUIRE=docker`: fail); the first run builds everything, later ones what changed.

mod edits;
mod first_firing;
mod image;
mod images;
mod project;
mod secret;
mod slow_app;
mod survival;
mod variants;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::time::Instant;

use self::project::Project;
use crate::support::{docker::Engine, require};

/// The part's name in `SEXTON_REQUIRE`.
const PART: &str = "docker";

#[tokio::test]
async fn the_images_and_compose_files_do_what_their_readme_says() {
    let began = Instant::now();
    let engine = match Engine::find().await {
        Ok(engine) => engine,
        Err(why) => return require::skip(PART, &why),
    };
    if let Err(why) = images::bases(&engine).await {
        return require::skip(PART, &why);
    }
    done("base images", began);
    let building = Instant::now();
    images::build(&engine).await;
    done("images", building);
    tokio::join!(image::is_small_and_bare(&engine), whole_life(&engine), slow_app::is_waited_for(&engine), async {
        variants::secret_in_a_file_of_variables(&engine).await;
        variants::ten_lines_beside_an_app(&engine).await;
    });
    images::forget_the_old(&engine).await;
    done("everything", began);
}

/// One project from nothing to its end.
async fn whole_life(engine: &Engine) {
    let mut project = Project::new(engine, "life", [root().join("docker/compose.yaml")]);
    first_firing::comes_from_nothing(&project).await;
    secret::is_shared_and_nowhere_else(&project).await;
    let jobs = Jobs::new(survival::JOBS);
    secret::outlives_another_up(&mut project, &jobs).await;
    secret::is_rotated_without_a_lost_firing(&project).await;
    edits::are_seen(&project, &jobs).await;
    survival::of_stops_and_kills(&project).await;
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// How long a stage took, for whoever watches with `--nocapture`.
fn done(stage: &str, since: Instant) {
    println!("compose: {stage}: {:.1} s", since.elapsed().as_secs_f64());
}

/// A folder with a `jobs.toml` that containers can read.
struct Jobs(TempDir);

impl Jobs {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let jobs = Self(folder);
        fs::write(jobs.file(), text).unwrap();
        jobs
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.folder().join("jobs.toml")
    }
}
