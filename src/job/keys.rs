//! The keys of every table of `jobs.toml`: what the reader accepts, what messages list and what the JSON Schema says.

use std::time::Duration;

use super::{
    duration::LONGEST,
    policy::{CatchUp, Overlap},
};
use crate::schedule::{DstOverlap, Gap};

/// One key of a table.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) form: Form,
    /// What it does, for editors that show the schema.
    pub(super) about: &'static str,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Any string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number between two bounds, both included.
    Count(u32, u32),
    /// A number, with or without a fraction, between two bounds, both included.
    Number(f64, f64),
    /// A duration between two bounds, both included.
    Duration(Bounds),
    /// One of a closed list.
    Word(fn() -> Vec<&'static str>),
    /// An IANA time zone.
    Zone,
    /// The name of a target.
    Target,
    /// The name of a group.
    Group,
    /// An http or https address or a socket, or the environment variable that holds it.
    Address,
    /// An http or https address, or the environment variable that holds it.
    Proxy,
    /// A path on a target.
    Path,
    /// A path on a target, in which each `{name}` is filled from an answer.
    Template,
    /// `location`, or such a path.
    PollUrl,
    /// The absolute path of a file.
    File,
    /// The path of a file under the folder of jobs.toml.
    Beside,
    /// A text of visible ASCII.
    Visible,
    /// Names of rights, as OAuth writes them.
    Scopes,
    /// The name of a header.
    HeaderName,
    /// An HTTP method.
    Method,
    /// A schedule or a list of them.
    Schedules,
    /// Any TOML value, sent as JSON.
    Json,
    /// Names of headers and their values.
    Headers,
    /// A table with these keys.
    Table(&'static [Key]),
    /// The statuses that count as success.
    Statuses,
    /// What a failed attempt is made again after.
    RetryOn,
    /// A JSON Pointer.
    Pointer,
    /// JSON Pointers, and the value at each.
    Members,
    /// Texts, at least so many.
    Texts(usize),
    /// The name of an environment variable.
    Variable,
    /// A text with `{}` in it.
    Format,
}

/// The least and the most that a duration may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: Duration,
    pub(super) most: Duration,
}

const fn between(least: u64, most: Duration) -> Form {
    Form::Duration(Bounds { least: Duration::from_secs(least), most })
}

const A_DAY: Duration = Duration::from_secs(86_400);

/// How a request shows who sends it, as `auth` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthWord {
    SharedSecret,
    TokenFile,
    RunToken,
    None,
}

/// When a run is over, as `completion` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompletionWord {
    Response,
    Poll,
}

/// A closed list: each word, and what it stands for.
pub(super) type Words<T> = &'static [(&'static str, T)];

pub(super) const AUTH: Words<AuthWord> = &[
    ("shared-secret", AuthWord::SharedSecret),
    ("token-file", AuthWord::TokenFile),
    ("run-token", AuthWord::RunToken),
    ("none", AuthWord::None),
];
pub(super) const OVERLAP: Words<Overlap> =
    &[("skip", Overlap::Skip), ("queue", Overlap::Queue), ("replace", Overlap::Replace), ("allow", Overlap::Allow)];
pub(super) const CATCH_UP: Words<CatchUp> =
    &[("none", CatchUp::None), ("latest", CatchUp::Latest), ("all", CatchUp::All)];
pub(super) const COMPLETION: Words<CompletionWord> =
    &[("response", CompletionWord::Response), ("poll", CompletionWord::Poll)];
pub(super) const GAP: Words<Gap> = &[("run_after", Gap::RunAfter), ("skip", Gap::Skip)];
pub(super) const DST_OVERLAP: Words<DstOverlap> =
    &[("first", DstOverlap::First), ("second", DstOverlap::Second), ("both", DstOverlap::Both)];

/// The words of a closed list.
pub(super) fn words<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
    list.iter().map(|(word, _)| *word).collect()
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about }
}

/// The tables that a file may hold.
pub(super) const TABLES: &[&str] = &["sexton", "targets", "groups", "defaults", "jobs"];

/// `[sexton]`.
pub(super) const SEXTON: &[Key] = &[
    key("timezone", Form::Zone, "The zone of schedules that name none. Default: UTC."),
    key(
        "startup_grace",
        between(0, A_DAY),
        "How long after its start the sidecar fires nothing; what falls due meanwhile is downtime. Default: 0s.",
    ),
    key("shutdown_grace", between(0, A_DAY), "How long a stop waits for open requests. Default: 30s."),
    key(
        "late_limit",
        between(1, LONGEST),
        "Of what is found due, the newest occurrence within this is sent late; all else is downtime, see catch_up. \
         Default: 60s.",
    ),
    key(
        "max_in_flight",
        Form::Count(1, 100_000),
        "Open requests per target; the rest wait in the order they fell due. Default: 512.",
    ),
    key("history", Form::Table(HISTORY), "How much of what is over the ledger keeps."),
    key(
        "issuer",
        Form::Visible,
        "Who mints the run tokens, such as https://cron.example.org: their `iss`. Needed with auth = \"run-token\".",
    ),
];

