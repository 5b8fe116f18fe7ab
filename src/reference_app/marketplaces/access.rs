//! Which tokens see and sync which marketplaces.

use super::name::Name;
use crate::{auth::Principal, protocol::Problem, reference_app::reach::reaches};

/// The scope to see them.
pub(super) const READ: &[&str] = &["marketplaces:read"];
/// The scope to bring them up to date.
const SYNC: &[&str] = &["sync:run"];
/// What a token that is bound to some marketplaces lists as `marketplace:NAME`.
const KIND: &str = "marketplace";

/// Passes who may sync the marketplace of a name, or without one all of them: by a request or by a job.
pub(in crate::reference_app) fn may_sync(who: &Principal, name: Option<&str>) -> Result<(), Problem> {
    who.require(SYNC)?;
    reaches(who, KIND, name)
}

/// Whether a token that is bound to some marketplaces is to this one.
pub(super) fn may_see(who: &Principal, name: &Name) -> bool {
    reaches(who, KIND, Some(name.as_str())).is_ok()
}
