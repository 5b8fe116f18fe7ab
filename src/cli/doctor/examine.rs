//! The questions to one app, and what its answers mean.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::TimeDelta;

use super::{
    Doctor, reach,
    report::{Check, Subject, Verdict},
};
use crate::{
    credentials::{DATED_BACK, LEEWAY},
    dispatch::{Question, Showing, Told, Untold, shown_address, what_to_do},
    job::{Auth, Job, Target},
};

/// Clocks that are so close agree: `Date` knows whole seconds, and answers take time.
const CLOSE: Duration = Duration::from_secs(5);

type Answer = Result<Told, Untold>;

/// A verdict with what was found and what to do.
type Finding = (Verdict, String, Option<String>);

impl Doctor<'_> {
    /// Everything that can be asked about `target` and the paths of its `jobs`.
    pub(super) async fn examine(&self, target: &Target, jobs: &[&Job]) -> Vec<Check> {
        let whoami = target.whoami.as_deref();
        let (method, path) = whoami.map_or(("OPTIONS", "/"), |path| ("GET", path));
        let knock = self.ask(target, method, path, Showing::Nothing, &[]).await;
        let mut checks = vec![about(target, Subject::Reached, reached(target, &knock).await)];
        let Ok(told) = &knock else { return checks };
        let showing = match self.credentials.ready_for(&target.auth) {
            Ok(()) => Showing::Credential,
            Err(error) => {
                let finding = (Verdict::Wrong, "there is nothing to show".to_owned(), Some(error.to_string()));
                checks.push(about(target, Subject::Credential, finding));
                Showing::Nothing
            }
        };
        if showing == Showing::Credential && target.auth != Auth::None {
            checks.extend(self.credential(target, jobs, &knock).await);
        }
        checks.push(about(target, Subject::Clock, clock(target, told.ahead)));
        checks.extend(self.paths(target, jobs, showing).await);
        checks
    }

    /// Whether the app takes the credential, only that, and not for making tokens.
    async fn credential(&self, target: &Target, jobs: &[&Job], without: &Answer) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(path) = target.whoami.as_deref() {
            // As the sidecar asks it: a run token may do nothing there.
            let accepted = self.ask(target, "GET", path, Showing::Credential, &[]).await;
            let forged = self.ask(target, "GET", path, Showing::Forged, &[]).await;
            checks.push(about(target, Subject::Accepted, accepts(target, path, &accepted)));
            checks.push(about(target, Subject::NothingRefused, refuses(target, path, "nothing", without)));
            checks.push(about(target, Subject::ForgedRefused, unmasks(target, path, &forged)));
        } else {
            let to_do = format!(
                "Add `whoami` to [targets.{}]: a path that answers 2xx to whom the app knows and 401 to everybody else. \
                 The sidecar asks it too, at its start.",
                target.name
            );
            let found = "the target has no `whoami` to ask".to_owned();
            checks.push(about(target, Subject::Accepted, (Verdict::CannotTell, found, Some(to_do))));
        }
        let minting = self.ask(target, "POST", self.tokens, Showing::Credential, &scopes_of(jobs)).await;
        checks.push(about(target, Subject::NoTokens, makes_no_tokens(target, self.tokens, &minting)));
        checks
    }

    /// Each path once, however many jobs ask for it. One that is filled from an answer cannot be asked about.
    async fn paths(&self, target: &Target, jobs: &[&Job], showing: Showing) -> Vec<Check> {
        let mut known: BTreeMap<&str, Finding> = BTreeMap::new();
        let mut checks = Vec::new();
        let scopes = scopes_of(jobs);
        for (job, path) in jobs.iter().flat_map(|job| paths_of(job).map(move |path| (job, path))) {
            let finding = match known.get(path) {
                Some(finding) => finding.clone(),
                None => {
                    let finding = exists(target, path, &self.ask(target, "OPTIONS", path, showing, &scopes).await);
                    known.entry(path).or_insert(finding).clone()
                }
            };
            checks.push(Check { job: Some(job.name.to_string()), ..about(target, Subject::Path, finding) });
        }
        checks
    }

    async fn ask(&self, target: &Target, method: &str, path: &str, showing: Showing, scopes: &[String]) -> Answer {
        self.dispatcher.ask(target, Question { method, path, showing, scopes }).await
    }
}

/// All that a token of any of the jobs may do.
fn scopes_of(jobs: &[&Job]) -> Vec<String> {
    let scopes: BTreeSet<&String> = jobs.iter().flat_map(|job| &job.scopes).collect();
    scopes.into_iter().cloned().collect()
}

fn paths_of(job: &Job) -> impl Iterator<Item = &str> {
    let cancel = job.cancel.iter().map(|call| call.path.as_str()).filter(|path| !path.contains('{'));
    std::iter::once(job.path.as_str()).chain(cancel)
}

fn about(target: &Target, check: Subject, (verdict, found, to_do): Finding) -> Check {
    Check { target: target.name.clone(), job: None, check, verdict, found, to_do }
}

async fn reached(target: &Target, knock: &Answer) -> Finding {
    let address = shown_address(target);
    match knock {
        Ok(_) => (Verdict::Ok, format!("{address} answers"), None),
        Err(error) => {
            let reach::Unreached { found, to_do } = reach::why(target, &error.to_string()).await;
            (Verdict::Wrong, format!("{address}: {found}"), Some(to_do))
        }
    }
}

