//! `completion`, `poll` and `cancel`: how a run that goes on after the answer is followed and stopped.

use std::time::Duration;

use super::{
    Call, Completion, Poll, PollUrl,
    address::{self, has_placeholder},
    draft::Draft,
    finding::{At, Notes},
    keys::{self, CompletionWord},
    pointer::pointer,
    reader::{Field, Found, Section, clip, list},
};

/// What `poll` of a job or of `[defaults]` says.
#[derive(Debug, Default)]
pub(super) struct PollDraft {
    /// Where it is written, when it is.
    at: Option<At>,
    url: Option<PollUrl>,
    interval: Option<Duration>,
    state: Option<String>,
    success: Option<Found<Vec<String>>>,
    failure: Option<Found<Vec<String>>>,
    timeout: Option<Duration>,
    progress: Option<String>,
}

/// Reads `poll`.
pub(super) fn poll(field: Option<&Field>, notes: &mut Notes) -> PollDraft {
    let Some((field, section)) = field.and_then(|field| Some((field, Section::of(field, keys::POLL, notes)?))) else {
        return PollDraft::default();
    };
    let duration = |key, notes: &mut Notes| section.get(key)?.duration(notes).map(|found| found.value);
    let at = |key, notes: &mut Notes| pointer(&section.get(key)?, notes).map(|found| found.value.to_owned());
    PollDraft {
        at: Some(field.at()),
        url: section.get("url").and_then(|field| url(&field, notes)),
        interval: duration("interval", notes),
        state: at("state", notes),
        success: section.get("success").and_then(|field| field.texts("[\"done\"]", notes)),
        failure: section.get("failure").and_then(|field| field.texts("[\"failed\"]", notes)),
        timeout: duration("timeout", notes),
        progress: at("progress", notes),
    }
}

fn url(field: &Field, notes: &mut Notes) -> Option<PollUrl> {
    let text = field.text(notes, "\"location\", or a path such as \"/api/jobs/{id}\"")?;
    if text.value == "location" {
        return Some(PollUrl::Location);
    }
    if !text.value.starts_with('/') && !text.value.contains("://") {
        notes
            .error(&text.at, format!("`url = \"{}\"` is not accepted", clip(text.value)))
            .help("accepted: \"location\", or a path on the target such as \"/api/jobs/{id}\"");
        return None;
    }
    address::template(field, notes).map(|path| PollUrl::Template(path.value.to_owned()))
}

/// Reads `cancel`; its place is that of its path.
pub(super) fn cancel(field: &Field, notes: &mut Notes) -> Option<Found<Call>> {
    let section = Section::of(field, keys::CANCEL, notes)?;
    let method = match section.get("method") {
        Some(field) => address::method(&field, notes).map(|found| found.value),
        None => Some("POST".to_owned()),
    };
    let Some(path) = section.get("path") else {
        notes
            .error(&section.at, "`cancel` has no `path`")
            .help("write cancel = { method = \"POST\", path = \"/api/sync/cancel\" }");
        return None;
    };
    let path = address::template(&path, notes)?;
    Some(Found { value: Call { method: method?, path: path.value.to_owned() }, at: path.at })
}

/// A job's own keys before those of `[defaults]`. What would do nothing, or cannot be told apart, is noted.
pub(super) fn completion(own: &Draft, defaults: &Draft, notes: &mut Notes) -> Completion {
    let word = own.completion.or(defaults.completion).unwrap_or(CompletionWord::Response);
    let (mine, theirs) = (&own.poll, &defaults.poll);
    if word == CompletionWord::Response {
        if let Some(at) = &mine.at {
            notes
                .error(at, "`poll` does nothing with completion = \"response\"")
                .help("write completion = \"poll\", or take poll out");
        }
        return Completion::Response;
    }
    let (success, failure) =
        (mine.success.as_ref().or(theirs.success.as_ref()), mine.failure.as_ref().or(theirs.failure.as_ref()));
    let states = |found: Option<&Found<Vec<String>>>, unset: &str| {
        found.map_or_else(|| vec![unset.to_owned()], |found| found.value.clone())
    };
    let poll = Poll {
        url: mine.url.clone().or_else(|| theirs.url.clone()).unwrap_or(PollUrl::Location),
        interval: mine.interval.or(theirs.interval).unwrap_or(Duration::from_secs(2)),
        state: mine.state.clone().or_else(|| theirs.state.clone()).unwrap_or_else(|| "/status".to_owned()),
        success: states(success, "done"),
        failure: states(failure, "failed"),
        timeout: mine.timeout.or(theirs.timeout).unwrap_or(Duration::from_secs(3600)),
        progress: mine.progress.clone().or_else(|| theirs.progress.clone()).unwrap_or_else(|| "/progress".to_owned()),
    };
    let both: Vec<&str> =
        poll.failure.iter().filter(|state| poll.success.contains(state)).map(String::as_str).collect();
    if let Some(Found { at, .. }) = failure.or(success).filter(|_| !both.is_empty()) {
        let both = list(&both);
        notes.error(at, format!("a run in state {both} would be both a success and a failure")).help("take one out");
    }
    Completion::Poll(poll)
}

/// Notes a `{name}` that nothing could fill: only the answer to a job that polls has members.
pub(super) fn fillable(title: &str, cancel: Option<&Found<Call>>, completion: &Completion, notes: &mut Notes) {
    let template = cancel.filter(|cancel| has_placeholder(&cancel.value.path) && completion.poll().is_none());
    if let Some(cancel) = template {
        notes
            .error(
                &cancel.at,
                format!("the path of `cancel` of {title} is filled from a 202, which only poll waits for"),
            )
            .help("write completion = \"poll\", or a path without {…}");
    }
}
