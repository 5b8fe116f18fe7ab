//! Tests of this room. One file per subject; add `mod` lines here.

mod body;
mod connections;
pub(crate) mod fake_app;
pub(crate) mod log;
pub(crate) mod orders;
mod outcomes;
mod point_of_no_return;
mod redaction;
mod refusals;
mod requests;
mod retry_after;
mod tls;
mod whoami;
