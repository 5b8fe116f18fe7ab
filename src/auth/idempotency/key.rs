//! What a request is known by.

use std::fmt;

use axum::http::{HeaderMap, Method, Uri, header::CONTENT_TYPE};
use ring::digest::{Context, SHA256};

use crate::{
    auth::{Kind, Principal},
    protocol::{Problem, header},
};

/// The longest key: the header's draft leaves it to the server, and a run's id has 36.
const LONGEST: usize = 255;

/// A key, in the space of its principal and endpoint: what one client chose is nothing to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The kind and the id of the principal.
    pub principal: String,
    /// The method and the path.
    pub endpoint: String,
    /// What the header says, without its quotes; of a run's token, unless it is the run's id, within that run.
    pub value: String,
}

/// Where fences grow: a job of a principal's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The kind and the id of the principal.
    pub principal: String,
    /// The job's name.
    pub job: String,
}

/// What was asked: the SHA-256 of query, content type and body.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Key {
    /// The key of a request; `None` when it has none.
    ///
    /// # Errors
    /// 400 for several of them, or one that is empty, too long, or not visible ASCII.
    pub(super) fn of(
        who: &Principal,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Problem> {
        let Some(value) = single(headers, header::IDEMPOTENCY_KEY)? else { return Ok(None) };
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if !(1..=LONGEST).contains(&value.len()) || !value.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) {
            let detail = format!("`Idempotency-Key` is a text of 1 to {LONGEST} visible ASCII characters.");
            return Err(Problem::new(400, "Bad Request", detail));
        }
        let endpoint = format!("{method} {}", uri.path());
        Ok(Some(Self { principal: space(who), endpoint, value: of_its_run(who, value) }))
    }
}

impl Lane {
    /// The job's lane and the fence of a request: of a run's token its own, else what the headers say; `None` when the job
    /// or the fence is not named.
    ///
    /// # Errors
    /// 400 for a fence that is no number.
    pub(super) fn of(who: &Principal, headers: &HeaderMap) -> Result<Option<(Self, u64)>, Problem> {
        if let Kind::Run(grant) = &who.kind {
            let claims = grant.claims();
            let lane = claims.job.clone().map(|job| Self { principal: space(who), job });
            return Ok(lane.zip(claims.fence));
        }
        let (Some(job), Some(fence)) = (single(headers, header::JOB)?, single(headers, header::FENCE)?) else {
            return Ok(None);
        };
        let Ok(fence) = fence.parse() else {
            return Err(Problem::new(400, "Bad Request", "`Sexton-Fence` is a whole number."));
        };
        Ok(Some((Self { principal: space(who), job: job.to_owned() }, fence)))
    }
}

/// The scheduler is one client, whichever credential it came with.
fn space(who: &Principal) -> String {
    match who.kind {
        Kind::Run(_) => format!("service:{}", who.id),
        ref kind => format!("{}:{}", kind.as_str(), who.id),
    }
}

/// A run's token gets no other run's answers (seed C6). The scheduler's own key is the run's id, whatever it comes with.
fn of_its_run(who: &Principal, value: &str) -> String {
    match &who.kind {
        Kind::Run(grant) if grant.claims().run_id.as_deref() != Some(value) => {
            format!("{}/{value}", grant.claims().run_id.as_deref().unwrap_or_default())
        }
        _ => value.to_owned(),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value.trim())),
        _ => Err(Problem::new(400, "Bad Request", format!("`{name}` is to come once, in visible ASCII."))),
    }
}

impl Fingerprint {
    /// Of a request. The parts are told apart by their lengths.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let mut hash = Context::new(&SHA256);
        for part in [uri.query().unwrap_or_default().as_bytes(), content_type, body] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        Self(bytes)
    }

    /// For a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
