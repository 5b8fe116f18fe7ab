//! What a curl command line asks for (curl's manual, `curl --help all`).

use std::time::Duration;

use super::{
    call::{Call, Refused, resolved},
    shell::{Piece, Word, literal},
};

/// Options that take a value and say nothing about the request.
const VALUE_IGNORED: &[&str] = &[
    "-o",
    "--output",
    "-w",
    "--write-out",
    "-D",
    "--dump-header",
    "-c",
    "--cookie-jar",
    "--stderr",
    "--trace",
    "--trace-ascii",
    "--limit-rate",
    "-y",
    "-Y",
    "--speed-time",
    "--speed-limit",
    "--keepalive-time",
    "--max-filesize",
];

/// Options that take a value and have no counterpart.
const VALUE_LOST: &[&str] = &[
    "--connect-timeout",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "-x",
    "--proxy",
    "--cacert",
    "--capath",
    "--interface",
    "--resolve",
    "--connect-to",
    "--unix-socket",
    "--max-redirs",
    "-K",
    "--config",
    "--dns-servers",
];

/// Options that take a value with a credential in it.
const VALUE_CREDENTIAL: &[&str] =
    &["-u", "--user", "-U", "--proxy-user", "-E", "--cert", "--key", "--pass", "--aws-sigv4", "--netrc-file"];

/// Options without a value that have no counterpart.
const FLAG_LOST: &[&str] = &[
    "-L",
    "--location",
    "--location-trusted",
    "-k",
    "--insecure",
    "--retry-all-errors",
    "--retry-connrefused",
    "-n",
    "--netrc",
];

/// Options whose body comes from somewhere that a job cannot reach.
const BODY_FROM_FILE: &[&str] = &["-F", "--form", "--form-string", "-T", "--upload-file"];

/// Short options that take a value.
const SHORT_WITH_VALUE: &str = "AbcdDeEFHKmoTuUwxXyYz";

/// Reads the words behind `curl`. `input` is what the command gets on its standard input.
pub(super) fn curl(
    words: &[Word],
    input: Option<&str>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Call, Refused> {
    let mut call = Call::default();
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        let Some((options, glued)) = options(&word) else {
            address(&mut call, word);
            continue;
        };
        let Some((last, flags)) = options.split_last() else { continue };
        flags.iter().for_each(|flag| apply_flag(&mut call, flag));
        if takes_value(last) {
            let Some(value) = glued.or_else(|| words.next()) else {
                return Err(Refused(format!("a curl command whose {last} has no value")));
            };
            apply(&mut call, last, value, input, variables)?;
        } else {
            apply_flag(&mut call, last);
        }
    }
    Ok(call)
}

fn address(call: &mut Call, word: Word) {
    if call.url.is_none() {
        call.url = Some(word);
    } else {
        call.lost.push("a second address in one command".to_owned());
    }
}

/// The options of a word: one long one, or several short ones glued together, and the value glued to the last.
fn options(word: &Word) -> Option<(Vec<String>, Option<Word>)> {
    let Some((Piece::Text(first), rest)) = word.split_first() else { return None };
    if first.starts_with("--") {
        return Some((vec![first.clone()], None));
    }
    let letters = first.strip_prefix('-').filter(|letters| !letters.is_empty())?;
    let mut options = Vec::new();
    for (index, letter) in letters.char_indices() {
        options.push(format!("-{letter}"));
        if SHORT_WITH_VALUE.contains(letter) {
            let glued = &letters[index + letter.len_utf8()..];
            let mut value: Word = Vec::new();
            if !glued.is_empty() {
                value.push(Piece::Text(glued.to_owned()));
            }
            value.extend(rest.iter().cloned());
            return Some((options, (!value.is_empty()).then_some(value)));
        }
    }
    Some((options, None))
}

fn takes_value(option: &str) -> bool {
    const USED: &[&str] = &[
        "-X",
        "--request",
        "-H",
        "--header",
        "-d",
        "--data",
        "--data-raw",
        "--data-binary",
        "--data-ascii",
        "--data-urlencode",
        "--json",
        "-m",
        "--max-time",
        "-A",
        "--user-agent",
        "-e",
        "--referer",
        "-b",
        "--cookie",
        "--url",
        "--oauth2-bearer",
    ];
    [USED, VALUE_IGNORED, VALUE_LOST, VALUE_CREDENTIAL, BODY_FROM_FILE].iter().any(|list| list.contains(&option))
}

fn apply_flag(call: &mut Call, flag: &str) {
    match flag {
        "-G" | "--get" => call.data_in_query = true,
        "-I" | "--head" => call.method = Some("HEAD".to_owned()),
        _ if FLAG_LOST.contains(&flag) => call.lost.push(format!("curl's {flag}")),
        _ => {}
    }
}

fn apply(
    call: &mut Call,
    option: &str,
    value: Word,
    input: Option<&str>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Refused> {
    let named = |name: &str| [vec![Piece::Text(format!("{name}: "))], value.clone()].concat();
    match option {
        "-X" | "--request" => call.method = resolved(&value, variables),
        "-H" | "--header" => call.header(&value),
        "-A" | "--user-agent" => call.header(&named("User-Agent")),
        "-e" | "--referer" => call.header(&named("Referer")),
        "-b" | "--cookie" => call.header(&named("Cookie")),
        "--oauth2-bearer" => call.bearer = true,
        "--url" => address(call, value),
        "-m" | "--max-time" => call.timeout = seconds(&value),
        "--json" => {
            call.header(&vec![Piece::Text("Content-Type: application/json".to_owned())]);
            call.data.push(data(&value, input, variables)?);
        }
        "--data-urlencode" => call.data.push(encoded(&data(&value, input, variables)?)),
        "--data-raw" => call.data.push(resolved(&value, variables).ok_or_else(needs_variable)?),
        "-d" | "--data" | "--data-binary" | "--data-ascii" => call.data.push(data(&value, input, variables)?),
        _ if BODY_FROM_FILE.contains(&option) => {
            return Err(Refused("a call whose body comes from a file or a form".to_owned()));
        }
        _ if VALUE_CREDENTIAL.contains(&option) => call.credential(&format!("curl's {option}")),
        _ if VALUE_LOST.contains(&option) => call.lost.push(format!("curl's {option}")),
        _ => {}
    }
    Ok(())
}

fn needs_variable() -> Refused {
    Refused("a call whose body needs a variable that is not set in the file".to_owned())
}

fn data(value: &Word, input: Option<&str>, variables: &dyn Fn(&str) -> Option<String>) -> Result<String, Refused> {
    let text = resolved(value, variables).ok_or_else(needs_variable)?;
    match (text.strip_prefix('@'), input) {
        (None, _) => Ok(text),
        (Some("-"), Some(input)) => Ok(input.to_owned()),
        (Some(_), _) => Err(Refused("a call whose body comes from a file".to_owned())),
    }
}

/// `name=content` with the content percent-encoded; `=content` and `content` without a name.
fn encoded(text: &str) -> String {
    let encode = |content: &str| url::form_urlencoded::byte_serialize(content.as_bytes()).collect::<String>();
    match text.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(text),
    }
}

/// Seconds with a fraction, as curl takes them; a part of a second counts as one (seed A29).
pub(super) fn seconds(value: &Word) -> Option<Duration> {
    let seconds: f64 = literal(value)?.trim_end_matches('s').parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds.ceil()).ok()?;
    (1..=86_400).contains(&timeout.as_secs()).then_some(timeout)
}
