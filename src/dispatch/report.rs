//! Puts what came of an attempt into words that can be kept.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    Report,
    dispatcher::Unsendable,
    exchange::{Answer, Exchange},
    expect::unmet,
    handover::Sent,
    redact::Redactor,
    request,
    verdict::{self, Verdict},
    whereabouts::{self, Refused},
};
use crate::{
    job::{Job, Poll, PollUrl},
    run::{Outcome, Reason, Work},
};

/// One attempt that is over.
pub(super) struct Attempted<'a> {
    pub(super) job: &'a Job,
    /// Its number within the run.
    pub(super) number: u32,
    /// Its number within the job.
    pub(super) fence: u64,
    pub(super) begin: Instant,
    pub(super) end: Instant,
    /// The end on the wall clock.
    pub(super) now: DateTime<Utc>,
    pub(super) redactor: Redactor,
}

impl Attempted<'_> {
    pub(super) fn report(&self, result: Result<Exchange, Unsendable>) -> Report {
        match result {
            Ok(Exchange::Answered { sent, answer }) => self.answered(sent, &answer),
            Ok(Exchange::NotSent { words }) => self.not_sent(Reason::Connect, &words),
            Ok(Exchange::TimedOut { sent, status }) => {
                let words = format!("no complete answer within {}", self.limit());
                self.left_open((Outcome::Unknown, Some(Reason::Timeout)), sent, status, &words)
            }
            Ok(Exchange::Broken { sent, status, words }) => {
                self.left_open((Outcome::Unknown, Some(Reason::Broken)), sent, status, &words)
            }
            Err(Unsendable::Credential(error)) => self.not_sent(Reason::Credential, &error.to_string()),
            Err(Unsendable::Request(error)) => self.not_sent(Reason::Connect, &error.to_string()),
            Err(Unsendable::Client(error)) => self.not_sent(Reason::Connect, &error.to_string()),
        }
    }

    fn answered(&self, sent: Option<Sent>, answer: &Answer) -> Report {
        let report = match self.job.completion.poll().filter(|_| answer.status == 202) {
            Some(poll) => self.taken_on(poll, sent, answer),
            None => self.judged(sent, answer),
        };
        Report { retry_after: answer.retry_after, ..report }
    }

    fn judged(&self, sent: Option<Sent>, answer: &Answer) -> Report {
        let expect = &self.job.expect;
        let verdict = verdict::of_status(answer.status, &expect.status, self.number);
        let unmet = if verdict.0 == Outcome::Succeeded { unmet(expect, answer, &self.redactor) } else { None };
        let (verdict, words) = match (unmet, &answer.location) {
            (Some(words), _) => ((Outcome::Failed, Some(Reason::Expect)), words),
            (None, Some(location)) if (300..400).contains(&answer.status) => {
                (verdict, format!("a redirect to {location}, which is not followed"))
            }
            _ => (verdict, String::new()),
        };
        let excerpt = self.redactor.excerpt_with(&words, &answer.body);
        self.ended(verdict, sent, Some(answer.status), excerpt, answer.cut)
    }

    /// A 202: the app is at it, and says elsewhere how far it is.
    fn taken_on(&self, poll: &Poll, sent: Option<Sent>, answer: &Answer) -> Report {
        let document = serde_json::from_slice(&answer.body).ok();
        match self.work(poll, sent, answer, document.as_ref()) {
            Ok(work) => {
                let excerpt = self.redactor.excerpt(&answer.body);
                let report = self.ended((Outcome::Unknown, None), sent, Some(answer.status), excerpt, answer.cut);
                Report { work: Some(Box::new(work)), ..report }
            }
            Err(refused) => {
                let words = format!("the app took it on (202), and it cannot be polled: {refused}");
                let excerpt = self.redactor.excerpt_with(&words, &answer.body);
                let verdict = (Outcome::Unknown, Some(Reason::PollRefused));
                self.ended(verdict, sent, Some(answer.status), excerpt, answer.cut)
            }
        }
    }

    fn work(
        &self,
        poll: &Poll,
        sent: Option<Sent>,
        answer: &Answer,
        document: Option<&serde_json::Value>,
    ) -> Result<Work, Refused> {
        let Job { target, path, .. } = self.job;
        let path = match &poll.url {
            PollUrl::Location => {
                whereabouts::of_location(target, &request::address(target, path), answer.location.as_deref())?
            }
            PollUrl::Template(template) => whereabouts::filled(template, document)?,
        };
        let cancel = self.job.cancel.as_ref().and_then(|call| whereabouts::filled_call(call, document).ok());
        let written_down = [Some(&path), cancel.as_ref().map(|call| &call.path)];
        if written_down.into_iter().flatten().any(|path| self.redactor.finds(path)) {
            return Err(Refused::Secret);
        }
        let timeout = TimeDelta::from_std(poll.timeout).unwrap_or(TimeDelta::MAX);
        Ok(Work {
            attempt: self.number,
            fence: self.fence,
            target: target.name.clone(),
            path,
            cancel,
            interval: poll.interval,
            state: poll.state.clone(),
            success: poll.success.clone(),
            failure: poll.failure.clone(),
            progress: poll.progress.clone(),
            since: sent.map_or(self.now, |sent| sent.at),
            until: self.now.checked_add_signed(timeout).unwrap_or(DateTime::<Utc>::MAX_UTC),
        })
    }

    fn not_sent(&self, reason: Reason, words: &str) -> Report {
        let excerpt = self.redactor.excerpt(words.as_bytes());
        self.ended((Outcome::Failed, Some(reason)), None, None, excerpt, false)
    }

    fn left_open(&self, verdict: Verdict, sent: Sent, status: Option<u16>, words: &str) -> Report {
        self.ended(verdict, Some(sent), status, self.redactor.excerpt(words.as_bytes()), false)
    }

    fn ended(
        &self,
        (outcome, reason): Verdict,
        sent: Option<Sent>,
        status: Option<u16>,
        excerpt: Option<String>,
        body_cut: bool,
    ) -> Report {
        let since = sent.map_or(self.begin, |sent| sent.instant);
        let duration = self.end.saturating_duration_since(since);
        let sent_at = sent.map(|sent| sent.at);
        Report { outcome, reason, status, excerpt, body_cut, retry_after: None, sent_at, duration, work: None }
    }

    fn limit(&self) -> String {
        let timeout: Duration = self.job.timeout;
        format!("{timeout:?}")
    }
}
