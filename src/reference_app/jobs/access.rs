//! Who may look after which job.

use axum::http::StatusCode;

use super::{
    kind::{Sources, Work},
    table::Job,
};
use crate::{
    auth::{Kind, Principal},
    protocol::Problem,
    reference_app::{marketplaces, problem::problem, sources},
};

/// The scope to ask for a job.
const ENQUEUE: &str = "jobs:enqueue";
/// The scope to see more of a job than how far it is.
pub(super) const READ: &str = "jobs:read";
/// The scope to cancel a job.
pub(super) const CANCEL: &str = "jobs:cancel";

/// What a service token of group `jobs` may do (seed C2).
pub(in crate::reference_app) const BUNDLE: (&str, [&str; 3]) = ("jobs", [ENQUEUE, READ, CANCEL]);

/// Passes who may ask for jobs at all.
pub(in crate::reference_app) fn may_enqueue(who: &Principal) -> Result<(), Problem> {
    who.require(&[ENQUEUE])
}

/// Passes who may have this done, which takes what it takes where it is asked for directly.
pub(super) fn may_have_done(who: &Principal, work: &Work) -> Result<(), Problem> {
    match work {
        Work::Marketplaces => marketplaces::may_sync(who, None),
        Work::DataRefresh(Sources { sources }) => sources::may_import(who, sources.as_deref()),
    }
}

/// Whether it may see more of the job than how far it is (seed C13).
pub(super) fn may_read(who: &Principal, job: &Job) -> bool {
    who.require(&[READ]).is_ok() && to(who, job).is_ok()
}

/// Passes who may look after the job, besides the scope for what is to be done. Admins and the scheduler: any. A person who
/// is no admin, and has the scope by a token of class `user`: their own. A run's token: what that run asked for. A session's: the one job that it was issued for. A program's: what it
/// asked for, and the jobs that it names as `job:ID` (seeds C6 and C13).
pub(super) fn to(who: &Principal, job: &Job) -> Result<(), Problem> {
    let own = who.email == job.requested_by && who.kind.as_str() == job.requested_as;
    let may = match &who.kind {
        Kind::Service => true,
        Kind::User(_) => who.is_admin() || own,
        Kind::ServiceToken(grant) => own || grant.names("job", &job.id),
        Kind::Session(grant) => grant.names("run", &job.id),
        Kind::Run(_) => job.requested_run.is_some() && job.requested_run.as_deref() == run_of(who),
    };
    if may { Ok(()) } else { Err(problem(StatusCode::FORBIDDEN, "This job is not yours.")) }
}

/// Which columns have which values of the jobs that `who` may see in a list: the same rule, without what a program's token
/// names.
pub(super) fn visible(who: &Principal) -> Vec<(&'static str, &str)> {
    match &who.kind {
        Kind::Service => Vec::new(),
        Kind::User(_) if who.is_admin() => Vec::new(),
        Kind::User(_) | Kind::ServiceToken(_) => {
            vec![("requested_by", who.email.as_str()), ("requested_as", who.kind.as_str())]
        }
        // Both name a run: those without are refused before they come here.
        Kind::Session(grant) => vec![("id", grant.claims().run_id.as_deref().unwrap_or_default())],
        Kind::Run(_) => vec![("requested_run", run_of(who).unwrap_or_default())],
    }
}

/// The run of the scheduler's whose token came.
pub(super) fn run_of(who: &Principal) -> Option<&str> {
    match &who.kind {
        Kind::Run(grant) => grant.claims().run_id.as_deref(),
        _ => None,
    }
}
