//! Which tokens see and sync which marketplaces.

use super::name::Name;
use crate::{auth::Principal, protocol::Problem};

/// The scope to see them.
pub(super) const READ: &[&str] = &["marketplaces:read"];
/// The scope to bring them up to date.
const SYNC: &[&str] = &["sync:run"];
/// What a token that is bound to some marketplaces lists as `marketplace:NAME`.
const KIND: &str = "marketplace";
/// What it would have to list to reach all of them.
const ALL: &str = "_all";

/// Passes who may sync the marketplace of a name, or without one all of them: by a request or by a job.
pub(in crate::reference_app) fn may_sync(who: &Principal, name: Option<&str>) -> Result<(), Problem> {
    who.require(SYNC)?;
    who.require_within(KIND, name.unwrap_or(ALL))
}

/// Whether a token that is bound to some marketplaces is to this one.
pub(super) fn may_see(who: &Principal, name: &Name) -> bool {
    [ALL, name.as_str()].iter().any(|listed| who.require_within(KIND, listed).is_ok())
}
