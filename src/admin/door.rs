//! Who may see what is not open to all: whoever shows the admin token; without one configured, only somebody on this
//! very machine who asks by its own name.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};

use crate::secret::SharedSecrets;

/// What a proxy adds, besides `X-Forwarded-*`: the peer is then not who asks.
const FORWARDING: [&str; 3] = ["forwarded", "via", "x-real-ip"];

const ELSEWHERE: &str = "this is open to this machine only, by the names localhost, 127.0.0.1 and [::1] and through no proxy: \
                         set SEXTON_ADMIN_TOKEN (or SEXTON_ADMIN_TOKEN_FILE) and send it as a bearer";
const READ_ONLY: &str = "without an admin token this is read-only: set SEXTON_ADMIN_TOKEN (or SEXTON_ADMIN_TOKEN_FILE) for the \
                         sidecar and send its value as a bearer; the commands of sexton send that of the same variable";
const WRONG_TOKEN: &str = "send the value of SEXTON_ADMIN_TOKEN as `Authorization: Bearer …`";

/// The rule, with the admin token when there is one.
#[derive(Debug)]
pub struct Door {
    token: Option<SharedSecrets>,
}

impl Door {
    /// A door that opens to `token`, or to local readers when there is none.
    #[must_use]
    pub fn new(token: Option<SharedSecrets>) -> Self {
        Self { token }
    }

    /// Whether this request may change something: only with the token, and never where none is configured.
    ///
    /// # Errors
    /// Why not, in words for the asker.
    pub fn may_write(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), &'static str> {
        self.may_read(peer, headers)?;
        self.token.as_ref().map(|_| ()).ok_or(READ_ONLY)
    }

    /// Whether this request may read. `peer` is `None` on a unix socket, which only its owner can open.
    ///
    /// # Errors
    /// Why not, in words for the asker.
    pub fn may_read(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), &'static str> {
        match &self.token {
            Some(token) if bearer(headers).is_some_and(|bearer| token.accept(bearer)) => Ok(()),
            Some(_) => Err(WRONG_TOKEN),
            None if is_local(peer, headers) => Ok(()),
            None => Err(ELSEWHERE),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// A loopback peer that names this machine and came through no proxy: neither a rebound DNS name nor a local proxy's
/// guest passes.
fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let forwarding = |name: &str| FORWARDING.contains(&name) || name.starts_with("x-forwarded-");
    let direct = headers.keys().all(|name| !forwarding(name.as_str()));
    let by_own_name = headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(names_this_machine);
    direct && by_own_name && peer.is_none_or(|peer| peer.ip().to_canonical().is_loopback())
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}
