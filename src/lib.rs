//! # Sexton
//!
//! A cron sidecar that fires HTTP jobs on time, keeps a ledger that can be checked, and the app-side layer that answers
//! it. The rooms, bottom up; a room uses only rooms above it in this list (`tests/it/layering.rs` holds it so):
//!
//! **Words**: [`clock`], [`entropy`], [`secret`], [`protocol`], `http_client`, `schedule`.
//! **Domain**: `job`, `run`.
//! **Adapters**: `ticker`, `store`, `credentials`, `dispatch`.
//! **The proof**: `verify`, of what the store holds.
//! **The loop**: `scheduler`.
//! **The app's half**, on the words alone: `auth`, `reference_app`.
//! **Faces**, of both halves: `admin`, `config`, `cli`.
//!
//! Features: `sidecar` (the scheduler and the program), `auth` (the app's layer, without the sidecar's dependencies),
//! `reference-app`.

pub mod clock;
pub mod entropy;
pub mod protocol;
pub mod secret;

#[cfg(any(feature = "sidecar", feature = "reference-app"))]
pub mod http_client;

#[cfg(feature = "sidecar")]
pub mod admin;
#[cfg(feature = "sidecar")]
pub mod cli;
#[cfg(feature = "sidecar")]
pub mod config;
#[cfg(feature = "sidecar")]
pub mod credentials;
#[cfg(feature = "sidecar")]
pub mod dispatch;
#[cfg(feature = "sidecar")]
pub mod job;
#[cfg(feature = "sidecar")]
pub mod run;
#[cfg(feature = "sidecar")]
pub mod schedule;
#[cfg(feature = "sidecar")]
pub mod scheduler;
#[cfg(feature = "sidecar")]
pub mod store;
#[cfg(feature = "sidecar")]
pub mod ticker;
#[cfg(feature = "sidecar")]
pub mod verify;

#[cfg(feature = "auth")]
pub mod auth;
#[cfg(feature = "reference-app")]
pub mod reference_app;
