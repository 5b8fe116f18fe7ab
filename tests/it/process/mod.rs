//! The real program: started, signalled, killed.

mod backfill;
mod crash;
mod edits;
mod firing;
mod listener;
mod operators;
mod polling;
mod preview;
mod refusals;
mod starting;
mod stopping;
