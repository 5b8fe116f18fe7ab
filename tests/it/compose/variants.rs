//! The secret in a file of variables, and the ten lines for a project that exists.

use std::{fs, path::Path};

use tokio::time::Instant;

use super::{
    Jobs, done,
    images::{APP, SEXTON},
    project::{PATIENCE, Project, SCHEDULER},
    root,
};
use crate::support::{docker::Engine, process::eventually};

/// A made-up secret; nothing but these tests takes it.
const SECRET: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

const JOBS: &str = r#"
[targets.app]
base_url = "http://app:8000"

[jobs.tick]
schedule = "every 2s"
path = "/api/marketplaces/sync-all"
timeout = "2s"
"#;

/// The commented lines of compose.yaml, followed as they say.
///
/// Seed A43: `.env` is parsed and never sourced: a value that a shell would run stays a value.
pub(super) async fn secret_in_a_file_of_variables(engine: &Engine) {
    let began = Instant::now();
    let jobs = Jobs::new(JOBS);
    let text = fs::read_to_string(root().join("docker/compose.yaml")).unwrap();
    assert_eq!(text.matches("    # env_file: .env").count(), 2, "in the app and in the scheduler");
    let without = ["SCHEDULER_API_TOKEN_FILE: ", "- app-secret:/secret:ro"];
    let lines = text.lines().filter(|line| !without.iter().any(|left_out| line.trim().starts_with(left_out)));
    let text = lines.collect::<Vec<_>>().join("\n").replace("    # env_file: .env", "    env_file: .env");
    let text = text.replace("    environment:\n    #", "    #");
    let compose = jobs.folder().join("compose.yaml");
    fs::write(&compose, text).unwrap();
    write_variables(jobs.folder());
    let mut project = Project::new(engine, "variables", [compose]);
    project.jobs(jobs.folder());
    project.compose(&["up", "--detach", "--no-build"]).await;
    fires(&project).await;
    let app = project.container("app").await;
    let note = engine.run(&["exec", &app, "printenv", "NOTE"]).await;
    assert_eq!(note.trim_end(), NOTE);
    done("the secret in a file of variables", began);
}

/// What a shell that sources it would run or stumble over.
const NOTE: &str = "two words; touch /data/sourced & exit 1";

fn write_variables(folder: &Path) {
    fs::write(folder.join(".env"), format!("SCHEDULER_API_TOKEN={SECRET}\nNOTE={NOTE}\n")).unwrap();
}

/// docker/sidecar.yaml beside a project that knows nothing of Sexton but the secret's variable.
pub(super) async fn ten_lines_beside_an_app(engine: &Engine) {
    let began = Instant::now();
    let project_folder = Jobs::new("");
    let folder = project_folder.folder();
    let sidecar = fs::read_to_string(root().join("docker/sidecar.yaml")).unwrap();
    assert_eq!(sidecar.lines().filter(|line| !line.starts_with('#')).count(), 10);
    fs::write(folder.join("sidecar.yaml"), sidecar.replace("image: sexton\n", &format!("image: {SEXTON}\n"))).unwrap();
    let existing =
        format!("services:\n  app:\n    image: {APP}\n    env_file: .env\n    ports: [\"127.0.0.1:0:8000\"]\n");
    fs::write(folder.join("compose.yaml"), existing).unwrap();
    write_variables(folder);
    fs::create_dir(folder.join("jobs")).unwrap();
    fs::write(folder.join("jobs/jobs.toml"), JOBS).unwrap();
    let files = ["compose.yaml", "sidecar.yaml"].map(|name| folder.join(name));
    let project = Project::new(engine, "lines", files);
    project.compose(&["up", "--detach"]).await;
    fires(&project).await;
    done("the ten lines", began);
}

async fn fires(project: &Project<'_>) {
    eventually("a firing", PATIENCE, async || {
        let rows = project.audit_by(SECRET).await;
        rows.into_iter().find(|row| row.user == SCHEDULER && row.result == "ok")
    })
    .await;
}
