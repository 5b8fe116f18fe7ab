//! Work that a client may ask for twice is done once (draft-ietf-httpapi-idempotency-key-header).
//!
//! [`Idempotency`] is a tower layer for the routes that do work, inside [`Auth`](super::Auth). A request with the header
//! `Idempotency-Key` does its work once for each principal and endpoint:
//!
//! | the same key comes again | answer |
//! |---|---|
//! | with the same body, done | the stored answer, with `Idempotency-Replayed: true` |
//! | with the same body, still worked on | 409 with `Retry-After` |
//! | with another body | 422 |
//!
//! Answers of 2xx and 4xx are stored, but 408, 409, 425 and 429, which say "not now"; those and 5xx free the key. The work
//! goes on and its answer is stored also when the client hangs up meanwhile. Independent of keys, a `Sexton-Fence` that is
//! lower than one already seen of its job is 412: a request that was frozen somewhere and comes too late.

mod body;
mod key;
mod layer;
mod memory;
mod store;

pub use key::{Fingerprint, Key, Lane};
pub use layer::{Idempotency, IdempotencyService};
pub use memory::{Full, InMemoryAnswers};
pub use store::{Answer, Answers, Begun};
