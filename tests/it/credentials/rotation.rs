//! Credentials change while jobs fire: no run fails, and at most one more request is made for each rotated credential and
//! target, or one for each request that was on its way with the old one.

use std::{path::Path, sync::Arc, time::Duration};

use sexton::{
    clock::SystemClock,
    credentials::{Config, Credentials, JWT_SECRETS_FILE, SIGNING_KEY_FILE, Shown},
    dispatch::Dispatcher,
    entropy::Entropy,
    job::{Auth, Job, Target},
    run::Outcome,
    secret::SharedSecrets,
};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    run_token::{self, bearer},
    secret_command::secret,
    showing, showing_after,
    token_command::store,
};
use crate::{
    dispatch::{
        fake_app::{FakeApp, Reply, answer},
        orders::{dispatcher_with, job, job_of, order, target},
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
            ended.send_replace(0)
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

/// An app that accepts the bearers that `knows` knows at the moment.
async fn app(knows: impl Fn(&str) -> bool + Send + Sync + 'static) -> FakeApp {
    FakeApp::start(move |seen| Reply::Whole(answer(if knows(&bearer(seen)) { 200 } else { 401 }, ""))).await
}

/// As the app's half does: what the file holds.
fn lines_of(file: &Path) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    let file = file.to_owned();
    move |bearer| SharedSecrets::from_file(&file).unwrap().accept(bearer.as_bytes())
}

fn dispatcher(credentials: Credentials) -> Arc<Dispatcher> {
    Arc::new(dispatcher_with(credentials))
}

/// Fires at several targets, one run after the other at each, while `step` is called for each of `rotations` twice: to
/// begin it and to finish it. No run may fail, and no target may see more than one more request for each rotation.
async fn under_load<K>(
    dispatcher: Arc<Dispatcher>,
    auth: Auth,
    knows: impl Fn() -> K,
    rotations: usize,
    mut step: impl FnMut(usize, Part),
) where
    K: Fn(&str) -> bool + Send + Sync + 'static,
{
    let (mut apps, mut loads) = (Vec::new(), Vec::new());
    for number in 0..TARGETS {
        let app = app(knows()).await;
        let target = Target { name: format!("app-{number}"), auth: auth.clone(), ..target(&app.url()) };
        loads.push(Load::on(&dispatcher, job_of(target)));
        apps.push(app);
    }
    for number in 1..=rotations {
        for part in [Part::Begin, Part::Finish] {
            for load in &mut loads {
                load.pass(5).await;
            }
            step(number, part);
        }
    }
    let mut extras = Vec::new();
    for (mut load, app) in loads.into_iter().zip(&mut apps) {
        load.pass(5).await;
        let runs = load.end().await;
        extras.push(app.rest().len() - runs);
    }
    assert!(extras.iter().all(|extra| *extra <= rotations), "more requests than runs: {extras:?}");
    assert!(extras.iter().sum::<usize>() >= rotations, "nothing was rotated: {extras:?}");
}

/// A rotation's two halves.
#[derive(Clone, Copy)]
enum Part {
    Begin,
    Finish,
}

#[tokio::test]
async fn the_shared_secret_rotates_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let dispatcher = dispatcher(Credentials::load(Config::file(&file)));
    let step = |_, part| match part {
        Part::Begin => drop(secret(&["rotate", path], &[]).unwrap()),
        Part::Finish => drop(secret(&["rotate", "--finish", path], &[]).unwrap()),
    };
    under_load(dispatcher, Auth::SharedSecret { header: None }, || lines_of(&file), 3, step).await;
}

/// Seed D3: whoever issues the token takes the old one back once the new one is in the file.
#[tokio::test]
async fn a_token_file_rotates_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let token = |number: usize| format!("token-number-{number}");
    store(&file, &token(0)).unwrap();
    let accepted = Arc::new(watch::Sender::new(vec![token(0)]));
    let knows = || {
        let accepted = Arc::clone(&accepted);
        move |bearer: &str| accepted.borrow().iter().any(|known| known == bearer)
    };
    let step = |number, part| match part {
        Part::Begin => {
            accepted.send_modify(|accepted| accepted.push(token(number)));
            store(&file, &token(number)).unwrap();
        }
        Part::Finish => accepted.send_modify(|accepted| accepted.retain(|known| *known == token(number))),
    };
    let auth = Auth::TokenFile { path: file.clone(), header: None };
    under_load(dispatcher(run_token::credentials(&[])), auth, knows, 3, step).await;
}

