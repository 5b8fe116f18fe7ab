//! One attempt: a job's request goes to its target once, and what came of it is put into words.
//!
//! ```text
//! Order ---request--> Call --exchange--> Exchange --verdict--> Report, with Work to be followed where a 202 polls
//! Inquiry --------------^                         --poll-----> Polled      --cancel--> Cancelled
//! ```
//! The one question that decides between `failed` and `unknown` is whether the app may have seen the request. It is
//! answered by the request's body, which the connection looks at when it starts to write (`handover.rs`), and by nothing
//! that has to be guessed from an error.
//!
//! A secret goes to its own target only: redirects are not followed, proxies of the environment are ignored, and what
//! comes back is redacted before it is kept (guarantee G5).

mod cancel;
mod client;
mod clients;
mod dispatcher;
mod exchange;
mod expect;
mod handover;
mod inquiry;
mod order;
mod pem;
mod poll;
mod preview;
mod probe;
mod redact;
mod report;
mod request;
mod retry_after;
mod streaks;
mod verdict;
mod whereabouts;
mod whoami;

pub use cancel::Cancelled;
pub use client::ClientError;
pub use dispatcher::{Dispatcher, what_to_do};
pub use inquiry::{Inquiry, stop_call};
pub use order::{Order, Report, request_id};
pub use poll::Polled;
pub use probe::{Question, Showing, Told, Untold};
pub use request::{request_line, shown_address};
pub use whoami::WhoamiError;
