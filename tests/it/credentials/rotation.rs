//! Credentials change while jobs fire: no run fails, and at most one more request is made for each rotated credential and
//! target.

use std::{path::Path, sync::Arc, time::Duration};

use sexton::{
    clock::SystemClock,
    credentials::{Config, Credentials},
    dispatch::Dispatcher,
    entropy::Entropy,
    job::{Job, Target},
    run::Outcome,
    secret::SharedSecrets,
};
use tokio::{sync::watch, task::JoinHandle};

use super::secret_command::secret;
use crate::{
    dispatch::{
        fake_app::{FakeApp, Reply, answer},
        orders::{job, job_of, order, target},
    },
    support::app::Builder,
};

const PATIENCE: Duration = Duration::from_secs(20);
const TARGETS: usize = 4;

/// One target's job, sent again as soon as it has ended.
struct Load {
    runs: watch::Receiver<usize>,
    stop: watch::Sender<bool>,
    sending: JoinHandle<usize>,
}

impl Load {
    fn on(dispatcher: &Arc<Dispatcher>, job: Job) -> Self {
        let (ended, runs) = watch::channel(0);
        let stop = watch::Sender::new(false);
        let (dispatcher, stopped) = (Arc::clone(dispatcher), stop.subscribe());
        let sending = tokio::spawn(async move {
            while !*stopped.borrow() {
                let report = dispatcher.send(&order(job.clone())).await;
                assert_eq!(report.outcome, Outcome::Succeeded, "{report:?}");
                ended.send_modify(|runs| *runs += 1);
            }
            let runs = *ended.borrow();
            runs
        });
        Self { runs, stop, sending }
    }

    /// Waits until so many more runs have ended.
    async fn pass(&mut self, more: usize) {
        let goal = *self.runs.borrow() + more;
        let passed = tokio::time::timeout(PATIENCE, self.runs.wait_for(|runs| *runs >= goal)).await;
        passed.expect("runs end").expect("no run failed");
    }

    /// How many runs there were.
    async fn end(self) -> usize {
        self.stop.send_replace(true);
        self.sending.await.unwrap()
    }
}

/// An app that accepts what the file holds at this moment, as the app's half does.
async fn app_with(file: &Path) -> FakeApp {
    let file = file.to_owned();
    FakeApp::start(move |seen| {
        let bearer = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let known = SharedSecrets::from_file(&file).unwrap().accept(bearer.as_bytes());
        Reply::Whole(answer(if known { 200 } else { 401 }, ""))
    })
    .await
}

fn dispatcher(credentials: &Arc<Credentials>) -> Arc<Dispatcher> {
    Arc::new(Dispatcher::new(Arc::clone(credentials), Arc::new(SystemClock), Entropy::System).unwrap())
}

#[tokio::test]
async fn the_shared_secret_rotates_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let dispatcher = dispatcher(&Arc::new(Credentials::load(Config::file(&file))));
    let (mut apps, mut loads) = (Vec::new(), Vec::new());
    for number in 0..TARGETS {
        let app = app_with(&file).await;
        let target = Target { name: format!("app-{number}"), ..target(&app.url()) };
        loads.push(Load::on(&dispatcher, job_of(target)));
        apps.push(app);
    }
    let rotations = 3;
    for _ in 0..rotations {
        for step in [&["rotate", path][..], &["rotate", "--finish", path]] {
            for load in &mut loads {
                load.pass(5).await;
            }
            secret(step, &[]).unwrap();
        }
    }
    for (mut load, app) in loads.into_iter().zip(&mut apps) {
        load.pass(5).await;
        let runs = load.end().await;
        let extra = app.rest().len() - runs;
        assert!(extra <= rotations, "{extra} more requests than runs, for {rotations} rotations");
    }
}

/// Many requests of one target are open when its secret goes: each is sent once more, none fails.
#[tokio::test]
async fn open_requests_of_one_target_all_outlive_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let mut app = app_with(&file).await;
    let dispatcher = dispatcher(&Arc::new(Credentials::load(Config::file(&file))));
    let mut loads: Vec<Load> = (0..16).map(|_| Load::on(&dispatcher, job(&app.url()))).collect();
    for step in [&["rotate", path][..], &["rotate", "--finish", path], &["rotate", path]] {
        for load in &mut loads {
            load.pass(3).await;
        }
        secret(step, &[]).unwrap();
    }
    let mut runs = 0;
    for mut load in loads {
        load.pass(3).await;
        runs += load.end().await;
    }
    let extra = app.rest().len() - runs;
    assert!((1..=16).contains(&extra), "{extra} more requests than runs, with 16 open");
}

/// The same with the app's half, which reads its file at most once a second.
#[tokio::test]
async fn the_apps_half_follows_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let app =
        Builder::default().without("SCHEDULER_API_TOKEN").environment("SCHEDULER_API_TOKEN_FILE", path).start().await;
    let credentials = Arc::new(Credentials::load(Config::file(&file)));
    let mut definition = job(&format!("http://{}", app.address));
    (definition.method, definition.path) = ("GET".to_owned(), "/api/auth/me".to_owned());
    let mut load = Load::on(&dispatcher(&credentials), definition);
    load.pass(3).await;
    secret(&["rotate", path], &[]).unwrap();
    load.pass(3).await;
    secret(&["rotate", "--finish", path], &[]).unwrap();
    let new = SharedSecrets::from_file(&file).unwrap();
    let taken = async {
        while !new.accept(credentials.current().unwrap().current().expose().as_bytes()) {
            load.pass(1).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("the new secret is taken");
    load.pass(3).await;
    load.end().await;
    app.stop().await;
}
