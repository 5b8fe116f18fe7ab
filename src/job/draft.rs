//! The keys of `[defaults]` and `[jobs.*]`, read but not yet put together.

use std::time::Duration;

use chrono_tz::Tz;
use toml::de::DeValue;

use super::{
    Body, Call, CatchUp, LoadContext, Overlap, address,
    attachment::Attachments,
    completion::{self, PollDraft},
    expect::{self, ExpectDraft},
    finding::Notes,
    headers::{self, HeaderDraft},
    keys::{self, CompletionWord},
    payload,
    reader::{Field, Found, Node, Section},
    retry::{self, RetryDraft},
    scopes,
    settings::zone,
};
use crate::schedule::{DstOverlap, Gap};

/// What `[defaults]` or a job says; `None` is "not said".
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) target: Option<Found<String>>,
    pub(super) timezone: Option<Tz>,
    pub(super) gap: Option<Gap>,
    pub(super) dst_overlap: Option<DstOverlap>,
    pub(super) jitter: Option<Duration>,
    pub(super) method: Option<String>,
    pub(super) headers: Option<Vec<HeaderDraft>>,
    pub(super) body: Option<Body>,
    pub(super) timeout: Option<Found<Duration>>,
    pub(super) retry: RetryDraft,
    pub(super) idempotent: Option<bool>,
    pub(super) overlap: Option<Found<Overlap>>,
    pub(super) group: Option<Found<String>>,
    pub(super) hold: Option<Duration>,
    pub(super) cancel: Option<Found<Call>>,
    pub(super) catch_up: Option<CatchUp>,
    pub(super) catch_up_window: Option<Found<Duration>>,
    pub(super) completion: Option<CompletionWord>,
    pub(super) poll: PollDraft,
    pub(super) expect: ExpectDraft,
    pub(super) scopes: Option<Found<Vec<Found<String>>>>,
    pub(super) enabled: Option<bool>,
    pub(super) run_on_start: Option<bool>,
    pub(super) description: Option<String>,
}

/// Reads the keys that a job and `[defaults]` share.
pub(super) fn draft(section: &Section, attachments: &Attachments, context: &LoadContext, notes: &mut Notes) -> Draft {
    let duration = |key, notes: &mut Notes| section.get(key)?.duration(notes);
    let text = |key, notes: &mut Notes| {
        let found = section.get(key)?.text(notes, "a string")?;
        Some(Found { value: found.value.to_owned(), at: found.at })
    };
    let flag = |key, notes: &mut Notes| section.get(key)?.boolean(notes).map(|found| found.value);
    let dst = section.get("dst").and_then(|field| Section::of(&field, keys::DST, notes));
    let in_dst = |key| dst.as_ref().and_then(|dst| dst.get(key));
    Draft {
        target: text("target", notes),
        timezone: section.get("timezone").and_then(|field| zone(&field, notes)).map(|zone| zone.value),
        gap: in_dst("gap").and_then(|field| field.word(keys::GAP, notes)).map(|gap| gap.value),
        dst_overlap: in_dst("overlap")
            .and_then(|field| field.word(keys::DST_OVERLAP, notes))
            .map(|overlap| overlap.value),
        jitter: duration("jitter", notes).map(|jitter| jitter.value),
        method: section.get("method").and_then(|field| address::method(&field, notes)).map(|method| method.value),
        headers: section.get("headers").and_then(|field| headers::headers(&field, context, notes)),
        body: payload::body(section, attachments, notes).map(|body| body.value),
        timeout: duration("timeout", notes),
        retry: retry::draft(section.get("retry").as_ref(), notes),
        idempotent: flag("idempotent", notes),
        overlap: section.get("overlap").and_then(|field| field.word(keys::OVERLAP, notes)),
        group: text("group", notes),
        hold: duration("hold", notes).map(|hold| hold.value),
        cancel: section.get("cancel").and_then(|field| completion::cancel(&field, notes)),
        catch_up: section.get("catch_up").and_then(|field| field.word(keys::CATCH_UP, notes)).map(|word| word.value),
        catch_up_window: duration("catch_up_window", notes),
        completion: section
            .get("completion")
            .and_then(|field| field.word(keys::COMPLETION, notes))
            .map(|word| word.value),
        poll: completion::poll(section.get("poll").as_ref(), notes),
        expect: expect::draft(section.get("expect").as_ref(), notes),
        scopes: section.get("scopes").and_then(|field| scopes::list(&field, notes)),
        enabled: flag("enabled", notes),
        run_on_start: flag("run_on_start", notes),
        description: text("description", notes).map(|found| found.value),
    }
}

/// `schedule`: a text or a list of texts, each with its place.
pub(super) fn schedules<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<Vec<Found<&'a str>>> {
    const WANTED: &str = "a schedule such as \"every 15m\", or a list of them";
    let DeValue::Array(items) = field.node.value.get_ref() else {
        return Some(vec![field.text(notes, WANTED)?]);
    };
    if items.is_empty() {
        notes.error(&field.at(), "`schedule` is an empty list").help("enabled = false switches a job off");
        return None;
    }
    let texts: Vec<_> = items
        .iter()
        .map(|value| Field { node: Node { file: field.node.file, value }, ..*field }.text(notes, WANTED))
        .collect();
    texts.into_iter().collect()
}
