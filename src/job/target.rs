//! `[targets.*]`.

use std::sync::Arc;

use super::{
    Auth, JobName, LoadContext, Target, address,
    finding::{At, Notes},
    headers,
    keys::{AUTH, AuthWord},
    reader::{Found, Section, clip},
};

/// The target of jobs that name none.
pub(super) const DEFAULT: &str = "app";

/// Reads one target. `None` when it cannot be used; why is noted.
pub(super) fn target(
    name: &Found<&str>,
    section: &Section,
    context: &LoadContext,
    notes: &mut Notes,
) -> Option<Arc<Target>> {
    let named = JobName::new(name.value);
    if let Err(error) = &named {
        notes.error(&name.at, format!("target {error}"));
    }
    let overrides = context.overrides.base_url.as_ref().filter(|_| name.value == DEFAULT);
    let field = section.get("base_url").filter(|field| overrides.is_none() || !address::is_from_environment(field));
    let base_url = field.and_then(|field| address::base_url(&field, context, notes));
    let base_url = match overrides {
        Some(text) => overriding(text, &name.at, notes),
        None if section.get("base_url").is_none() => {
            if let Some(finding) = notes.absence(&section.at, format!("{} has no `base_url`", clip(&section.title))) {
                finding.help("write base_url = \"http://app:8000\" or base_url = { env = \"APP_URL\" }");
            }
            None
        }
        _ => base_url,
    };
    let auth = auth(section, notes);
    let whoami = section.get("whoami").and_then(|field| address::path(&field, notes));
    let whoami = whoami.map(|path| path.value.to_owned());
    Some(Arc::new(Target { name: named.ok()?.to_string(), base_url: base_url?, auth: auth?, whoami }))
}

/// The target `app` when only `SEXTON_BASE_URL` defines it.
pub(super) fn from_override(context: &LoadContext, notes: &mut Notes) -> Option<Arc<Target>> {
    let text = context.overrides.base_url.as_ref()?;
    let base_url = overriding(text, &At { file: 0, span: 0..0 }, notes)?;
    let auth = Auth::SharedSecret { header: None };
    Some(Arc::new(Target { name: DEFAULT.to_owned(), base_url, auth, whoami: None }))
}

fn overriding(text: &str, at: &At, notes: &mut Notes) -> Option<url::Url> {
    address::checked(text, "SEXTON_BASE_URL", at, notes)
}

fn auth(section: &Section, notes: &mut Notes) -> Option<Auth> {
    let word = match section.get("auth") {
        Some(field) => field.word(AUTH, notes)?.value,
        None => AuthWord::SharedSecret,
    };
    let header = match section.get("header") {
        Some(field) => Some(headers::name(&field, notes)?),
        None => None,
    };
    match (word, header) {
        (AuthWord::None, Some(header)) => {
            notes
                .error(&header.at, "`header` does nothing with auth = \"none\"")
                .help("take one of the two out: header says where the shared secret goes");
            None
        }
        (AuthWord::None, None) => Some(Auth::None),
        (AuthWord::SharedSecret, header) => {
            Some(Auth::SharedSecret { header: header.map(|header| header.value.to_owned()) })
        }
    }
}
