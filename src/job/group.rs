//! `[groups.*]`, and the group of a job.

use std::{borrow::Borrow, collections::BTreeMap, sync::Arc};

use super::{
    Group, JobName,
    finding::Notes,
    reader::{Found, Section, clip},
    suggest::nearest,
};

/// The usable groups, and `None` for those whose errors are noted already.
pub(super) type Groups = BTreeMap<String, Option<Arc<Group>>>;

/// Reads one group. `None` when it cannot be used; why is noted.
pub(super) fn group(name: &Found<&str>, section: &Section, notes: &mut Notes) -> Option<Arc<Group>> {
    let named = JobName::new(name.value);
    if let Err(error) = &named {
        notes.error(&name.at, format!("group {error}"));
    }
    let concurrency = section.get("concurrency");
    if concurrency.is_none()
        && let Some(finding) = notes.absence(&section.at, format!("{} has no `concurrency`", clip(&section.title)))
    {
        finding.help("add concurrency = 2: how many runs of its jobs may be in flight at once");
    }
    let concurrency = concurrency.and_then(|field| field.count(notes))?.value;
    Some(Arc::new(Group { name: named.ok()?.to_string(), concurrency }))
}

/// The group that a job names, if any. `None` when it cannot be used; why is noted.
pub(super) fn of_job(named: Option<&Found<String>>, groups: &Groups, notes: &mut Notes) -> Option<Option<Arc<Group>>> {
    let Some(named) = named else { return Some(None) };
    if let Some(group) = groups.get(&named.value) {
        return group.clone().map(Some);
    }
    let known: Vec<&str> = groups.keys().map(Borrow::borrow).collect();
    let near = nearest(&named.value, &known).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let known = if known.is_empty() { "there are none yet".to_owned() } else { known.join(", ") };
    if let Some(finding) = notes.absence(&named.at, format!("unknown group `{}`", clip(&named.value))) {
        finding.help(format!("{near}groups: {known}; define one with [groups.NAME] and concurrency"));
    }
    None
}