/// `history`.
pub(super) const HISTORY: &[Key] = &[
    key("keep", between(3600, LONGEST), "How old a run may become before it is pruned. Default: 90d."),
    key(
        "per_job",
        Form::Count(1, 10_000_000),
        "How many runs of one job are kept, and beside them those that may yet be settled. \
         Default: 10000.",
    ),
];

/// `[groups.NAME]`.
pub(super) const GROUP: &[Key] = &[key(
    "concurrency",
    Form::Count(1, 10_000),
    "How many runs of the jobs in this group may be in flight at once, over all replicas.",
)];

/// `[targets.NAME]`.
pub(super) const TARGET: &[Key] = &[
    key(
        "base_url",
        Form::Address,
        "What the paths of jobs are appended to: http or https, without query, fragment or credentials, or the socket of \
         an app as unix:///run/app.sock. SEXTON_BASE_URL overrides it for the target `app`.",
    ),
    key(
        "auth",
        Form::Word(|| words(AUTH)),
        "How a request shows who sends it: the shared secret of SCHEDULER_API_TOKEN, a token that somebody else keeps \
         fresh in a file, a token minted for each run, or nothing. Default: shared-secret.",
    ),
    key(
        "whoami",
        Form::Path,
        "The path of an authenticated self-check at start, so that a dead secret is found before the first job fails.",
    ),
    key(
        "header",
        Form::HeaderName,
        "The header that carries the bare secret or token. Default: Authorization, as a bearer.",
    ),
    key(
        "token_file",
        Form::File,
        "With auth = \"token-file\": the file with the token, for its owner only (0600). It is read again when the app \
         refuses the token.",
    ),
    key(
        "connect_timeout",
        between(1, Duration::from_secs(300)),
        "How long looking up the name, connecting and the TLS handshake may take, of a job's timeout. Default: 10s.",
    ),
    key(
        "ca_file",
        Form::File,
        "A PEM file of the only authorities that may vouch for an https address. Default: those of the machine, and \
         Mozilla's.",
    ),
    key("client_cert", Form::File, "A PEM file with the certificate that Sexton shows (mutual TLS); with client_key."),
    key("client_key", Form::File, "A PEM file with the private key of client_cert."),
    key(
        "proxy",
        Form::Proxy,
        "An http or https proxy, without credentials. It sees what is sent to a plain http address. Default: none; the \
         environment's are ignored.",
    ),
    key("audience", Form::Visible, "With auth = \"run-token\": the `aud` that the app expects."),
    key(
        "scopes",
        Form::Scopes,
        "With auth = \"run-token\": what the tokens allow. Those of a job must lie within them. Default: none.",
    ),
];

/// `[jobs.NAME]`: the two keys that only a job has come first.
pub(super) const JOB: &[Key] = &[
    key(
        "schedule",
        Form::Schedules,
        "When: cron (`0 3 * * *`), `every 15m`, `daily 03:00`, `weekly mon,thu 05:00`, `monthly 1,15 04:00`, `at` an \
         RFC 3339 instant, or a list of them.",
    ),
    key("path", Form::Path, "The path on the target; starts with / and may carry a query."),
    key("target", Form::Target, "The target to call. Default: app."),
    key("timezone", Form::Zone, "The zone of the schedule. Default: that of [sexton]."),
    key("dst", Form::Table(DST), "What a fixed local time means on the days when the clocks change."),
    key(
        "jitter",
        between(0, A_DAY),
        "Spreads the firings of many jobs: each job comes later than its schedule by a fixed share of this, chosen by its \
         name. Default: 0s.",
    ),
    key("method", Form::Method, "The HTTP method, upper case. Default: POST."),
    key("headers", Form::Headers, "Headers beyond Sexton's own."),
    key("json", Form::Json, "Sent as JSON. Not together with body or body_file."),
    key("body", Form::Text, "Sent as it is. Not together with json or body_file."),
    key(
        "body_file",
        Form::Beside,
        "A file under the folder of jobs.toml, 1 MiB at most, that is sent as it is; as JSON when its name ends in .json. \
         Not together with json or body.",
    ),
    key(
        "timeout",
        between(1, A_DAY),
        "The limit of one attempt, from connecting to the last byte of the answer. Up to 24h. Default: 30s.",
    ),
    key("retry", Form::Table(RETRY), "Whether and how a failed attempt is made again. Default: not at all."),
    key(
        "idempotent",
        Form::Boolean,
        "Whether an attempt of which nobody knows how it ended may be made again. Default: false.",
    ),
    key(
        "overlap",
        Form::Word(|| words(OVERLAP)),
        "What happens to an occurrence while an earlier run may still be running: it is skipped, one waits, it takes the \
         earlier one's place (needs cancel), or it is sent all the same. Default: skip.",
    ),
    key("group", Form::Group, "The group whose limit it shares with other jobs."),
    key(
        "hold",
        between(1, LONGEST),
        "How long an attempt that timed out keeps the job `possibly running`. Default: three times the longer of timeout \
         and poll.timeout.",
    ),
    key("cancel", Form::Table(CANCEL), "How the app is asked to stop a run."),
    key(
        "catch_up",
        Form::Word(|| words(CATCH_UP)),
        "What is sent for occurrences that fell into downtime: none, the newest, or each one after the other, of which at \
         most 100 wait. Default: latest.",
    ),
    key(
        "catch_up_window",
        between(1, LONGEST),
        "How far back in downtime an occurrence is still sent. Default: without limit; 24h with catch_up = \"all\".",
    ),
    key(
        "completion",
        Form::Word(|| words(COMPLETION)),
        "When a run is over: with the answer, or, when that is a 202, with the state that polling finds. Default: \
         response.",
    ),
    key("poll", Form::Table(POLL), "With completion = \"poll\": how a run that the app took on is followed."),
    key("expect", Form::Table(EXPECT), "Which answers are a success. Default: any 2xx."),
    key(
        "scopes",
        Form::Scopes,
        "What its run tokens allow, within the scopes of the target. Default: those of the target.",
    ),
    key("enabled", Form::Boolean, "Whether it fires at all. Default: true."),
    key("run_on_start", Form::Boolean, "Whether it also fires once when the sidecar starts. Default: false."),
    key("description", Form::Text, "For people."),
];

