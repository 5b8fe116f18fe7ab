//! The real program: started, signalled, killed.

mod backfill;
mod catching_up;
mod crash;
mod edits;
mod firing;
mod listener;
mod one_pass;
mod operators;
mod overlapping;
mod polling;
mod preview;
mod refusals;
mod retrying;
mod starting;
mod stopping;
mod taking_turns;
mod waiting;
mod working_app;
