//! `vercel.json`: its `crons`.

use std::time::Duration;

use serde_json::Value as Json;

use super::{
    ImportError, Imported,
    file::{Entry, JobsFile, address, name_from_path, quoted},
};
use crate::{
    job::{address::path_fault, format_duration},
    schedule::{Dst, Schedule},
};

/// Turns the `crons` of a `vercel.json` into definitions that call the app at `base_url`.
///
/// # Errors
/// The text is no JSON, or has no list `crons`.
pub fn vercel(text: &str, base_url: &str) -> Result<Imported, ImportError> {
    let json: Json = serde_json::from_str(text)?;
    let base_url = address(base_url)?;
    let crons = json
        .get("crons")
        .and_then(Json::as_array)
        .ok_or_else(|| ImportError::Shape("there is no list `crons` in this file".to_owned()))?;
    let mut file = JobsFile::in_utc(&[
        "From vercel.json: GET requests that show a bearer, their times in UTC. What is different here: a job whose run is",
        "still open is not started again (overlap), and the newest occurrence missed in downtime is sent late (catch_up).",
    ]);
    let secret = file.lose(None, "CRON_SECRET: put its value into SCHEDULER_API_TOKEN");
    let address = format!("the address of the app, which vercel.json does not hold: {base_url} is taken");
    let address = file.lose(None, address);
    let keys = vec![("base_url", base_url.into()), ("auth", "shared-secret".into())];
    file.target(Entry { name: "app".to_owned(), comments: vec![secret, address], keys });
    for (index, cron) in crons.iter().enumerate() {
        job(&mut file, index, cron, json.get("functions"));
    }
    Ok(file.finish())
}

fn job(file: &mut JobsFile, index: usize, cron: &Json, functions: Option<&Json>) {
    let number = index + 1;
    let text = |key: &str| cron.get(key).and_then(Json::as_str);
    let (Some(path), Some(schedule)) = (text("path"), text("schedule")) else {
        return file.lose_job(None, format!("entry {number} of `crons`, which lacks `path` or `schedule`"));
    };
    if let Err(error) = Schedule::parse(schedule, chrono_tz::Tz::UTC, Dst::default()) {
        return file.lose_job(None, format!("entry {number} of `crons`, the schedule {}: {error}", quoted(schedule)));
    }
    if let Some((why, _)) = path_fault(path) {
        return file.lose_job(None, format!("entry {number} of `crons`, whose path {} {why}", quoted(path)));
    }
    let others = cron.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let comments = others
        .filter(|key| !matches!(*key, "path" | "schedule"))
        .map(|key| file.lose(None, format!("`{key}` of entry {number} of `crons`")))
        .collect();
    let mut keys = vec![("schedule", schedule.into()), ("path", path.into()), ("method", "GET".into())];
    let limit = max_duration(path, functions).map(Duration::from_secs);
    keys.extend(limit.map(|limit| ("timeout", format_duration(limit).into())));
    file.job(Entry { name: name_from_path(path), comments, keys });
}

/// The `maxDuration` of the function that serves a path, when it is named by its file and not by a pattern.
fn max_duration(path: &str, functions: Option<&Json>) -> Option<u64> {
    let route = path.split('?').next().unwrap_or_default().trim_matches('/');
    let serves = |file: &str| {
        let file = file.strip_prefix("src/").unwrap_or(file);
        let file = file.strip_prefix("pages/").or_else(|| file.strip_prefix("app/")).unwrap_or(file);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        stem.strip_suffix("/route").or_else(|| stem.strip_suffix("/index")).unwrap_or(stem) == route
    };
    let (_, function) = functions?.as_object()?.iter().find(|(file, _)| serves(file))?;
    function.get("maxDuration")?.as_u64().filter(|seconds| (1..=86_400).contains(seconds))
}
