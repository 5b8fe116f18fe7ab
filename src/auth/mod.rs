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
//! The layer refuses nothing by itself; it notes what it found, and the extractors judge: [`Principal`] answers 401,
//! [`Admin`] and [`HumanSession`] also 403. So open endpoints stay open whatever bearer comes.
//!
//! An app with users of its own adds [`Auth::with_people`], which is asked about every bearer and cookie that is not the
//! secret. An app that keeps users in a database implements [`Directory`], so that the scheduler is a row like any other
//! and can be disabled.

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
