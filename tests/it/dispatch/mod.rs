//! Tests of this room. One file per subject; add `mod` lines here.

mod body;
mod connections;
mod expect;
pub(crate) mod fake_app;
pub(crate) mod log;
pub(crate) mod orders;
mod outcomes;
mod point_of_no_return;
mod poll;
mod redaction;
mod refusals;
mod requests;
mod retry_after;
mod tls;
mod whoami;
mod wire;
mod work;
