//! What would be sent, for people: `sexton fire --dry-run`.

use std::fmt::Write;

use reqwest::header::HeaderValue;

use super::{
    Dispatcher, Order,
    dispatcher::secret_headers,
    request::{Call, request_line},
};
use crate::{job::Auth, secret::Secret};

/// In place of every secret.
const REDACTED: &str = "[redacted]";

impl Dispatcher {
    /// The request of `order` as it would be sent, line by line, without its secrets; at most 8 KiB of it. Nothing is sent,
    /// and no credential is asked for.
    ///
    /// # Errors
    /// In words: no request can be made of the definition.
    pub fn preview(&self, order: &Order) -> Result<String, String> {
        let job = &order.job;
        let stand_in = (job.target.auth != Auth::None).then(|| Secret::new(REDACTED.to_owned()));
        let call = Call::of_order(order, stand_in.as_ref(), self.entropy).map_err(|error| error.to_string())?;
        let text = format!("{}\n{}", request_line(job), in_words(&call));
        // A secret may also stand where no header hides it: in a body, or in the path.
        Ok(self.redactor(&job.target, secret_headers(job)).excerpt(text.as_bytes()).unwrap_or_default())
    }
}

fn in_words(call: &Call) -> String {
    let mut text = String::new();
    for (name, value) in &call.headers {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name}: {}", shown(value));
    }
    if !call.body.is_empty() {
        let _ = write!(text, "\n{}", String::from_utf8_lossy(&call.body));
    }
    text
}

fn shown(value: &HeaderValue) -> String {
    match (value.is_sensitive(), value.as_bytes().starts_with(b"Bearer ")) {
        (true, true) => format!("Bearer {REDACTED}"),
        (true, false) => REDACTED.to_owned(),
        (false, _) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    }
}
