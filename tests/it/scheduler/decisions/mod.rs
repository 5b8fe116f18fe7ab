//! What the scheduler decides, as a function of what it knows, what happened and when.

mod clock_steps;
mod drain;
mod late;
mod overlap;
mod permits;
mod random;
mod store_trouble;
mod taking_over;
