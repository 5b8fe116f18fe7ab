//! Starting and stopping.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, time};

use super::{
    Config, DatabaseError,
    answers::AnswerTable,
    database::{self, Database},
    directory::UserTable,
    git::Git,
    jobs::{self, Jobs, Runner},
    lifecycle::Lifecycle,
    marketplaces::Syncs,
    passwords::Passwords,
    people,
    problem::unavailable,
    revocations::RevocationTable,
    router::router,
    sources::{Bounds, Imports},
    state::App,
};
use crate::{
    auth::{Auth, Idempotency, Verifier, VerifierError},
    clock::SharedClock,
    entropy::Entropy,
    http_client::{self, ClientError},
};

/// Why the app does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Sources on the web could not be fetched.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The keys of tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] VerifierError),
}

/// How long work has to end once it was told to stop at once. Longer than what [`super::observe`] gives a request.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Runs the app on `listener` until `shutdown` ends; then takes no more connections, lets open requests, running syncs
/// and jobs end for [`Config::shutdown_grace`], kills what is left (a job goes back to the queue), and closes the database.
///
/// # Errors
/// The data folder or the keys of tokens cannot be used, or TLS cannot be set up. An unusable shared secret is a warning
/// only: the app runs, and that path is off.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    clock: SharedClock,
    entropy: Entropy,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    let database = Database::open(&config.data).await?;
    let directory = UserTable { pool: database.pool.clone(), clock: Arc::clone(&clock), entropy };
    let mut auth = Auth::start(config.secret, directory, Arc::clone(&clock)).await.with_mode(config.mode);
    if let Some(tokens) = config.tokens.clone() {
        let revocations = RevocationTable { pool: database.pool.clone() };
        let verifier = Verifier::start(tokens, revocations, Arc::clone(&clock)).await?;
        auth = auth.with_tokens(asking(verifier, &database, entropy));
    }
    let answers = AnswerTable::open(database.pool.clone()).await.map_err(DatabaseError::from)?;
    let idempotency = Idempotency::new(answers, Arc::clone(&clock));
    let git = Git::new(config.git_environment);
    let bounds = Bounds { timeout: config.source_timeout, max_bytes: config.source_bytes };
    let folders = (database::sources(&config.data), database::spool(&config.data));
    let imports = Imports::new(database.data.clone(), http_client::client()?, folders.0, folders.1, bounds);
    let (jobs, cancels) = Jobs::new(config.workers, config.job_limit);
    let app = Arc::new(App {
        pool: database.pool.clone(),
        clock,
        entropy,
        passwords: Passwords::new(entropy),
        tokens: config.tokens,
        syncs: Syncs::new(git, database::repositories(&config.data), config.sync_limit, config.sync_concurrency),
        imports,
        jobs,
        lifecycle: Lifecycle::new(),
    });
    let lifecycle = app.lifecycle.clone();
    let runner = tokio::spawn(Runner::new(Arc::clone(&app), cancels).run());
    run(router(&app, auth, &idempotency), listener, lifecycle, config.shutdown_grace, shutdown).await;
    // It ends with the last job, and those have been told.
    if let Err(panic) = runner.await {
        tracing::error!(%panic, "the queue's runner is gone");
    }
    drop(app);
    if time::timeout(LAST_WORDS, database.close()).await.is_err() {
        tracing::warn!("the database is still busy; it is left as a crash would leave it");
    }
    Ok(())
}

/// Session tokens hold for as long as their markers are in the database, people's for as long as those are.
fn asking(verifier: Verifier, database: &Database, entropy: Entropy) -> Verifier {
    let (markers, users) = (database.pool.clone(), database.pool.clone());
    let verifier = verifier.with_sessions(move |grant| {
        let pool = markers.clone();
        async move { jobs::is_alive(&pool, &grant).await.map_err(|error| unavailable(&error, entropy)) }
    });
    verifier.with_accounts(move |grant| {
        let pool = users.clone();
        async move { people::is_there(&pool, &grant).await.map_err(|error| unavailable(&error, entropy)) }
    })
}

async fn run(
    router: axum::Router,
    listener: TcpListener,
    lifecycle: Lifecycle,
    grace: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let (asked, was_asked) = oneshot::channel();
    let closing = lifecycle.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        closing.close();
        // The receiver is gone only when the app has ended already.
        let _ = asked.send(());
    });
    let ended = async {
        if let Err(error) = server.await {
            tracing::error!(%error, "the app's server failed");
        }
        lifecycle.close();
        lifecycle.idle().await;
    };
    let overdue = async {
        if was_asked.await.is_err() {
            return std::future::pending().await;
        }
        time::sleep(grace).await;
        lifecycle.stop();
        time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        () = ended => {}
        () = overdue => tracing::warn!("some clients did not take their answers in time; they are cut off"),
    }
}
