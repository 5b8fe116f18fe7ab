//! An HTTP call that a command line makes, and the job it becomes.

use std::time::Duration;

use toml_edit::{InlineTable, Value};
use url::Url;

use super::{
    file::quoted,
    shell::{Piece, Word, literal},
};
use crate::job::{address::path_fault, edit::from_json, format_duration};

/// What curl or wget is told to do.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) method: Option<String>,
    pub(super) url: Option<Word>,
    pub(super) headers: Vec<(String, Word)>,
    /// Parts of the body, to be joined with `&`.
    pub(super) data: Vec<String>,
    /// `-G`: the data goes into the query.
    pub(super) data_in_query: bool,
    pub(super) timeout: Option<Duration>,
    /// It shows a bearer.
    pub(super) bearer: bool,
    /// What does not carry over.
    pub(super) lost: Vec<String>,
}

/// Why a call cannot become a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// A call as a job has it.
#[derive(Debug)]
pub(super) struct Request {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// The host, for a name.
    pub(super) host: String,
    pub(super) path: String,
    /// Its keys beyond schedule and path.
    pub(super) keys: Vec<(&'static str, Value)>,
    pub(super) bearer: bool,
    pub(super) lost: Vec<String>,
}

impl Call {
    /// Notes a header as `Name: value`; a bearer is not kept.
    pub(super) fn header(&mut self, word: &Word) {
        let Some((name, value)) = split_header(word) else {
            self.lost.push("a header without a name".to_owned());
            return;
        };
        let start = value.iter().find_map(|piece| match piece {
            Piece::Text(text) => Some(text.to_ascii_lowercase()),
            Piece::Variable(_) => None,
        });
        if !name.eq_ignore_ascii_case("authorization") {
            self.headers.push((name, value));
        } else if start.is_some_and(|start| start.starts_with("bearer")) {
            self.bearer = true;
        } else {
            self.credential("its Authorization header");
        }
    }

    /// Notes a credential that Sexton has no place for. It is not kept.
    pub(super) fn credential(&mut self, what: &str) {
        self.lost.push(format!(
            "{what}, which holds a credential: give the job headers = {{ Authorization = {{ env = \"…\" }} }} and a \
             target with auth = \"none\""
        ));
    }

    /// The job that makes this call. `variables` are those that the crontab sets.
    pub(super) fn request(mut self, variables: &dyn Fn(&str) -> Option<String>) -> Result<Request, Refused> {
        let word = self.url.take().ok_or_else(|| Refused("a call without an address".to_owned()))?;
        let mut url = address(&word, variables)?;
        if !url.username().is_empty() || url.password().is_some() {
            self.credential("the user name in its address");
        }
        if self.data_in_query && !self.data.is_empty() {
            let query: Vec<&str> = url.query().into_iter().chain(self.data.iter().map(String::as_str)).collect();
            let query = query.join("&");
            url.set_query(Some(&query));
            self.data.clear();
        }
        if let Some((key, _)) = url.query_pairs().find(|(key, _)| is_secret_parameter(key)) {
            let what =
                format!("a call whose query holds a secret ({}): let the app take it from a header", quoted(&key));
            return Err(Refused(what));
        }
        let origin = url.origin().ascii_serialization();
        let host = url.host_str().unwrap_or_default().to_owned();
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let plain = format!("/{}", path.trim_start_matches('/'));
        if plain != path {
            self.lost.push("the second `/` at the beginning of its path".to_owned());
        }
        let path = plain;
        if let Some((why, _)) = path_fault(&path) {
            return Err(Refused(format!("a call whose path {why}")));
        }
        let mut keys = vec![("method", self.verb().into())];
        keys.extend(self.body());
        keys.extend(self.header_table(variables).map(|table| ("headers", Value::InlineTable(table))));
        keys.extend(self.timeout.map(|timeout| ("timeout", format_duration(timeout).into())));
        Ok(Request { origin, host, path, keys, bearer: self.bearer, lost: self.lost })
    }

    fn verb(&self) -> String {
        let usual = if self.data.is_empty() { "GET" } else { "POST" };
        self.method.as_deref().unwrap_or(usual).to_ascii_uppercase()
    }

