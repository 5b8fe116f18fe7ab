//! Names of the headers that Sexton sends with every request of a job. Lower case, as HTTP/2 and `http` want them.

/// `"<run id>"`, in quotes, the same over all attempts of a run (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The job's name.
pub const JOB: &str = "sexton-job";
/// The run's id, a UUIDv7.
pub const RUN: &str = "sexton-run";
/// The nominal instant, RFC 3339 in UTC with `Z`.
pub const SCHEDULED_FOR: &str = "sexton-scheduled-for";
/// The number of this attempt within its run, from 1.
pub const ATTEMPT: &str = "sexton-attempt";
/// A number per job that only grows; an app that remembers the highest can refuse a late, lower one.
pub const FENCE: &str = "sexton-fence";
/// Why the run exists: `schedule`, `catch_up`, `manual`, `startup` or `backfill`.
pub const TRIGGER: &str = "sexton-trigger";
/// After how many seconds the sidecar gives up on this attempt.
pub const TIMEOUT: &str = "sexton-timeout";
/// An id that both halves log (seed A42).
pub const REQUEST_ID: &str = "x-request-id";
/// W3C Trace Context, version 00.
pub const TRACEPARENT: &str = "traceparent";
