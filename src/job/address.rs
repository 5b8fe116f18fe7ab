//! Paths, methods and base addresses: what may stand in a request line.

use url::Url;

use super::{
    LoadContext,
    context::VariableError,
    finding::{At, Notes},
    keys,
    reader::{Field, Found, Section, clip},
};

/// Methods that people write; any other token in upper case is accepted too.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A path on a target, with an optional query (seed A34).
pub(super) fn path<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<Found<&'a str>> {
    let text = field.text(notes, "a path such as \"/api/sync?full=true\"")?;
    let Some((why, help)) = path_fault(text.value) else { return Some(text) };
    notes.error(&text.at, format!("`{} = \"{}\"` {why}", field.key, clip(text.value))).help(help);
    None
}

/// A path on a target in which each `{name}` stands for the member `name` of an answer.
pub(super) fn template<'a>(field: &Field<'a>, notes: &mut Notes) -> Option<Found<&'a str>> {
    let text = path(field, notes)?;
    if placeholders_are_whole(text.value) {
        return Some(text);
    }
    notes
        .error(&text.at, format!("`{} = \"{}\"` has braces without a name in them", field.key, clip(text.value)))
        .help("write /api/jobs/{id}: a name is letters, digits, `_` and `-`; percent-encode a literal brace as %7B or %7D");
    None
}

/// Whether a template has anything to fill.
pub(super) fn has_placeholder(template: &str) -> bool {
    template.contains('{')
}

fn placeholders_are_whole(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default();
    let whole = |part: &str| part.split_once('}').is_some_and(|(name, rest)| is_name(name) && !rest.contains('}'));
    !first.contains('}') && parts.all(whole)
}

/// What is wrong with a path, and what to do. It is appended to the base address, so nothing in it may lead out of that.
pub(super) fn path_fault(text: &str) -> Option<(&'static str, &'static str)> {
    let path = text.split('?').next().unwrap_or_default();
    let dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if text.contains("://") && !text.starts_with('/') {
        return Some(("is an address", "write only the path; the host is the target's base_url"));
    }
    if !text.starts_with('/') {
        return Some(("does not start with `/`", "paths start with `/` and are appended to the target's base_url"));
    }
    if text.starts_with("//") {
        return Some(("starts with `//`", "write one `/`: two would name another host"));
    }
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Some(("holds a space or a control character", "percent-encode it: a space is %20"));
    }
    if text.contains('#') {
        return Some(("holds a fragment", "fragments are never sent; percent-encode a literal `#` as %23"));
    }
    if path.contains('\\') {
        return Some(("holds a backslash", "write `/`, or %5C for a literal backslash"));
    }
    if path.split('/').any(dots) {
        return Some(("holds a `.` or `..` segment", "write the path out in full"));
    }
    None
}

/// A method: an HTTP token (RFC 9110), upper case because methods are compared so.
pub(super) fn method(field: &Field, notes: &mut Notes) -> Option<Found<String>> {
    let text = field.text(notes, "an HTTP method such as \"POST\"")?;
    let upper = text.value.to_ascii_uppercase();
    let help = if text.value.is_empty() || !text.value.bytes().all(is_token) {
        format!("accepted: {} or another method of letters", METHODS.join(", "))
    } else if upper == "CONNECT" || upper == "TRACE" {
        format!("it opens no resource of an app; accepted: {}", METHODS.join(", "))
    } else if text.value != upper {
        format!("did you mean `{upper}`? methods are upper case")
    } else {
        return Some(Found { value: upper, at: text.at });
    };
    notes.error(&text.at, format!("`method = \"{}\"` is no method for a job", clip(text.value))).help(help);
    None
}

/// A byte of an HTTP token (RFC 9110, section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether an address comes from a variable, which need not be set where SEXTON_BASE_URL overrides it.
pub(super) fn is_from_environment(field: &Field) -> bool {
    matches!(field.node.value.get_ref(), toml::de::DeValue::Table(_))
}

/// An address as somebody wrote it down.
pub(super) struct Written {
    /// The address, not checked.
    pub(super) text: String,
    /// What messages call it: its key, and the variable that it came from.
    pub(super) origin: String,
}

/// An address: written, or in an environment variable.
pub(super) fn written(field: &Field, context: &LoadContext, notes: &mut Notes) -> Option<Found<Written>> {
    use toml::de::DeValue;
    let key = field.key;
    match field.node.value.get_ref() {
        DeValue::String(text) => {
            let written = Written { text: text.to_string(), origin: key.to_owned() };
            Some(Found { value: written, at: field.at() })
        }
        DeValue::Table(_) => {
            let section = Section::of(field, keys::ADDRESS, notes)?;
            let Some(env) = section.get("env") else {
                notes
                    .error(&field.at(), format!("`{key}` names no variable"))
                    .help(format!("write {key} = {{ env = \"APP_URL\" }}"));
                return None;
            };
            let name = env.text(notes, "the name of an environment variable")?;
            match context.variable(name.value) {
                Ok(text) => {
                    let origin = format!("{key} from {}", name.value);
                    Some(Found { value: Written { text, origin }, at: name.at })
                }
                Err(error) => {
                    variable_error(&error, "", &name.at, notes);
                    None
                }
            }
        }
        _ => {
            field.wrong_type(notes, "an address such as \"http://app:8000\" or { env = \"APP_URL\" }");
            None
        }
    }
}

/// An address that paths can be appended to. The text stays out of the messages where it may hold credentials.
pub(super) fn checked(text: &str, origin: &str, at: &At, notes: &mut Notes) -> Option<Url> {
    const HELP: &str = "write an address such as http://app:8000 or https://app.example.org/prefix";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) if text.contains('@') => {
            notes.error(at, format!("`{origin}` is no address: {error}")).help(HELP);
            return None;
        }
        Err(error) => {
            notes.error(at, format!("`{origin}`: \"{}\" is no address: {error}", clip(text))).help(HELP);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        notes
            .error(at, format!("`{origin}` holds a user name or password, which would be a secret in the file"))
            .help("take it out; credentials go into SCHEDULER_API_TOKEN, or into a header with { env = \"NAME\" }");
        return None;
    }
    let (why, help) = if !matches!(url.scheme(), "http" | "https") {
        (
            format!("has the scheme `{}`", clip(url.scheme())),
            "begin it with http:// or https://; a base_url may begin with unix://",
        )
    } else if url.query().is_some() || url.fragment().is_some() {
        ("holds a query or a fragment".to_owned(), "queries belong to the paths of jobs")
    } else if text.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
        ("holds a space, a backslash or a control character".to_owned(), HELP)
    } else {
        return Some(url);
    };
    notes.error(at, format!("`{origin}`: \"{}\" {why}", clip(text))).help(help);
    None
}

/// Notes why a variable gave nothing; `or` is what else can be done when it is unset.
pub(super) fn variable_error(error: &VariableError, or: &str, at: &At, notes: &mut Notes) {
    let help = match error {
        VariableError::Name(_) => "names are letters, digits and `_`".to_owned(),
        VariableError::Own(_) => "keep the app's value under a name of its own".to_owned(),
        VariableError::Unset(_) => format!("set it in the environment of sexton{or}"),
    };
    notes.error(at, error.to_string()).help(help);
}
