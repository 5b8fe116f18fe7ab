//! The point of no return of one request, seen from inside.
//!
//! A connection asks a body whether it is empty right before it writes the request's head, and asks nobody before a
//! connection is there. So a request whose [`Handover`] never came was never written, whatever the error says; with any
//! doubt it counts as sent. `tests/it/dispatch/point_of_no_return.rs` holds the HTTP library to that.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::clock::SharedClock;

/// When a connection began to write a request, if one did.
#[derive(Clone)]
pub(super) struct Handover {
    clock: SharedClock,
    came: Arc<OnceLock<Sent>>,
}

/// The moment of the handover.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// On the wall clock.
    pub(super) at: DateTime<Utc>,
    /// On the clock that never steps.
    pub(super) instant: Instant,
}

impl Handover {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, came: Arc::default() }
    }

    /// A request body that tells this handover.
    pub(super) fn body(&self, bytes: Bytes) -> reqwest::Body {
        reqwest::Body::wrap(Watched { bytes, handover: self.clone() })
    }

    /// When it came. `None`: nothing was written.
    pub(super) fn sent(&self) -> Option<Sent> {
        self.came.get().copied()
    }

    fn comes(&self) {
        self.came.get_or_init(|| Sent { at: self.clock.now(), instant: self.clock.monotonic() });
    }
}

struct Watched {
    bytes: Bytes,
    handover: Handover,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.handover.comes();
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.handover.comes();
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
