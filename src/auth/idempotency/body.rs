//! Bodies that are read up to a bound.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};

/// What was read.
pub(super) enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// More than the bound: the whole body, put together again.
    Longer(Body),
}

/// Reads a body up to `most` bytes. Trailers are let go.
///
/// # Errors
/// It broke off.
pub(super) async fn read(mut body: Body, most: usize) -> Result<Read, Error> {
    let mut bytes = Vec::with_capacity(usize::try_from(body.size_hint().lower()).unwrap_or(most).min(most));
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes.extend_from_slice(&data);
        if bytes.len() > most {
            return Ok(Read::Longer(Body::new(Rejoined { read: Some(bytes.into()), rest: body })));
        }
    }
    Ok(Read::Whole(bytes))
}

/// What was read already, and then the rest.
struct Rejoined {
    read: Option<Bytes>,
    rest: Body,
}

impl HttpBody for Rejoined {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        match self.read.take() {
            Some(read) => Poll::Ready(Some(Ok(http_body::Frame::data(read)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}
