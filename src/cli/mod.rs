//! The command line, one file per command.

#[cfg(feature = "reference-app")]
pub mod app;
