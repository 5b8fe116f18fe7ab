//! The reference app, black box: a file for each family of endpoints, in folders as in its addresses.

mod audit;
mod auth;
mod health;
mod idempotency;
mod jobs;
mod lifecycle;
pub(crate) mod marketplaces;
mod requests;
mod scheduler;
mod sources;
