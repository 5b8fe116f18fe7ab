//! What the scheduler decides, as a function of what it knows, what happened and when.

mod by_hand;
mod clock_steps;
mod drain;
mod jitter;
mod late;
mod overlap;
mod permits;
mod random;
mod reload;
mod store_trouble;
mod taking_over;