fn accepts(target: &Target, path: &str, answer: &Answer) -> Finding {
    let found = seen("GET", path, answer);
    match answer {
        Ok(Told { status: 200..300, .. }) => (Verdict::Ok, found, None),
        Ok(Told { status: status @ (401 | 403), .. }) => (Verdict::Wrong, found, Some(what_to_do(target, *status))),
        Err(Untold::Credential(error)) => (Verdict::Wrong, found, Some(error.to_string())),
        _ => (Verdict::CannotTell, found, Some(whoami_advice(target))),
    }
}

/// How the app answers who shows `what`, and must not be let in.
fn refuses(target: &Target, path: &str, what: &str, answer: &Answer) -> Finding {
    let found = seen("GET", path, answer);
    match answer {
        Ok(Told { status: 401 | 403, .. }) => (Verdict::Ok, found, None),
        Ok(Told { status: 200..300, .. }) => {
            let to_do = format!(
                "The app lets in who shows {what}: everybody. Make {path} ask who is there, or name another path as \
                 `whoami` of [targets.{}] when this one is meant to be open: it proves nothing then.",
                target.name
            );
            (Verdict::Wrong, found, Some(to_do))
        }
        _ => (Verdict::CannotTell, found, Some(whoami_advice(target))),
    }
}

/// A wrong credential is answered 401: at a 403 the sidecar does not read its own again, for the app seems to know it.
fn unmasks(target: &Target, path: &str, answer: &Answer) -> Finding {
    match answer {
        Ok(Told { status: 403, .. }) => {
            let to_do = format!(
                "Let the app of [targets.{}] answer 401 to a credential that it does not know, or a rotation is never \
                 noticed: a 403 says that it is known and may not.",
                target.name
            );
            (Verdict::Wrong, seen("GET", path, answer), Some(to_do))
        }
        _ => refuses(target, path, "a wrong credential", answer),
    }
}

fn whoami_advice(target: &Target) -> String {
    format!(
        "`whoami` of [targets.{}] must name a path that answers 2xx to whom the app knows and 401 to everybody else.",
        target.name
    )
}

/// Seed A8: what the sidecar is known by must not outlive itself in a token.
fn makes_no_tokens(target: &Target, path: &str, answer: &Answer) -> Finding {
    let found = seen("POST", path, answer);
    match answer {
        Ok(Told { status: 401 | 403, .. }) => (Verdict::Ok, found, None),
        Ok(Told { status: 200..300, .. }) => {
            let to_do = format!(
                "The app of [targets.{}] makes a token for whoever has the sidecar's credential, and the token outlives a \
                 rotation. Let {path} answer 403 to it, and revoke the token that this question made.",
                target.name
            );
            (Verdict::Wrong, found, Some(to_do))
        }
        Ok(Told { status: 404 | 405, .. }) => {
            let to_do =
                "If the app makes access tokens for people, name the path where it does with --tokens.".to_owned();
            (Verdict::CannotTell, found, Some(to_do))
        }
        _ => {
            let to_do = format!(
                "An app that asks who is there before it looks at the rest answers 403 to an empty POST of {path}: try a \
                 whole request by hand."
            );
            (Verdict::CannotTell, found, Some(to_do))
        }
    }
}

/// Jobs fire by this clock, and run tokens are judged by the app's.
fn clock(target: &Target, ahead: Option<TimeDelta>) -> Finding {
    let Some(ahead) = ahead else {
        return (Verdict::CannotTell, "the answer has no `Date`".to_owned(), None);
    };
    let apart = ahead.abs().to_std().unwrap_or_default();
    let is_behind = ahead < TimeDelta::zero();
    let endured = match &target.auth {
        Auth::RunToken(_) if is_behind => DATED_BACK,
        _ => LEEWAY,
    };
    let found = match is_behind {
        _ if apart <= CLOSE => format!("within {CLOSE:?} of this one"),
        true => format!("the app's is {} s behind this one", apart.as_secs()),
        false => format!("the app's is {} s ahead of this one", apart.as_secs()),
    };
    if apart < endured {
        return (Verdict::Ok, found, None);
    }
    let to_do = match &target.auth {
        Auth::RunToken(_) => "Set both clocks by NTP: the app takes run tokens for expired, or for ones of the future.",
        _ => "Set both clocks by NTP: jobs fire by this one.",
    };
    (Verdict::Wrong, found, Some(to_do.to_owned()))
}

/// What OPTIONS says of a path.
fn exists(target: &Target, path: &str, answer: &Answer) -> Finding {
    let found = seen("OPTIONS", path, answer);
    match answer {
        Ok(Told { status: 200..300 | 405, .. }) => (Verdict::Ok, found, None),
        Ok(Told { status: 404, .. }) => {
            let to_do = format!(
                "The app has no {path}: correct `path` or `cancel` of the job, or what comes before it in `base_url` of [targets.{}].",
                target.name
            );
            (Verdict::Wrong, found, Some(to_do))
        }
        Ok(Told { status: 300..400, .. }) => {
            let to_do =
                format!("Write the path that {path} leads to: a redirect is not followed, and counts as failed.");
            (Verdict::CannotTell, found, Some(to_do))
        }
        _ => (Verdict::CannotTell, found, None),
    }
}

fn seen(method: &str, path: &str, answer: &Answer) -> String {
    match answer {
        Ok(Told { status, location: Some(location), .. }) => format!("{method} {path}: {status} to {location}"),
        Ok(Told { status, .. }) => format!("{method} {path}: {status}"),
        Err(error) => format!("{method} {path}: {error}"),
    }
}
