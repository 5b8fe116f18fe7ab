//! All integration tests, one binary: it links once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod app;
mod auth;
mod clock;
mod credentials;
mod dispatch;
mod job;
mod layering;
mod run;
mod schedule;
mod seeds;
mod store;
mod support;
mod verify;
