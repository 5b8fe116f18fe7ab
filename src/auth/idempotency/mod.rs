//! Work that a client may ask for twice is done once (draft-ietf-httpapi-idempotency-key-header).
//!
//! [`Idempotency`] is a tower layer for the routes that do work, inside [`Auth`](super::Auth). A request with the header
//! `Idempotency-Key` does its work once for each principal and endpoint:
//!
//! | the same key comes again | answer |
//! |---|---|
//! | with the same body, done | the stored answer, with `Idempotency-Replayed: true` |
//! | with the same body, still worked on | 409 with `Retry-After: 1` |
//! | with another body | 422 |
//!
//! Answers of 2xx and 4xx are stored, but 401 and 403, which are about who asks, and 408, 409, 425 and 429, which say "not
//! now"; those, 3xx and 5xx free the key. Of an answer over 1 MiB only that it was given is kept: it is 409 from then on. The work goes on and its answer is stored also when the client hangs up meanwhile.
//!
//! Independent of keys, a `Sexton-Fence` that is lower than one already seen of its job is 412: a request that was frozen
//! somewhere and comes too late. Of a run's token its own fence counts, also without the header. A fence is forgotten when it
//! was not seen for 90 days. What only looks (`GET`, `HEAD`, `OPTIONS`, `TRACE`) passes untouched.
//!
//! # Gates stand outside
//!
//! A stored answer is given to whoever comes with the key and the same kind and id, and a gate further inside is not asked
//! again. So whatever says who may ask, [`require`](super::require) or [`Admin`](super::Admin) as a layer, goes outside of
//! this one, and whom it refuses neither sees an answer nor takes a key or a fence:
//!
//! ```
//! # use axum::{Router, middleware::from_extractor, routing::post};
//! # use sexton::{auth::{self, Admin, Idempotency, idempotency::InMemoryAnswers}, clock::SystemClock};
//! let once = Idempotency::new(InMemoryAnswers::default(), std::sync::Arc::new(SystemClock));
//! let sync = post(|| async { "synced" }).route_layer(once.clone()).route_layer(auth::require(&["sync:run"]));
//! let add = post(|| async { "added" }).route_layer(once).route_layer(from_extractor::<Admin>());
//! let app: Router = Router::new().route("/api/sync", sync).route("/api/things", add);
//! ```

mod body;
mod key;
mod layer;
mod memory;
mod store;

pub use key::{Fingerprint, Key, Lane};
pub use layer::{Idempotency, IdempotencyService};
pub use memory::{Full, InMemoryAnswers};
pub use store::{Answer, Answers, Begun};
