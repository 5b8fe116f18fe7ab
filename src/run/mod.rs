//! A run: the ledger's row of an occurrence. What it can be, and the one function that changes what it is.
//!
//! ```text
//!             +-------+                  +-------------- retry_wait --end--> failed | unknown | cancelled
//!             |       v                  v                   ^
//! claimed ----+--> queued --send--> sending -----retry-------+
//!    |                |                |  |
//!    |                |                |  +--poll--> polling --end--> succeeded | failed | unknown | cancelled
//!    |                |                |
//!    +------end-------+                +--end--> succeeded | failed | unknown | skipped | cancelled
//!            |
//!            v
//!    skipped | missed | cancelled | failed            unknown --settle--> succeeded | failed (unknown stays written)
//! ```
//! `sending` is the point of no return: from there a request may have reached the app. Straight from `claimed` to
//! `sending` is the usual way; `queued` is for jobs whose overlap policy lets one run wait.

mod id;
mod model;
mod words;
mod work;

pub use id::{NoRunId, RunId};
pub use model::{Attempt, Change, IllegalChange, Run, State, transition};
pub use words::{Outcome, Reason, Trigger, UnknownWord};
pub use work::Work;
