//! The command line: one file per command.

pub mod check;
mod firing;
pub mod next;
pub mod schema;
pub mod setting;
