//! A run: the ledger's row of an occurrence. What it can be, and the one function that changes what it is.
//!
//! ```text
//! claimed --send--> sending --end--> succeeded | failed | unknown --settle--> succeeded | failed
//!    |
//!    +--end--> skipped | missed | cancelled
//! ```
//! `sending` is the point of no return: from there a request may have reached the app.

mod id;
mod model;
mod words;

pub use id::RunId;
pub use model::{Attempt, Change, IllegalChange, Run, State, transition};
pub use words::{Outcome, Reason, Trigger, UnknownWord};
