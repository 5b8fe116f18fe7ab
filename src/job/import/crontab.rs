//! A crontab: lines that call curl or wget become jobs.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use toml_edit::Value;

use super::{
    Imported,
    call::{Call, Refused, Request, is_secret},
    curl::{curl, seconds},
    file::{Entry, JobsFile, as_name, name_from_path, quoted},
    shell::{self, Word, literal},
    wget::wget,
};
use crate::schedule::{Dst, Schedule};

/// Turns a user's or the system's crontab into definitions. `zone` is the zone of the machine that ran it; a crontab does
/// not say.
#[must_use]
pub fn crontab(text: &str, zone: Option<Tz>) -> Imported {
    let mut import = Import::default();
    for (index, line) in text.lines().enumerate() {
        import.line(index + 1, line.trim());
    }
    import.finish(zone)
}

#[derive(Default)]
struct Import {
    file: JobsFile,
    /// Variables that the crontab sets.
    variables: BTreeMap<String, String>,
    /// Comment lines since the last blank one.
    comments: Vec<String>,
    /// Targets by address and whether they are shown the secret, in the order met, with their names.
    targets: Vec<(String, bool, String)>,
    /// Whether a job has no zone of its own.
    zoneless: bool,
}

/// Programs that run the one behind them.
const WRAPPERS: [&str; 6] = ["timeout", "flock", "nice", "env", "nohup", "exec"];

impl Import {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.comments.clear();
        } else if let Some(comment) = line.strip_prefix('#') {
            self.comment(comment.trim());
        } else if let Some((name, value)) = assignment(line) {
            self.assign(number, name, value);
        } else {
            let comments = std::mem::take(&mut self.comments);
            match schedule_and_command(line) {
                Some((schedule, command)) => self.entry(number, schedule, command, &comments),
                None => self.file.lose_job(Some(number), "a line that is neither a schedule nor a variable"),
            }
        }
    }

    /// Keeps a comment, unless it may hold a secret: a line that was switched off, say.
    fn comment(&mut self, comment: &str) {
        let harmless = !comment.is_empty() && !comment.contains("://") && !is_secret(comment);
        if harmless {
            self.comments.push(comment.to_owned());
        }
    }

    fn assign(&mut self, number: usize, name: &str, value: &str) {
        if name == "MAILTO" && !value.is_empty() {
            self.file.lose(Some(number), "MAILTO: sexton sends no mail; its log, ledger and metrics tell what failed");
        }
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn entry(&mut self, number: usize, schedule: &str, command: &str, comments: &[String]) {
        if schedule == "@reboot" {
            let why = "@reboot: no job runs at the start only; give one a schedule too, and `run_on_start = true`";
            return self.file.lose_job(Some(number), why);
        }
        if let Err(error) = Schedule::parse(schedule, Tz::UTC, Dst::default()) {
            return self.file.lose_job(Some(number), format!("the schedule {}: {error}", quoted(schedule)));
        }
        let (command, input) = standard_input(command);
        let Ok(commands) = shell::commands(&command) else {
            return self.file.lose_job(Some(number), "a line that needs a shell");
        };
        let (calls, others): (Vec<_>, Vec<_>) =
            commands.iter().map(|words| unwrapped(words)).partition(|unwrapped| unwrapped.is_http());
        let programs: Vec<String> = others.iter().map(|other| quoted(&other.program)).collect();
        if calls.is_empty() {
            let program = programs.first().cloned().unwrap_or_else(|| "nothing".to_owned());
            return self.file.lose_job(Some(number), format!("a line that runs {program}, which is no HTTP call"));
        }
        let mut lost = Vec::new();
        if !programs.is_empty() {
            lost.push(format!("what else the line runs: {}", programs.join(", ")));
        }
        if calls.len() > 1 {
            lost.push("the order of its calls: each is a job of its own now, at the same time".to_owned());
        }
        for call in &calls {
            self.call(number, schedule, call, input.as_deref(), comments, std::mem::take(&mut lost));
        }
    }

    fn call(
        &mut self,
        number: usize,
        schedule: &str,
        call: &Unwrapped,
        input: Option<&str>,
        comments: &[String],
        mut lost: Vec<String>,
    ) {
        let request = {
            let variables = |name: &str| self.variables.get(name).cloned();
            call.http(input, &variables).and_then(|call| call.request(&variables))
        };
        let Request { origin, host, path, keys, bearer, lost: of_call } = match request {
            Ok(request) => request,
            Err(Refused(what)) => return self.file.lose_job(Some(number), what),
        };
        lost.extend(of_call);
        let mut comments = comments.to_vec();
        comments.extend(lost.into_iter().map(|what| self.file.lose(Some(number), what)));
        let target = self.target(&origin, &host, bearer);
        let mut all: Vec<(&'static str, Value)> = vec![("schedule", schedule.into()), ("path", path.as_str().into())];
        all.extend((target != "app").then(|| ("target", target.into())));
        let zone = self.variables.get("CRON_TZ").or_else(|| self.variables.get("TZ"));
        match zone.filter(|zone| zone.parse::<Tz>().is_ok()) {
            Some(zone) => all.push(("timezone", zone.as_str().into())),
            None => self.zoneless = true,
        }
        all.extend(keys);
        let name = if path == "/" { host } else { name_from_path(&path) };
        self.file.job(Entry { name, comments, keys: all });
    }

    /// The name of the target for an address. The shared secret goes only where a bearer went before.
    fn target(&mut self, origin: &str, host: &str, bearer: bool) -> String {
        if let Some((.., name)) = self.targets.iter().find(|(o, b, _)| o == origin && *b == bearer) {
            return name.clone();
        }
        let wished = if self.targets.is_empty() { "app".to_owned() } else { as_name(host) };
        let numbered = (2..).map(|n| format!("{wished}-{n}"));
        let free = |name: &String| self.targets.iter().all(|(.., taken)| taken != name);
        let name = std::iter::once(wished.clone()).chain(numbered).find(free).unwrap_or(wished);
        self.targets.push((origin.to_owned(), bearer, name.clone()));
        name
    }

    fn finish(mut self, zone: Option<Tz>) -> Imported {
        self.file.head = vec![
            "From a crontab. What is different here: a job whose run is still open is not started again (overlap), the newest"
                .to_owned(),
            "occurrence missed in downtime is sent late (catch_up), and an attempt ends after 30s unless timeout says more."
                .to_owned(),
        ];
        match zone {
            Some(zone) => self.file.timezone = Some(zone.name().to_owned()),
            None if !self.zoneless => {}
            None => {
                let what = "the zone of the machine, which a crontab does not name: these times are read as UTC, set [sexton] timezone";
                let comment = self.file.lose(None, what);
                self.file.head.push(comment);
            }
        }
        for (origin, bearer, name) in std::mem::take(&mut self.targets) {
            let auth = if bearer { "shared-secret" } else { "none" };
            let mut comments = Vec::new();
            if bearer {
                let what = format!("the bearer that went to {origin}: put it into SCHEDULER_API_TOKEN");
                comments.push(self.file.lose(None, what));
            }
            let keys = vec![("base_url", origin.into()), ("auth", auth.into())];
            self.file.target(Entry { name, comments, keys });
        }
        self.file.finish()
    }
}

/// `NAME=value`, with blanks around the sign and quotes around the value as cron allows them.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim());
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let inner = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    Some((name, inner('"').or_else(|| inner('\'')).unwrap_or(value)))
}