/// Apps that pin `KEY.jwks` know both keys in between.
#[tokio::test]
async fn the_key_of_run_tokens_rotates_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let knows = || {
        let pinned = format!("{path}.jwks");
        move |bearer: &str| {
            let keys = serde_json::from_slice(&std::fs::read(&pinned).unwrap()).unwrap();
            run_token::is_signed_by(bearer, &keys)
        }
    };
    let dispatcher = dispatcher(run_token::credentials(&[(SIGNING_KEY_FILE, path)]));
    let step = |_, part| match part {
        Part::Begin => drop(secret(&["rotate", "--ed25519", path], &[]).unwrap()),
        Part::Finish => drop(secret(&["rotate", "--ed25519", "--finish", path], &[]).unwrap()),
    };
    under_load(dispatcher, run_token::auth(), knows, 3, step).await;
}

/// Seed C9: the same with secrets for HS256.
#[tokio::test]
async fn c9_the_secrets_of_run_tokens_rotate_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let knows = || {
        let file = file.clone();
        move |bearer: &str| run_token::is_signed_with(bearer, &SharedSecrets::from_file(&file).unwrap())
    };
    let dispatcher = dispatcher(run_token::credentials(&[(JWT_SECRETS_FILE, path)]));
    let step = |_, part| match part {
        Part::Begin => drop(secret(&["rotate", path], &[]).unwrap()),
        Part::Finish => drop(secret(&["rotate", "--finish", path], &[]).unwrap()),
    };
    under_load(dispatcher, run_token::auth(), knows, 3, step).await;
}

/// A new key is published as soon as it is in the file, before any app meets it: the set is read again when it is asked
/// for, at most once a second.
#[tokio::test(start_paused = true)]
async fn the_published_keys_follow_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let credentials = run_token::credentials(&[(SIGNING_KEY_FILE, path)]);
    let count = async || {
        let keys = serde_json::to_value(credentials.public_keys().await).unwrap();
        keys["keys"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 1);
    secret(&["rotate", "--ed25519", path], &[]).unwrap();
    assert_eq!(count().await, 1, "read less than a second ago");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(count().await, 2);
    secret(&["rotate", "--ed25519", "--finish", path], &[]).unwrap();
    std::fs::write(&file, "damaged").unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(count().await, 2, "the last good ones are kept");
    assert_eq!(credentials.troubles([&run_token::auth()]).len(), 1);
}

/// A new key signs once every app can know it, whoever asked for the keys meanwhile and before: an app that fetched them just
/// before the rotation does not fetch them again for a while. What an app refuses is signed with the other key.
#[tokio::test(start_paused = true)]
async fn a_new_key_is_published_long_before_it_signs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let path = file.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let credentials = run_token::credentials(&[(SIGNING_KEY_FILE, path)]);
    let kids = async |credentials: &Credentials| -> Vec<String> {
        let keys = serde_json::to_value(credentials.public_keys().await).unwrap();
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let kid = |shown: &Shown| run_token::parts(shown.secret().expose()).0["kid"].as_str().unwrap().to_owned();
    let auth = run_token::auth();
    let signing = async |credentials: &Credentials| kid(&showing(credentials, &auth).await.unwrap());
    let old = kids(&credentials).await.remove(0);
    assert_eq!(signing(&credentials).await, old, "one that is alone signs at once");

    secret(&["rotate", "--ed25519", path], &[]).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let [new, still] = kids(&credentials).await.try_into().unwrap();
    let restarted = run_token::credentials(&[(SIGNING_KEY_FILE, path)]);
    for seconds in 1..40 {
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(kids(&credentials).await, [new.clone(), still.clone()]);
        assert_eq!(
            (signing(&credentials).await, signing(&restarted).await),
            (old.clone(), still.clone()),
            "{seconds} s"
        );
    }
    let refused = showing(&credentials, &auth).await.unwrap();
    assert!(credentials.another(&refused).await, "an app that pins the new key alone");
    assert_eq!(kid(&showing_after(Some(&refused), &credentials, &auth).await.unwrap()), new);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!((signing(&credentials).await, signing(&restarted).await), (new.clone(), new.clone()));
    let refused = showing(&credentials, &auth).await.unwrap();
    assert!(credentials.another(&refused).await, "an app that has not fetched the keys for so long");
    assert_eq!(kid(&showing_after(Some(&refused), &credentials, &auth).await.unwrap()), old);

    secret(&["rotate", "--ed25519", "--finish", path], &[]).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!((kids(&credentials).await, signing(&credentials).await), (vec![new.clone()], new));
    let refused = showing(&credentials, &auth).await.unwrap();
    assert!(!credentials.another(&refused).await, "there is no other");
}

/// Many requests of one target are open when its secret goes: each is sent once more, none fails.
#[tokio::test]
async fn open_requests_of_one_target_all_outlive_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    secret(&["ensure", path], &[]).unwrap();
    let mut app = app(lines_of(&file)).await;
    let dispatcher = dispatcher(Credentials::load(Config::file(&file)));
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
    let dispatcher = Dispatcher::new(Arc::clone(&credentials), Arc::new(SystemClock), Entropy::System).unwrap();
    let mut load = Load::on(&Arc::new(dispatcher), definition);
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
