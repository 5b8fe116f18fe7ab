//! What a program's token reaches: what its `resources` list, as `marketplace:tools`, or as `marketplace:_all` for
//! everything of a kind. One that lists nothing reaches nothing (seed C6).

use crate::{auth::Principal, protocol::Problem};

/// The name that stands for everything of a kind.
const ALL: &str = "_all";

/// Passes who may touch what has this name, or without one everything of its kind. A person and the scheduler reach
/// everything; what they may do with it is for scopes and groups to say.
pub(super) fn reaches(who: &Principal, kind: &str, name: Option<&str>) -> Result<(), Problem> {
    who.require_within(kind, ALL).or_else(|refused| match name {
        Some(name) => who.require_within(kind, name),
        None => Err(refused),
    })
}
