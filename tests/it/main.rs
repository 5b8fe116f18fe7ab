//! All integration tests, one binary: it links once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod admin;
mod app;
mod auth;
mod cli;
mod clock;
mod compose;
mod config;
mod credentials;
mod dispatch;
mod end_to_end;
mod fastapi;
mod job;
mod layering;
mod process;
mod run;
mod schedule;
mod scheduler;
mod seeds;
mod simulation;
mod store;
mod support;
mod ticker;
mod verify;
