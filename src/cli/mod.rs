//! The command line: one file per command.

pub mod check;
pub mod edit;
mod firing;
pub mod import;
pub mod next;
mod replace;
pub mod schema;
pub mod setting;
