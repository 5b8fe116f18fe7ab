//! What the scheduler decides, as a function of what it knows, what happened and when.

mod all_of_them;
mod by_hand;
mod clock_steps;
mod drain;
mod groups;
mod jitter;
mod late;
mod overlap;
mod permits;
mod poll;
mod queueing;
mod random;
mod reload;
mod replacing;
mod retries;
mod store_trouble;
mod taking_over;
