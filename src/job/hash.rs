//! The hash of what a job does.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Auth, Body, Call, CatchUp, Completion, Expect, ExpectedStatus, Group, Job, Overlap, PollUrl, Retry, RetryOn,
    RunTokens, StatusClass, Wire, source::hex,
};

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
    if job.target.wire != Wire::default() {
        parts.wire(&job.target.wire);
    }
    parts.text(&job.schedule.identity()).text(&job.method).text(&job.path);
    parts.number(identities.len() as u64);
    for (name, identity) in identities {
        parts.text(name).text(identity);
    }
    match &job.body {
        Body::Empty => parts.text("empty"),
        Body::Json(json) => parts.text("json").text(json),
        Body::Text(text) => parts.text("text").text(text),
        Body::File { bytes, media_type } => parts.text(media_type).bytes(bytes),
    };
    parts.duration(job.jitter).duration(job.timeout).duration(job.hold).number(job.run_on_start.into());
    parts.retry(&job.retry).number(job.idempotent.into());
    parts.text(match job.overlap {
        Overlap::Skip => "skip",
        Overlap::Queue => "queue",
        Overlap::Replace => "replace",
        Overlap::Allow => "allow",
    });
    parts.option(job.group.as_deref(), |parts, Group { name, concurrency }| {
        parts.text(name).number(u64::from(*concurrency));
    });
    parts.option(job.cancel.as_ref(), |parts, Call { method, path }| {
        parts.text(method).text(path);
    });
    parts.text(match job.catch_up {
        CatchUp::None => "none",
        CatchUp::Latest => "latest",
        CatchUp::All => "all",
    });
    parts.option(job.catch_up_window.as_ref(), |parts, window| {
        parts.duration(*window);
    });
    parts.completion(&job.completion).expect(&job.expect);
    hex(&parts.0.finalize()[..8])
}

/// Parts of a hash, each with its length before it, so that no two lists of parts read the same.
struct Parts(Sha256);

impl Parts {
    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
        self
    }

    fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
        self
    }

    fn option<T>(&mut self, value: Option<&T>, add: impl FnOnce(&mut Self, &T)) -> &mut Self {
        self.number(value.is_some().into());
        if let Some(value) = value {
            add(self, value);
        }
        self
    }

    fn wire(&mut self, wire: &Wire) {
        self.duration(wire.connect_timeout);
        let identity = wire.identity.as_ref();
        let files = [&wire.ca_file, &wire.socket].map(Option::as_ref);
        let of_identity = [identity.map(|identity| &identity.certificate), identity.map(|identity| &identity.key)];
        for file in files.into_iter().chain(of_identity) {
            self.option(file, |parts, file| {
                parts.text(&file.to_string_lossy());
            });
        }
        self.option(wire.proxy.as_ref(), |parts, proxy| {
            parts.text(proxy.as_str());
        });
    }

    fn retry(&mut self, retry: &Retry) -> &mut Self {
        self.number(u64::from(retry.attempts)).duration(retry.initial).number(retry.factor.to_bits());
        self.duration(retry.max).number(retry.on.len() as u64);
        for cause in &retry.on {
            match cause {
                RetryOn::Connect => self.text("connect"),
                RetryOn::Status(status) => self.status(*status),
            };
        }
        self
    }

    fn completion(&mut self, completion: &Completion) -> &mut Self {
        let Completion::Poll(poll) = completion else { return self.text("response") };
        match &poll.url {
            PollUrl::Location => self.text("location"),
            PollUrl::Template(path) => self.text("template").text(path),
        };
        self.duration(poll.interval).text(&poll.state).texts(&poll.success).texts(&poll.failure);
        self.duration(poll.timeout).text(&poll.progress)
    }

    fn expect(&mut self, expect: &Expect) -> &mut Self {
        self.number(expect.status.len() as u64);
        for status in &expect.status {
            self.status(*status);
        }
        self.number(expect.json.len() as u64);
        for (pointer, value) in &expect.json {
            self.text(pointer).text(&value.to_string());
        }
        self.option(expect.contains.as_ref(), |parts, text| {
            parts.text(text);
        })
    }

    fn status(&mut self, status: ExpectedStatus) -> &mut Self {
        match status {
            ExpectedStatus::Exact(status) => self.text("exact").number(u64::from(status)),
            ExpectedStatus::Class(StatusClass(class)) => self.text("class").number(u64::from(class)),
        }
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_le_bytes());
        self
    }

    fn duration(&mut self, duration: Duration) -> &mut Self {
        self.number(duration.as_secs()).number(u64::from(duration.subsec_nanos()))
    }
}
