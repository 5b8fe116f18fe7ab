//! The real program: started, signalled, killed.

mod backfill;
mod crash;
mod edits;
mod firing;
mod listener;
mod one_pass;
mod operators;
mod polling;
mod preview;
mod refusals;
mod retrying;
mod starting;
mod stopping;
mod working_app;
