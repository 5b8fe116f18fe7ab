//! Puts what came of an attempt into words that can be kept.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Report,
    dispatcher::Unsendable,
    exchange::{Answer, Exchange},
    handover::Sent,
    redact::Redactor,
    verdict::{self, Verdict},
};
use crate::{
    job::Job,
    run::{Outcome, Reason},
};

/// One attempt that is over.
pub(super) struct Attempted<'a> {
    pub(super) job: &'a Job,
    /// Its number within the run.
    pub(super) number: u32,
    pub(super) begin: Instant,
    pub(super) end: Instant,
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
        }
    }

    fn answered(&self, sent: Option<Sent>, answer: &Answer) -> Report {
        let verdict = verdict::of_status(answer.status, &self.job.expect.status, self.number);
        let excerpt = match &answer.location {
            Some(location) if (300..400).contains(&answer.status) => {
                let mut text = format!("a redirect to {location}, which is not followed\n").into_bytes();
                text.extend_from_slice(&answer.body);
                self.redactor.excerpt(&text)
            }
            _ => self.redactor.excerpt(&answer.body),
        };
        let report = self.ended(verdict, sent, Some(answer.status), excerpt, answer.cut);
        Report { retry_after: answer.retry_after, ..report }
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
        Report { outcome, reason, status, excerpt, body_cut, retry_after: None, sent_at, duration }
    }

    fn limit(&self) -> String {
        let timeout: Duration = self.job.timeout;
        format!("{timeout:?}")
    }
}
