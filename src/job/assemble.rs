//! A job from its own keys, `[defaults]` and the built-in defaults.

use std::{borrow::Borrow, collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Body, Call, CatchUp, Job, JobName, LoadContext, Overlap, Settings, Target, address,
    attachment::Attachments,
    completion::{self, completion},
    draft::{Draft, draft, schedules},
    expect::expect,
    finding::Notes,
    group::{self, Groups},
    hash::hash,
    headers::{self, HeaderDraft},
    reader::{Found, Section, clip},
    retry::retry,
    scopes,
    suggest::nearest,
    target::DEFAULT,
    timing::Timing,
};
use crate::schedule::Dst;

/// What every job is put together with.
pub(super) struct Surroundings<'a> {
    pub(super) settings: &'a Settings,
    /// The usable targets, and `None` for those whose errors are noted already.
    pub(super) targets: &'a BTreeMap<String, Option<Arc<Target>>>,
    pub(super) groups: &'a Groups,
    pub(super) defaults: &'a Draft,
    pub(super) attachments: &'a Attachments,
}

/// Reads one job. `None` when it cannot be used; why is noted.
pub(super) fn job(
    name: &Found<&str>,
    section: &Section,
    around: &Surroundings,
    timing: &mut Timing,
    context: &LoadContext,
    notes: &mut Notes,
) -> Option<Job> {
    let own = draft(section, around.attachments, context, notes);
    let defaults = around.defaults;
    let named = JobName::new(name.value);
    if let Err(error) = &named {
        notes.error(&name.at, format!("job {error}"));
    }
    let path = required(section, "path", "path = \"/api/sync\"", notes).and_then(|field| address::path(&field, notes));
    let texts = required(section, "schedule", "schedule = \"every 15m\"", notes);
    let texts = texts.and_then(|field| schedules(&field, notes));
    let zone = own.timezone.or(defaults.timezone).unwrap_or(around.settings.timezone);
    let dst = Dst {
        gap: own.gap.or(defaults.gap).unwrap_or_default(),
        overlap: own.dst_overlap.or(defaults.dst_overlap).unwrap_or_default(),
    };
    let schedule = texts.as_ref().and_then(|texts| timing.schedule(texts, zone, dst, notes));
    let target = target(name, own.target.as_ref().or(defaults.target.as_ref()), around, notes);
    let drafts: &[HeaderDraft] = own.headers.as_ref().or(defaults.headers.as_ref()).map_or(&[], |list| list.as_slice());
    if let Some(target) = &target {
        headers::leave_the_credential_alone(drafts, target, notes);
    }
    let scopes =
        target.as_deref().map(|target| scopes::of_job(own.scopes.as_ref(), defaults.scopes.as_ref(), target, notes));
    let group = group::of_job(own.group.as_ref().or(defaults.group.as_ref()), around.groups, notes);
    let timeout = own.timeout.as_ref().or(defaults.timeout.as_ref());
    let timeout = timeout.map_or(Duration::from_secs(30), |found| found.value);
    let completion = completion(&own, defaults, notes);
    let longest = completion.poll().map_or(timeout, |poll| poll.timeout.max(timeout));
    let cancel = own.cancel.as_ref().or(defaults.cancel.as_ref());
    completion::fillable(&section.title, cancel, &completion, notes);
    let overlap = overlap(&section.title, own.overlap.as_ref().or(defaults.overlap.as_ref()), cancel, notes);
    let (catch_up, catch_up_window) = catch_up(&own, defaults, notes);
    let mut job = Job {
        name: named.ok()?,
        target: target?,
        schedule: schedule?,
        jitter: own.jitter.or(defaults.jitter).unwrap_or_default(),
        method: own.method.or_else(|| defaults.method.clone()).unwrap_or_else(|| "POST".to_owned()),
        path: path?.value.to_owned(),
        headers: drafts.iter().map(|draft| (draft.name.value.clone(), draft.text.clone())).collect(),
        scopes: scopes?,
        timeout,
        retry: retry(&own.retry, &defaults.retry, notes),
        idempotent: own.idempotent.or(defaults.idempotent).unwrap_or(false),
        overlap,
        group: group?,
        hold: own.hold.or(defaults.hold).unwrap_or(longest * 3),
        cancel: cancel.map(|cancel| cancel.value.clone()),
        catch_up,
        catch_up_window,
        completion,
        expect: expect(&own.expect, &defaults.expect),
        run_on_start: own.run_on_start.or(defaults.run_on_start).unwrap_or(false),
        body: own.body.or_else(|| defaults.body.clone()).unwrap_or(Body::Empty),
        enabled: own.enabled.or(defaults.enabled).unwrap_or(true),
        description: own.description.or_else(|| defaults.description.clone()),
        hash: String::new(),
    };
    let identities: Vec<(&str, &str)> =
        drafts.iter().map(|draft| (draft.name.value.as_str(), draft.identity.as_str())).collect();
    job.hash = hash(&job, &identities);
    Some(job)
}

