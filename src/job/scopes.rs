//! `scopes`, and the other texts that go into a run token.

use toml::de::DeValue;

use super::{
    Auth, RunTokens, Target,
    finding::{At, Notes},
    reader::{Field, Found, clip, describe},
    suggest::nearest,
};

/// A text of visible ASCII: it travels in a token, and apps compare it byte by byte.
pub(super) fn visible<'a>(field: &Field<'a>, example: &str, notes: &mut Notes) -> Option<Found<&'a str>> {
    let text = field.text(notes, &format!("a text such as {example}"))?;
    if is_visible(text.value) {
        return Some(text);
    }
    notes
        .error(&text.at, format!("`{} = \"{}\"` is not visible ASCII without spaces", field.key, clip(text.value)))
        .help(format!("write {} = {example}", field.key));
    None
}

pub(super) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `scopes`: a list of names, each a scope token of RFC 6749, section 3.3. In the token a space parts them.
pub(super) fn list(field: &Field, notes: &mut Notes) -> Option<Found<Vec<Found<String>>>> {
    const WANTED: &str = "a list such as [\"sync:run\"]";
    let DeValue::Array(items) = field.node.value.get_ref() else {
        field.wrong_type(notes, WANTED);
        return None;
    };
    let scopes: Vec<_> = items
        .iter()
        .map(|item| {
            let at = At { file: field.node.file, span: item.span() };
            match item.get_ref() {
                DeValue::String(text) if is_scope(text) => Some(Found { value: text.to_string(), at }),
                other => {
                    notes
                        .error(&at, format!("`scopes` cannot hold {}", describe(other)))
                        .help(format!("write {WANTED}: visible ASCII without spaces, quotes and backslashes"));
                    None
                }
            }
        })
        .collect();
    Some(Found { value: scopes.into_iter().collect::<Option<_>>()?, at: field.at() })
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// What the tokens of a job allow: its own scopes, else those of `[defaults]`, else those of its target; always within
/// the last. `[defaults]` say nothing to targets that take no run tokens.
pub(super) fn of_job(
    own: Option<&Found<Vec<Found<String>>>>,
    defaults: Option<&Found<Vec<Found<String>>>>,
    target: &Target,
    notes: &mut Notes,
) -> Vec<String> {
    let Auth::RunToken(RunTokens { scopes: granted, .. }) = &target.auth else {
        if let Some(own) = own {
            let (name, word) = (&target.name, target.auth.word());
            notes
                .error(&own.at, format!("`scopes` does nothing: target `{name}` has auth = \"{word}\""))
                .help("take it out, or give the job a target with auth = \"run-token\"");
        }
        return Vec::new();
    };
    let Some(wanted) = own.or(defaults) else { return granted.clone() };
    for scope in wanted.value.iter().filter(|scope| !granted.contains(&scope.value)) {
        beyond(scope, granted, target, notes);
    }
    wanted.value.iter().map(|scope| scope.value.clone()).collect()
}

fn beyond(scope: &Found<String>, granted: &[String], target: &Target, notes: &mut Notes) {
    let known: Vec<&str> = granted.iter().map(String::as_str).collect();
    let near = nearest(&scope.value, &known).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let name = &target.name;
    notes
        .error(&scope.at, format!("the scope `{}` is not one of target `{name}`", clip(&scope.value)))
        .help(format!("{near}scopes of [targets.{name}]: {known}"));
}
