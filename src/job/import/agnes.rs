//! The sidecar of agnes: its table of jobs, changed by the environment it ran with (seed A44).

use std::time::Duration;

use toml_edit::{InlineTable, Value};

use super::{
    ImportError, Imported,
    dotenv::{Variable, variables},
    file::{Entry, JobsFile, address},
};
use crate::schedule::{Dst, Schedule, every_text};

/// A row of its table.
struct Row {
    name: &'static str,
    schedule: &'static str,
    method: &'static str,
    path: &'static str,
    /// The `kind` and the `idempotency_key` of a job that only enqueues.
    enqueues: Option<(&'static str, &'static str)>,
    /// In seconds.
    timeout: u64,
    /// What stands for its name in its variables, where that is not the name itself.
    variable: Option<&'static str>,
}

const fn row(name: &'static str, schedule: &'static str, path: &'static str, timeout: u64) -> Row {
    Row { name, schedule, method: "POST", path, enqueues: None, timeout, variable: None }
}

impl Row {
    const fn enqueues(mut self, kind: &'static str, key: &'static str) -> Self {
        self.enqueues = Some((kind, key));
        self
    }

    const fn variable(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    const fn get(mut self) -> Self {
        self.method = "GET";
        self
    }
}

const TABLE: &[Row] = &[
    row("data-refresh", "every 15m", "/api/jobs", 30).enqueues("data-refresh", "sync"),
    row("health-check", "every 5m", "/api/health", 30).get(),
    row("script-runner", "every 1m", "/api/scripts/run-due", 600).variable("SCRIPT_RUN"),
    row("marketplaces", "daily 03:00", "/api/jobs", 30).enqueues("marketplaces-sync", "marketplaces-sync"),
    row("initial-workspace", "daily 03:30", "/api/admin/initial-workspace/sync-if-configured", 900),
    row("session-collector", "every 10m", "/api/jobs", 30).enqueues("session-collector", "session-collector"),
    row("session-processor:verification", "every 15m", "/api/admin/run-session-processor?processor=verification", 900)
        .variable("VERIFICATION_DETECTOR"),
    row("session-processor:usage", "every 10m", "/api/admin/run-session-processor?processor=usage", 300)
        .variable("USAGE_PROCESSOR"),
    row("corporate-memory", "every 17m", "/api/jobs", 30).enqueues("corporate-memory", "corporate-memory"),
    row("store-blocked-purge", "daily 04:00", "/api/admin/run-blocked-purge", 600),
    row("store-lint-audit", "cron 0 5 * * 1", "/api/admin/store/lint-audit", 900),
    row("bq-metadata-refresh", "every 4h", "/api/admin/run-bq-metadata-refresh", 1800),
    row("usage-prune", "every 24h", "/api/admin/usage/prune", 60),
    row("jira-sla-poll", "every 45m", "/api/admin/run-jira-sla-poll", 3600),
    row("jira-consistency-check", "every 30m", "/api/admin/run-jira-consistency-check", 1800)
        .variable("JIRA_CONSISTENCY"),
    row("data-app-idle-reaper", "every 5m", "/api/data-apps/reap-idle", 120).variable("DATA_APP_REAP"),
    row("agents:run-due", "every 1m", "/api/v1/agents/run-due", 600),
];

/// Variables of the sidecar that say nothing here: what they set is done otherwise.
const NEEDLESS: [&str; 1] = ["SCHEDULER_TICK_SECONDS"];

/// Turns the environment of an agnes scheduler (its `.env`) into definitions. `base_url` is used when it sets no `API_URL`.
///
/// # Errors
/// A variable whose value is none (seed A28): it is named, with its line.
pub fn agnes(env: &str, base_url: &str) -> Result<Imported, ImportError> {
    let variables = variables(env);
    let mut file = JobsFile::in_utc(&["From the scheduler of agnes. It read its times as UTC, and so does this file."]);
    let mut comments = Vec::new();
    if let Some(token) = find(&variables, "SCHEDULER_API_TOKEN") {
        let what = "SCHEDULER_API_TOKEN: hand the same value to sexton, in its environment";
        comments.push(file.lose(Some(token.line), what));
    }
    let url = address(find(&variables, "API_URL").map_or(base_url, |variable| variable.value.as_str()))?;
    let keys = vec![("base_url", url.into()), ("auth", "shared-secret".into())];
    file.target(Entry { name: "app".to_owned(), comments, keys });
    for row in TABLE {
        let schedule = schedule(row, &variables)?;
        file.job(entry(row, &schedule, &variables));
    }
    for variable in variables.iter().filter(|variable| is_unknown(&variable.name)) {
        let comment = file.lose(Some(variable.line), format!("{}, which no job here reads", variable.name));
        file.head.push(comment);
    }
    Ok(file.finish())
}

fn entry(row: &Row, schedule: &str, variables: &[Variable]) -> Entry {
    let mut keys: Vec<(&'static str, Value)> = vec![("schedule", schedule.into()), ("path", row.path.into())];
    if row.method != "POST" {
        keys.push(("method", row.method.into()));
    }
    if let Some((kind, key)) = row.enqueues {
        let mut json = InlineTable::new();
        json.insert("kind", kind.into());
        json.insert("idempotency_key", key.into());
        keys.push(("json", Value::InlineTable(json)));
    }
    keys.push(("timeout", crate::job::format_duration(Duration::from_secs(row.timeout)).into()));
    let off = |variable: &Variable| matches!(variable.value.to_ascii_lowercase().as_str(), "0" | "false" | "no");
    if row.name == "agents:run-due" && find(variables, "SCHEDULER_AGENT_SCHEDULES").is_some_and(off) {
        keys.push(("enabled", false.into()));
    }
    Entry { name: row.name.to_owned(), comments: Vec::new(), keys }
}

/// `SCHEDULER_<NAME>_INTERVAL` in seconds, `SCHEDULER_<NAME>_SCHEDULE` as text, or the table's.
fn schedule(row: &Row, variables: &[Variable]) -> Result<String, ImportError> {
    for name in names(row) {
        if let Some(variable) = find(variables, &format!("SCHEDULER_{name}_SCHEDULE")).filter(|v| !v.value.is_empty()) {
            return match Schedule::parse(&variable.value, chrono_tz::Tz::UTC, Dst::default()) {
                Ok(_) => Ok(variable.value.clone()),
                Err(error) => Err(problem(variable, format!("is no schedule: {error}"))),
            };
        }
    }
    for name in names(row) {
        if let Some(variable) = find(variables, &format!("SCHEDULER_{name}_INTERVAL")) {
            let digits = !variable.value.is_empty() && variable.value.bytes().all(|byte| byte.is_ascii_digit());
            let seconds =
                variable.value.parse::<u64>().ok().filter(|seconds| digits && (1..=31_622_400).contains(seconds));
            let seconds = seconds.ok_or_else(|| {
                let wanted = "a whole number of seconds from 1 to 31622400";
                problem(variable, format!("must be {wanted}, not \"{}\"", variable.value))
            })?;
            return Ok(every_text(Duration::from_secs(seconds)));
        }
    }
    Ok(row.schedule.to_owned())
}

fn problem(variable: &Variable, problem: String) -> ImportError {
    ImportError::Variable { line: variable.line, name: variable.name.clone(), problem }
}

/// What may stand for a row in the name of a variable.
fn names(row: &Row) -> impl Iterator<Item = String> {
    let own = row.name.to_ascii_uppercase().replace(['-', ':'], "_");
    let verification = (row.name == "session-processor:verification").then(|| "VERIFICATION".to_owned());
    row.variable.map(str::to_owned).into_iter().chain(verification).chain([own])
}

/// The last setting of a variable counts.
fn find<'a>(variables: &'a [Variable], name: &str) -> Option<&'a Variable> {
    variables.iter().rev().find(|variable| variable.name == name)
}

fn is_unknown(variable: &str) -> bool {
    let Some(rest) = variable.strip_prefix("SCHEDULER_") else { return false };
    let of_a_row = |ending| {
        let name = rest.strip_suffix(ending);
        name.is_some_and(|name| TABLE.iter().flat_map(names).any(|known| known == name))
    };
    let known = matches!(rest, "API_TOKEN" | "AGENT_SCHEDULES") || NEEDLESS.contains(&variable);
    !known && !of_a_row("_INTERVAL") && !of_a_row("_SCHEDULE")
}