/// To replace a run, the app must be able to stop it.
fn overlap(title: &str, found: Option<&Found<Overlap>>, cancel: Option<&Found<Call>>, notes: &mut Notes) -> Overlap {
    let Some(found) = found else { return Overlap::Skip };
    if found.value == Overlap::Replace
        && cancel.is_none()
        && let Some(finding) =
            notes.absence(&found.at, format!("`overlap = \"replace\"` needs `cancel`: {title} has none"))
    {
        finding.help("add cancel = { method = \"POST\", path = \"/api/sync/cancel\" }, or write skip, queue or allow");
    }
    found.value
}

/// Catching up on everything has an end in any case.
fn catch_up(own: &Draft, defaults: &Draft, notes: &mut Notes) -> (CatchUp, Option<Duration>) {
    let catch_up = own.catch_up.or(defaults.catch_up).unwrap_or(CatchUp::Latest);
    let window = own.catch_up_window.as_ref().or(defaults.catch_up_window.as_ref()).map(|found| found.value);
    match (catch_up, &own.catch_up_window) {
        (CatchUp::None, Some(written)) => {
            notes
                .error(&written.at, "`catch_up_window` does nothing with catch_up = \"none\"")
                .help("take one of the two out; catch_up is latest or all where something is sent");
            (catch_up, None)
        }
        (CatchUp::None, None) => (catch_up, None),
        (CatchUp::Latest, _) => (catch_up, window),
        (CatchUp::All, _) => (catch_up, Some(window.unwrap_or(A_DAY))),
    }
}

const A_DAY: Duration = Duration::from_secs(86_400);

fn required<'a>(
    section: &Section<'a>,
    key: &'static str,
    example: &str,
    notes: &mut Notes,
) -> Option<super::reader::Field<'a>> {
    let field = section.get(key);
    if field.is_none()
        && let Some(finding) = notes.absence(&section.at, format!("{} has no `{key}`", section.title))
    {
        finding.help(format!("add {example}"));
    }
    field
}

fn target(
    job: &Found<&str>,
    named: Option<&Found<String>>,
    around: &Surroundings,
    notes: &mut Notes,
) -> Option<Arc<Target>> {
    let name = named.map_or(DEFAULT, |named| named.value.as_str());
    if let Some(target) = around.targets.get(name) {
        return target.clone();
    }
    let known: Vec<&str> = around.targets.keys().map(Borrow::borrow).collect();
    let at = named.map_or(&job.at, |named| &named.at);
    let message = match named {
        Some(_) => format!("unknown target `{}`", clip(name)),
        None => format!("job `{}` names no target, and there is no target `{DEFAULT}`", clip(job.value)),
    };
    let near = nearest(name, &known).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let known = if known.is_empty() { "there are none yet".to_owned() } else { known.join(", ") };
    if let Some(finding) = notes.absence(at, message) {
        finding.help(format!("{near}targets: {known}; define one with [targets.{DEFAULT}] and base_url"));
    }
    None
}
