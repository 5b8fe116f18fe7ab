//! `headers`: names, values, and values from the environment.

use sexton::job::{HeaderText, Overrides, Report};

use super::{APP, line, lines, load_with};

const VALUE: &str = "p4rtner-k3y";

fn environment(name: &str) -> Option<String> {
    match name {
        "PARTNER_KEY" => Some(format!("  {VALUE}\n")),
        "SHORT" => Some("seven77".to_owned()),
        "BLANK" => Some("  ".to_owned()),
        "BROKEN" => Some("two\nlines-of-it".to_owned()),
        "UNICODE" => Some("pärtner-kéy".to_owned()),
        _ => None,
    }
}

/// The headers of a job, secrets exposed for the comparison.
fn headers(written: &str) -> Result<Vec<(String, String, bool)>, Report> {
    let text = format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = {{ {written} }}\n");
    let loaded = load_with(&text, &environment, &Overrides::default())?;
    let headers = loaded.definitions.jobs["a"].headers.iter().map(|(name, text)| match text {
        HeaderText::Plain(text) => (name.clone(), text.clone(), false),
        HeaderText::Secret { text, .. } => (name.clone(), text.expose().to_owned(), true),
    });
    Ok(headers.collect())
}

fn one(name: &str, value: &str, secret: bool) -> Vec<(String, String, bool)> {
    vec![(name.to_owned(), value.to_owned(), secret)]
}

/// Seed E13: a value with `:`, an empty value, a name alone.
#[test]
fn e13_values_with_a_colon_and_headers_without_one() {
    assert_eq!(headers("X-A = \"a: b:c\"").unwrap(), one("X-A", "a: b:c", false));
    assert_eq!(headers("X-A = \"\"").unwrap(), one("X-A", "", false));
    assert!(line(headers("\"X-A: b\" = \"\"")).contains("`X-A: b` is no name of a header"));
    assert!(line(headers("X-A = 1")).contains("the header `X-A` must be a string, found the integer 1"));
    assert!(line(headers("X-A = \"a\\nb\"")).contains("the value of `X-A` cannot travel in a header (character 2)"));
    assert!(line(headers("X-A = \"ä\"")).contains("only visible ASCII"));
}

#[test]
fn headers_keep_the_order_in_which_they_are_written() {
    let names: Vec<String> =
        headers("X-C = \"1\", X-A = \"2\", X-B = \"3\"").unwrap().into_iter().map(|header| header.0).collect();
    assert_eq!(names, ["X-C", "X-A", "X-B"]);
}

#[test]
fn values_from_the_environment_are_trimmed_formatted_and_secret() {
    assert_eq!(headers("X-Key = { env = \"PARTNER_KEY\" }").unwrap(), one("X-Key", VALUE, true));
    let formatted = headers("X-Key = { env = \"PARTNER_KEY\", format = \"Key {}\" }").unwrap();
    assert_eq!(formatted, one("X-Key", "Key p4rtner-k3y", true));
    let shown = headers("X-Key = { env = \"PARTNER_KEY\", secret = false }").unwrap();
    assert_eq!(shown, one("X-Key", VALUE, false));
    assert_eq!(headers("X-Key = { env = \"SHORT\", secret = false }").unwrap(), one("X-Key", "seven77", false));
}

/// Seed D7: an optional header is sent only when its variable is set.
#[test]
fn optional_headers_are_left_out_when_unset_or_blank() {
    assert!(headers("X-Org = { env = \"ORG\", optional = true }").unwrap().is_empty());
    assert!(headers("X-Org = { env = \"BLANK\", optional = true }").unwrap().is_empty());
    assert!(line(headers("X-Org = { env = \"ORG\", optional = false }")).contains("`ORG` is unset or empty"));
    assert!(line(headers("X-Org = { env = \"BLANK\" }")).contains("`BLANK` is unset or empty"));
}

