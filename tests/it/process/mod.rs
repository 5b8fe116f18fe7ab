//! The real program: started, signalled, killed.

mod crash;
mod firing;
mod listener;
mod preview;
mod refusals;
mod stopping;
