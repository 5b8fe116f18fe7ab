//! The real program: started, signalled, killed.

mod crash;
mod firing;
mod listener;
mod refusals;
mod stopping;