#[test]
fn variables_that_cannot_be_used_are_named_and_never_shown() {
    for (written, said) in [
        ("{ env = \"SHORT\" }", "the value of `SHORT` has 7 characters, too few to be blacked out"),
        ("{ env = \"BROKEN\" }", "the value of `BROKEN` cannot travel in a header (character 4)"),
        ("{ env = \"UNICODE\", secret = false }", "the value of `UNICODE` cannot travel in a header"),
        ("{ env = \"SCHEDULER_API_TOKEN_FILE\" }", "`SCHEDULER_API_TOKEN_FILE` is read by Sexton itself"),
        ("{ env = \"SEXTON_ADMIN_TOKEN\" }", "`SEXTON_ADMIN_TOKEN` is read by Sexton itself"),
        ("{ env = \"sexton_url\" }", "`sexton_url` is read by Sexton itself"),
        ("{ env = \"A=B\" }", "is not the name of an environment variable"),
        ("{ env = \"\" }", "is not the name of an environment variable"),
        ("{ env = 1 }", "`env` must be the name of an environment variable, found the integer 1"),
        ("{ }", "the header `X-Key` names no variable"),
        ("{ env = \"PARTNER_KEY\", format = \"Key\" }", "`format = \"Key\"` must hold {} exactly once"),
        ("{ env = \"PARTNER_KEY\", format = \"{}{}\" }", "must hold {} exactly once"),
        ("{ env = \"PARTNER_KEY\", secret = \"no\" }", "`secret` must be true or false"),
        ("{ environment = \"PARTNER_KEY\" }", "unknown key `environment`"),
    ] {
        let told = lines(headers(&format!("X-Key = {written}"))).join("\n");
        assert!(told.contains(said), "{written}: {told}");
        for value in [VALUE, "seven77", "lines-of-it", "rtner-k"] {
            assert!(!told.contains(value), "{written} shows a value: {told}");
        }
    }
}

/// Names are compared without case, as HTTP does.
#[test]
fn headers_that_a_job_may_not_set() {
    for name in ["Host", "content-length", "Sexton-Run", "SEXTON-anything", "Idempotency-Key", "Transfer-Encoding"] {
        assert!(line(headers(&format!("{name} = \"x\""))).contains("is set by Sexton itself"), "{name}");
    }
    assert!(line(headers("authorization = \"x\"")).contains("belongs to the credential of target `app`"));
    let twice = line(headers("X-Org = \"a\", x-org = \"b\""));
    assert!(
        twice.starts_with("jobs.toml:6:26: error: the header `x-org` is set twice (first at jobs.toml:6:13)"),
        "{twice}"
    );
}

#[test]
fn authorization_is_free_without_a_credential_and_taken_with_one() {
    let load = |auth: &str, header: &str| {
        let text = format!(
            "[targets.app]\nbase_url = \"http://app\"\n{auth}\n[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n\
             headers = {{ {header} = \"x\" }}\n"
        );
        load_with(&text, &environment, &Overrides::default())
    };
    assert!(load("auth = \"none\"", "Authorization").is_ok());
    assert!(load("header = \"X-Api-Key\"", "X-Other").is_ok());
    assert!(line(load("header = \"X-Api-Key\"", "x-api-key")).contains("belongs to the credential"));
    assert!(line(load("header = \"X-Api-Key\"", "Authorization")).contains("belongs to the credential"));
    assert!(line(load("header = \"X Api Key\"", "X-A")).contains("is no name of a header"));
}

/// Guarantee G5: a secret does not show in the debug output of what was loaded.
#[test]
fn a_loaded_secret_cannot_be_printed() {
    let text = format!(
        "{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = {{ X-Key = {{ env = \"PARTNER_KEY\" }} }}\n"
    );
    let loaded = load_with(&text, &environment, &Overrides::default()).unwrap();
    assert!(!format!("{loaded:?}").contains(VALUE));
}
