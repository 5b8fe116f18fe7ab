//! The hash of what a job does.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Auth, Body, CatchUp, ExpectedStatus, Job, Overlap, RunTokens, StatusClass, source::hex};

/// 16 hex digits over everything that decides when a job fires and what it sends. Headers come as their `identities`, in
/// which a secret is the name of its variable: a hash of the value could be guessed.
pub(super) fn hash(job: &Job, identities: &[(&str, &str)]) -> String {
    let mut parts = Parts(Sha256::new());
    let header = job.target.auth.header().unwrap_or_default();
    parts.text(job.name.as_str()).text(&job.target.name).text(job.target.base_url.as_str());
    parts.text(job.target.auth.word());
    match &job.target.auth {
        Auth::SharedSecret { .. } => parts.text(header),
        Auth::TokenFile { path, .. } => parts.text(header).text(&path.to_string_lossy()),
        Auth::RunToken(RunTokens { issuer, audience, .. }) => {
            parts.text(header).text(issuer).text(audience).texts(&job.scopes)
        }
        Auth::None => &mut parts,
    };
    parts.text(&job.schedule.identity()).text(&job.method).text(&job.path);
    parts.number(identities.len() as u64);
    for (name, identity) in identities {
        parts.text(name).text(identity);
    }
    match &job.body {
        Body::Empty => parts.text("empty"),
        Body::Json(json) => parts.text("json").text(json),
        Body::Text(text) => parts.text("text").text(text),
    };
    parts.duration(job.timeout).duration(job.hold);
    parts.text(match job.overlap {
        Overlap::Skip => "skip",
        Overlap::Allow => "allow",
    });
    parts.text(match job.catch_up {
        CatchUp::None => "none",
        CatchUp::Latest => "latest",
    });
    for expected in &job.expect {
        match expected {
            ExpectedStatus::Exact(status) => parts.text("exact").number(u64::from(*status)),
            ExpectedStatus::Class(StatusClass(class)) => parts.text("class").number(u64::from(*class)),
        };
    }
    hex(&parts.0.finalize()[..8])
}

/// Parts of a hash, each with its length before it, so that no two lists of parts read the same.
struct Parts(Sha256);

impl Parts {
    fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.0.update(text);
        self
    }

    fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_le_bytes());
        self
    }

    fn duration(&mut self, duration: Duration) -> &mut Self {
        self.number(duration.as_secs()).number(u64::from(duration.subsec_nanos()))
    }
}