/// Five fields or one word with `@`, and the command.
fn schedule_and_command(line: &str) -> Option<(&str, &str)> {
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.trim_start();
        rest = &rest[rest.find(char::is_whitespace)?..];
    }
    let schedule = line[..line.len() - rest.len()].trim();
    let command = rest.trim();
    (!command.is_empty()).then_some((schedule, command))
}

/// cron gives a command what stands behind the first `%` on its standard input, further ones being line ends; `\%` is a
/// percent sign (crontab(5)).
fn standard_input(command: &str) -> (String, Option<String>) {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in command.chars() {
        let part = parts.len() - 1;
        match c {
            '%' if escaped => {
                parts[part].pop();
                parts[part].push('%');
            }
            '%' => parts.push(String::new()),
            _ => parts[part].push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    let command = parts.remove(0);
    (command, (!parts.is_empty()).then(|| parts.join("\n")))
}

/// A command without the programs that only run it.
struct Unwrapped {
    program: String,
    words: Vec<Word>,
    /// From `timeout 60 curl …`.
    limit: Option<std::time::Duration>,
}

impl Unwrapped {
    fn is_http(&self) -> bool {
        matches!(self.program.as_str(), "curl" | "wget")
    }

    fn http(&self, input: Option<&str>, variables: &dyn Fn(&str) -> Option<String>) -> Result<Call, Refused> {
        let mut call = match self.program.as_str() {
            "curl" => curl(&self.words, input, variables)?,
            _ => wget(&self.words, variables)?,
        };
        call.timeout = call.timeout.or(self.limit);
        Ok(call)
    }
}

fn unwrapped(words: &[Word]) -> Unwrapped {
    let text = |word: Option<&Word>| word.and_then(|word| literal(word)).unwrap_or_default();
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (mut index, mut limit) = (0, None);
    // In a system's crontab the user stands before the command.
    let second = base(&text(words.get(1)));
    if words.len() > 1 && (matches!(second.as_str(), "curl" | "wget") || WRAPPERS.contains(&second.as_str())) {
        let first = base(&text(words.first()));
        index = usize::from(!WRAPPERS.contains(&first.as_str()) && first != "curl" && first != "wget");
    }
    while WRAPPERS.contains(&base(&text(words.get(index))).as_str()) {
        let wrapper = base(&text(words.get(index)));
        let http = |word: &Word| matches!(base(&literal(word).unwrap_or_default()).as_str(), "curl" | "wget");
        let Some(call) = words.iter().skip(index).position(http).map(|offset| index + offset) else { break };
        if wrapper == "timeout" {
            limit = words[index + 1..call].iter().rev().find_map(seconds);
        }
        index = call;
    }
    let program = base(&text(words.get(index)));
    Unwrapped { program, words: words.iter().skip(index + 1).cloned().collect(), limit }
}