    /// `json` when it is said to be JSON and is; else `body`, with the content type that curl would send.
    fn body(&mut self) -> Option<(&'static str, Value)> {
        if self.data.is_empty() {
            return None;
        }
        let text = self.data.join("&");
        let content_type = self.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let said = content_type.and_then(|index| literal(&self.headers[index].1));
        let is_json = said.as_deref().is_some_and(|said| said.trim().starts_with("application/json"));
        let json = serde_json::from_str(&text).ok().filter(|_| is_json).and_then(|json| from_json(json).ok());
        match (json, content_type) {
            (Some(json), Some(index)) => {
                self.headers.remove(index);
                Some(("json", json))
            }
            (_, Some(_)) => Some(("body", text.into())),
            (_, None) => {
                let form = vec![Piece::Text("application/x-www-form-urlencoded".to_owned())];
                self.headers.push(("Content-Type".to_owned(), form));
                Some(("body", text.into()))
            }
        }
    }

    /// Headers as `jobs.toml` has them. What looks like a secret, or is a variable, comes from the environment.
    fn header_table(&mut self, variables: &dyn Fn(&str) -> Option<String>) -> Option<InlineTable> {
        let mut table = InlineTable::new();
        for (name, word) in std::mem::take(&mut self.headers) {
            if let Some(text) = resolved(&word, variables).filter(|_| !is_secret(&name)) {
                table.insert(&name, text.trim().into());
                continue;
            }
            let named = || is_secret(&name).then(|| (variable_name(&name), "{}".to_owned()));
            let Some((variable, format)) = one_variable(&word).or_else(named) else {
                self.lost.push(format!("its header {name}, which needs more than one variable"));
                continue;
            };
            let variable = not_our_own(&variable);
            let what = format!("the value of its header {name}: set {variable} for sexton, then take `optional` out");
            self.lost.push(what);
            table.insert(&name, from_environment(&variable, &format));
        }
        (!table.is_empty()).then_some(table)
    }
}

fn split_header(word: &Word) -> Option<(String, Word)> {
    let Some((Piece::Text(first), rest)) = word.split_first() else { return None };
    let (name, start) = first.split_once([':', ';'])?;
    let mut value = vec![Piece::Text(start.trim_start().to_owned())];
    value.extend(rest.iter().cloned());
    Some((name.trim().to_owned(), value)).filter(|(name, _)| !name.is_empty())
}

fn address(word: &Word, variables: &dyn Fn(&str) -> Option<String>) -> Result<Url, Refused> {
    let Some(text) = resolved(word, variables) else {
        return Err(Refused("a call whose address needs a variable that is not set in the file".to_owned()));
    };
    if text.contains(['{', '[']) && !text.contains("://[") {
        return Err(Refused("a call whose address is a pattern".to_owned()));
    }
    let with_scheme = if text.contains("://") { text } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| Refused("a call whose address is not one of http or https".to_owned()))
}

/// A word with its variables filled in; `None` when one is unknown.
pub(super) fn resolved(word: &[Piece], variables: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    word.iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Variable(name) => variables(name),
        })
        .collect()
}

/// The only variable of a word, and the word with `{}` in its place.
fn one_variable(word: &Word) -> Option<(String, String)> {
    let mut variables = word.iter().filter_map(|piece| match piece {
        Piece::Variable(name) => Some(name.clone()),
        Piece::Text(_) => None,
    });
    let only = variables.next().filter(|_| variables.next().is_none())?;
    let format: String = word
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Variable(_) => "{}",
        })
        .collect();
    (format.matches("{}").count() == 1).then(|| (only, format.trim().to_owned()))
}

/// `optional`, so that the file can be checked and used before the variable is set.
fn from_environment(variable: &str, format: &str) -> Value {
    let mut table = InlineTable::new();
    table.insert("env", variable.into());
    if format != "{}" {
        table.insert("format", format.into());
    }
    table.insert("optional", true.into());
    Value::InlineTable(table)
}

/// Variables that Sexton reads itself may not be named in a file.
fn not_our_own(variable: &str) -> String {
    let upper = variable.to_ascii_uppercase();
    let own = ["SCHEDULER_API_TOKEN", "SEXTON_"].iter().any(|own| upper.starts_with(own));
    if own { format!("APP_{variable}") } else { variable.to_owned() }
}

fn variable_name(header: &str) -> String {
    header.to_ascii_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Whether a parameter of this name usually holds a secret. Stricter than [`is_secret`]: it may be an `author`.
fn is_secret_parameter(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "key" | "auth" | "sig" | "signature" | "code")
        || ["token", "secret", "password", "apikey", "api_key", "api-key"].iter().any(|ending| lower.ends_with(ending))
}

/// Whether a header (or a comment) that holds one of these words may hold a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["key", "token", "secret", "auth", "cookie", "password", "signature"].iter().any(|word| lower.contains(word))
}
