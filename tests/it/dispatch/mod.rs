//! Tests of this room. One file per subject; add `mod` lines here.

mod body;
mod connections;
mod credentials;
mod fake_app;
mod log;
mod orders;
mod outcomes;
mod point_of_no_return;
mod redaction;
mod refusals;
mod requests;
mod secret_command;
mod tls;
mod whoami;
