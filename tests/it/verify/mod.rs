//! The proof of the accounting: over tables, over histories that the scheduler makes, and as a command.

mod command;
mod history;
mod table;
