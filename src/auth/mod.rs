//! The app's half of the shared secret: a tower layer that turns a bearer into a [`Principal`].
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Router, routing::{get, post}};
//! use sexton::{auth::{self, Admin, Auth, InMemory, Principal}, clock::SystemClock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let config = auth::Config::from_lookup(|name| std::env::var_os(name));
//! let auth = Auth::start(config, InMemory::default(), Arc::new(SystemClock)).await;
//! let app: Router = Router::new()
//!     .route("/api/auth/me", get(|me: Principal| async move { me.email }))
//!     .route("/api/sync", post(|_: Admin| async { "synced" }))
//!     .layer(auth);
//! # use tower::ServiceExt;
//! # let request = axum::http::Request::get("/api/auth/me").body(axum::body::Body::empty()).unwrap();
//! # assert_eq!(app.oneshot(request).await.unwrap().status(), 401);
//! # });
//! ```
//!
//! Whoever presents the secret of `SCHEDULER_API_TOKEN` (or of the file that `SCHEDULER_API_TOKEN_FILE` names) is
//! `scheduler@system.local`, a member of group `Admin`: the app's ordinary permission checks and its audit log need no
//! special case. Without a usable secret the path is off, which a warning at start says, and the app runs on.
//!
//! The layer refuses nothing by itself (but in [`Mode::Required`]); it notes what it found, and the gates judge:
//! [`Principal`] answers 401, [`Admin`], [`HumanSession`] and [`require`] also 403. So open endpoints stay open whatever
//! bearer comes, and an endpoint behind a gate is closed to everybody that the gate does not name.
//!
//! An app with users of its own adds [`Auth::with_people`], which is asked about every bearer and cookie that is neither the
//! secret nor a token. An app that keeps users in a database implements [`Directory`], so that the scheduler is a row like
//! any other and can be disabled.
//!
//! # Tokens
//!
//! [`Auth::with_tokens`] has a [`Verifier`] judge signed tokens: those that the sidecar mints for each run, and those that
//! `sexton token issue` or the app's own [`Issuer`] signs. Each class is a [`Kind`] of principal and may do what its scopes
//! say, no more:
//!
//! | class | stands for | bound to |
//! |---|---|---|
//! | `user` | a person, with the groups that the issuer vouches for, while the app has them ([`Verifier::with_accounts`]) | nothing: the app's own checks apply |
//! | `service` | a program; its `service_groups` stand for scopes ([`VerifierConfig::with_bundle`]) | what `resources` lists |
//! | `session` | one run of the app's, while the app keeps the session ([`Verifier::with_sessions`]) | `run_id` |
//! | `run` | the scheduler, for one run of a job | `run_id`, `job` and `fence`, which the request's `Sexton-*` headers may not contradict |
//!
//! ```
//! # use std::sync::Arc;
//! # use axum::{Router, routing::post};
//! # use sexton::{auth::{self, Auth, InMemory, InMemoryRevocations, Verifier, VerifierConfig}, clock::SystemClock, secret::*};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let secrets = SharedSecrets::from_value(SecretSource::Variable("S".into()), &"0123456789abcdef".repeat(4)).unwrap();
//! # let auth = Auth::start(auth::Config::default(), InMemory::default(), Arc::new(SystemClock)).await;
//! let taken = VerifierConfig::new("https://cron.example.org", "app").with_secrets(secrets);
//! let verifier = Verifier::start(taken, InMemoryRevocations::default(), Arc::new(SystemClock)).await.unwrap();
//! let enqueue = post(|| async { "queued" }).route_layer(auth::require(&["jobs:enqueue"]));
//! let app: Router = Router::new().route("/api/jobs", enqueue).layer(auth.with_tokens(verifier));
//! # use tower::ServiceExt;
//! # let request = axum::http::Request::post("/api/jobs").body(axum::body::Body::empty()).unwrap();
//! # assert_eq!(app.oneshot(request).await.unwrap().status(), 401);
//! # });
//! ```
//!
//! Every key and secret that is taken may sign every class, of every issuer that is listed: whoever holds one can make a token
//! of a person in the group `Admin`. Where the public keys are the sidecar's, [`VerifierConfig::with_jwks_classes`]
//! (`SEXTON_JWKS_CLASSES=run`) takes runs' tokens from them and no others; secrets and issuers cannot be told apart so.
//!
//! A token is 401 when it is missing, malformed, forged, another app's, expired, or of a session or an account that is gone; 403 when it is
//! revoked, lacks a scope or is bound to something else; 503 while nobody can say whether it is revoked ([`Revocations`]).
//!
//! # Work that is asked for twice
//!
//! See [`idempotency`]; gates go outside of it.

mod bearer;
mod config;
mod denial;
mod directory;
mod extract;
pub mod idempotency;
mod layer;
mod mode;
mod principal;
mod require;
mod reread;
mod revocation;
mod secrets;
mod token;

pub use bearer::Presented;
pub use config::Config;
pub use directory::{Account, Directory, InMemory};
pub use extract::{Admin, HumanSession};
pub use idempotency::Idempotency;
pub use layer::{Auth, AuthService};
pub use mode::{Mode, UnknownMode};
pub use principal::{Credential, Kind, Principal};
pub use require::{Require, RequireService, require};
pub use revocation::{InMemoryRevocations, LEEWAY, Revocation, Revocations, Revoked};
pub use token::{ADMIN_SCOPE, Grant, Issuer, KeysError, Refusal, Verifier, VerifierConfig, VerifierError, Wanted};
