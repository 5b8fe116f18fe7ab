//! Where an app says that its work can be asked after. What it names is asked with the target's credential, so nothing but
//! the target itself may be named: its origin, below its path prefix (guarantee G5).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::redact::percent_decoded;
use crate::job::{Call, Target};

/// A longer address is no address of work.
const LONGEST: usize = 2048;

/// How long a value in a template may be, in characters.
const LONGEST_VALUE: usize = 128;

/// Everything but the unreserved characters (RFC 3986, 2.3) is escaped, so that a value stays one segment.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why what an app names is not asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "it has no Location header; poll.url = \"location\" follows that, or write a path such as \"/api/jobs/{{id}}\""
    )]
    NoLocation,
    #[error("its Location is longer than {LONGEST} bytes")]
    TooLong,
    #[error("its Location is no address: {0}")]
    NoAddress(#[from] url::ParseError),
    #[error("its Location is {0}, which is not on the target")]
    Elsewhere(String),
    #[error("its Location is {found}, which is not below the path of the target, {prefix}")]
    OutsidePrefix { found: String, prefix: String },
    #[error("its Location holds `.` or `..` segments")]
    Dots,
    #[error("`{{{0}}}` cannot be filled: the answer is no JSON object with that member")]
    NoMember(String),
    #[error("`{{{0}}}` is not filled: its value is neither a text nor a whole number")]
    NoText(String),
    #[error("`{{{0}}}` is not filled: its value is empty, longer than {LONGEST_VALUE} characters, `.` or `..`")]
    NoSegment(String),
    #[error("the address holds a secret of Sexton's")]
    Secret,
}

/// The path on `target`, with its query, that the `Location` of an answer to a request to `asked` means.
pub(super) fn of_location(target: &Target, asked: &Url, location: Option<&str>) -> Result<String, Refused> {
    let location = location.ok_or(Refused::NoLocation)?;
    if location.len() > LONGEST {
        return Err(Refused::TooLong);
    }
    let url = asked.join(location)?;
    let base = &target.base_url;
    let has_userinfo = !url.username().is_empty() || url.password().is_some();
    if url.origin() != base.origin() || has_userinfo {
        return Err(Refused::Elsewhere(without_userinfo(url)));
    }
    let prefix = base.path().trim_end_matches('/');
    let Some(path) = url.path().strip_prefix(prefix).filter(|path| path.starts_with('/')) else {
        return Err(Refused::OutsidePrefix { found: url.path().to_owned(), prefix: prefix.to_owned() });
    };
    // An app that decodes before it routes would see what `%2F` and `%2E` hide.
    let decoded = percent_decoded(path);
    if decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| matches!(segment, b"." | b"..")) {
        return Err(Refused::Dots);
    }
    Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

/// A path with each `{name}` filled with the member `name` of `answer`.
pub(super) fn filled(template: &str, answer: Option<&Value>) -> Result<String, Refused> {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        path.push_str(before);
        path.extend(utf8_percent_encode(&segment(name, answer)?, ESCAPED));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// How `call` is made, as soon as the answer has what its path needs.
pub(super) fn filled_call(call: &Call, answer: Option<&Value>) -> Result<Call, Refused> {
    Ok(Call { method: call.method.clone(), path: filled(&call.path, answer)? })
}

fn segment(name: &str, answer: Option<&Value>) -> Result<String, Refused> {
    let value = answer.and_then(|answer| answer.get(name)).ok_or_else(|| Refused::NoMember(name.to_owned()))?;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return Err(Refused::NoText(name.to_owned())),
    };
    let length = text.chars().count();
    if length == 0 || length > LONGEST_VALUE || text == "." || text == ".." {
        return Err(Refused::NoSegment(name.to_owned()));
    }
    Ok(text)
}

fn without_userinfo(mut url: Url) -> String {
    super::request::strip_userinfo(&mut url);
    url.to_string()
}
