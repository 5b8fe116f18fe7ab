//! `[targets.*]`.

use std::{path::PathBuf, sync::Arc};

use super::{
    Auth, JobName, LoadContext, RunTokens, Settings, Target, Wire, address,
    finding::{At, Notes},
    headers,
    keys::{AUTH, AuthWord},
    reader::{Field, Found, Section, clip},
    scopes,
    wire::{self, Base},
};

/// The target of jobs that name none.
pub(super) const DEFAULT: &str = "app";

/// Reads one target. `None` when it cannot be used; why is noted.
pub(super) fn target(
    name: &Found<&str>,
    section: &Section,
    settings: &Settings,
    context: &LoadContext,
    notes: &mut Notes,
) -> Option<Arc<Target>> {
    let named = JobName::new(name.value);
    if let Err(error) = &named {
        notes.error(&name.at, format!("target {error}"));
    }
    let overrides = context.overrides.base_url.as_ref().filter(|_| name.value == DEFAULT);
    let field = section.get("base_url").filter(|field| overrides.is_none() || !address::is_from_environment(field));
    let base = field.and_then(|field| {
        let Found { value, at } = address::written(&field, context, notes)?;
        wire::base(&value.text, &value.origin, &at, notes)
    });
    let base = match overrides {
        Some(text) => overriding(text, &name.at, notes),
        None if section.get("base_url").is_none() => {
            if let Some(finding) = notes.absence(&section.at, format!("{} has no `base_url`", clip(&section.title))) {
                finding.help("write base_url = \"http://app:8000\" or base_url = { env = \"APP_URL\" }");
            }
            None
        }
        _ => base,
    };
    let wire = base.as_ref().map(|base| wire::wire(section, base, context, notes));
    let auth = auth(section, settings, notes);
    let whoami = section.get("whoami").and_then(|field| address::path(&field, notes));
    let whoami = whoami.map(|path| path.value.to_owned());
    Some(Arc::new(Target { name: named.ok()?.to_string(), base_url: base?.url, auth: auth?, whoami, wire: wire? }))
}

/// The target `app` when only `SEXTON_BASE_URL` defines it.
pub(super) fn from_override(context: &LoadContext, notes: &mut Notes) -> Option<Arc<Target>> {
    let text = context.overrides.base_url.as_ref()?;
    let Base { url: base_url, socket } = overriding(text, &At { file: 0, span: 0..0 }, notes)?;
    let auth = Auth::SharedSecret { header: None };
    let wire = Wire { socket, ..Wire::default() };
    Some(Arc::new(Target { name: DEFAULT.to_owned(), base_url, auth, whoami: None, wire }))
}

fn overriding(text: &str, at: &At, notes: &mut Notes) -> Option<Base> {
    wire::base(text, "SEXTON_BASE_URL", at, notes)
}

fn auth(section: &Section, settings: &Settings, notes: &mut Notes) -> Option<Auth> {
    let (word, at) = match section.get("auth") {
        Some(field) => field.word(AUTH, notes).map(|found| (found.value, found.at))?,
        None => (AuthWord::SharedSecret, section.at.clone()),
    };
    if !only_its_own_keys(word, section, notes) {
        return None;
    }
    let header = match section.get("header") {
        Some(field) => Some(headers::name(&field, notes)?.value.to_owned()),
        None => None,
    };
    match word {
        AuthWord::None => Some(Auth::None),
        AuthWord::SharedSecret => Some(Auth::SharedSecret { header }),
        AuthWord::TokenFile => {
            let field = needed(section, "token_file", "\"/run/sexton/token\"", &at, notes)?;
            Some(Auth::TokenFile { path: absolute(&field, notes)?, header })
        }
        AuthWord::RunToken => run_tokens(section, &at, settings, header, notes).map(Auth::RunToken),
    }
}

/// The keys that only some ways to authenticate have.
const KEYS_OF: [(&str, &[AuthWord], &str); 4] = [
    (
        "header",
        &[AuthWord::SharedSecret, AuthWord::TokenFile, AuthWord::RunToken],
        "header says where the secret or the token goes",
    ),
    ("token_file", &[AuthWord::TokenFile], "token_file goes with auth = \"token-file\""),
    ("audience", &[AuthWord::RunToken], "audience goes with auth = \"run-token\""),
    ("scopes", &[AuthWord::RunToken], "scopes go with auth = \"run-token\""),
];

fn only_its_own_keys(word: AuthWord, section: &Section, notes: &mut Notes) -> bool {
    let written = AUTH.iter().find(|(_, known)| *known == word).map_or("", |(written, _)| written);
    let mut fine = true;
    for (key, words, why) in KEYS_OF {
        if let Some(field) = section.get(key).filter(|_| !words.contains(&word)) {
            notes
                .error(&field.at(), format!("`{key}` does nothing with auth = \"{written}\""))
                .help(format!("take one of the two out: {why}"));
            fine = false;
        }
    }
    fine
}

fn run_tokens(
    section: &Section,
    at: &At,
    settings: &Settings,
    header: Option<String>,
    notes: &mut Notes,
) -> Option<RunTokens> {
    if settings.issuer.is_none()
        && let Some(finding) = notes.absence(at, "run tokens need an `issuer`, and [sexton] has none")
    {
        finding.help("write issuer = \"https://cron.example.org\" under [sexton], or set SEXTON_ISSUER");
    }
    let audience = needed(section, "audience", "\"app\"", at, notes);
    let audience = audience.and_then(|field| scopes::visible(&field, "\"app\"", notes));
    let scopes = match section.get("scopes") {
        Some(field) => scopes::list(&field, notes)?.value.into_iter().map(|scope| scope.value).collect(),
        None => Vec::new(),
    };
    Some(RunTokens { issuer: settings.issuer.clone()?, audience: audience?.value.to_owned(), scopes, header })
}

/// A key that the way to authenticate cannot do without.
fn needed<'a>(
    section: &Section<'a>,
    key: &'static str,
    example: &str,
    at: &At,
    notes: &mut Notes,
) -> Option<Field<'a>> {
    let field = section.get(key);
    if field.is_none()
        && let Some(finding) = notes.absence(at, format!("{} has no `{key}`", clip(&section.title)))
    {
        finding.help(format!("add {key} = {example}"));
    }
    field
}

pub(super) fn absolute(field: &Field, notes: &mut Notes) -> Option<PathBuf> {
    let text = field.text(notes, "the path of a file such as \"/run/sexton/token\"")?;
    let path = PathBuf::from(text.value);
    if path.is_absolute() && !text.value.contains('\0') {
        return Some(path);
    }
    notes.error(&text.at, format!("`{} = \"{}\"` is no absolute path", field.key, clip(text.value))).help(
        "write it from the root, such as /run/sexton/token: a relative one would depend on where sexton is started",
    );
    None
}