/// `[defaults]`: any key of a job but `schedule` and `path`.
pub(super) const DEFAULTS: &[Key] = JOB.split_at(2).1;

/// `dst`.
pub(super) const DST: &[Key] = &[
    key(
        "gap",
        Form::Word(|| words(GAP)),
        "A local time that is skipped: run at the first instant after the gap, or not. Default: run_after.",
    ),
    key(
        "overlap",
        Form::Word(|| words(DST_OVERLAP)),
        "A local time that comes twice: at which of them. Default: first.",
    ),
];

/// `retry`.
pub(super) const RETRY: &[Key] = &[
    key("attempts", Form::Count(1, 100), "Attempts of one run in all; 1 is no retry. Default: 1."),
    key("initial", between(1, A_DAY), "The wait before the second attempt. Default: 5s."),
    key("factor", Form::Number(1.0, 100.0), "What each wait is multiplied by for the next. Default: 2.0."),
    key("max", between(1, A_DAY), "The longest wait. Default: 5m."),
    key(
        "on",
        Form::RetryOn,
        "What a failed attempt is made again after: \"connect\", classes such as \"5xx\", statuses such as 429. After 408, 502, \
         504 and 524 nobody knows whether it failed: these are made again if the job is `idempotent`, and only then. \
         Default: [\"connect\", \"5xx\", 429].",
    ),
];

/// `cancel`.
pub(super) const CANCEL: &[Key] = &[
    key("method", Form::Method, "The HTTP method, upper case. Default: POST."),
    key(
        "path",
        Form::Template,
        "The path on the target. With completion = \"poll\", each {name} in it is filled from the app's 202.",
    ),
];

/// `poll`.
pub(super) const POLL: &[Key] = &[
    key(
        "url",
        Form::PollUrl,
        "Where the state is: \"location\", as the Location header of the 202 says, or a path such as /api/jobs/{id}, \
         filled from its JSON. Default: location.",
    ),
    key(
        "interval",
        between(1, A_DAY),
        "The wait between two looks, unless the app says otherwise with Retry-After. Default: 2s.",
    ),
    key("state", Form::Pointer, "The JSON Pointer of the state. Default: /status."),
    key("success", Form::Texts(1), "The states of a run that succeeded. Default: [\"done\"]."),
    key("failure", Form::Texts(0), "The states of a run that failed. Default: [\"failed\"]."),
    key("timeout", between(1, LONGEST), "How long the run is followed. Default: 1h."),
    key("progress", Form::Pointer, "The JSON Pointer of what is shown as progress. Default: /progress."),
];

/// `expect`: what an answer must meet, all of it.
pub(super) const EXPECT: &[Key] = &[
    key("status", Form::Statuses, "Statuses such as 204 and classes such as \"2xx\". Default: [\"2xx\"]."),
    key("json", Form::Members, "JSON Pointers and the value at each: { \"/errors\" = 0 }."),
    key("contains", Form::Text, "A text that the body has in it."),
];

/// A header whose value comes from the environment.
pub(super) const HEADER: &[Key] = &[
    key("env", Form::Variable, "The environment variable that holds the value. Sexton's own are refused."),
    key("format", Form::Format, "The header's value, with {} where the variable's goes. Default: {}."),
    key("optional", Form::Boolean, "Whether the header is left out when the variable is unset. Default: false."),
    key("secret", Form::Boolean, "Whether the value is never to be shown; needs 8 characters or more. Default: true."),
];

/// An address from the environment.
pub(super) const ADDRESS: &[Key] =
    &[key("env", Form::Variable, "The environment variable that holds the address. Sexton's own are refused.")];
