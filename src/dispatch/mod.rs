//! One attempt: a job's request goes to its target once, and what came of it is put into words.
//!
//! ```text
//! Order --request--> Call --exchange--> Exchange --verdict--> Report
//! ```
//! The one question that decides between `failed` and `unknown` is whether the app may have seen the request. It is
//! answered by the request's body, which the connection looks at when it starts to write (`handover.rs`), and by nothing
//! that has to be guessed from an error.
//!
//! A secret goes to its own target only: redirects are not followed, proxies of the environment are ignored, and what
//! comes back is redacted before it is kept (guarantee G5).

mod client;
mod dispatcher;
mod exchange;
mod handover;
mod order;
mod redact;
mod refusals;
mod report;
mod request;
mod retry_after;
mod verdict;
mod whoami;

pub use client::{ClientError, client};
pub use dispatcher::Dispatcher;
pub use order::{Order, Report, request_id};
pub use request::request_line;
pub use whoami::WhoamiError;
