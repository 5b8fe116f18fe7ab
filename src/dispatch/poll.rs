//! Asking how far work is that an app took on with a 202.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    Dispatcher, Inquiry, Report,
    dispatcher::what_to_do,
    exchange::{Answer, Exchange},
    expect::{clip, unmet},
    redact::Redactor,
    verdict::Verdict,
};
use crate::{
    job::Call,
    run::{Outcome, Reason, Work},
};

/// What came of one look at an app's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// The app is at it.
    Pending {
        /// How far it is, in the app's words.
        progress: Option<String>,
        /// How long the app asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Nothing was learned: it is asked again.
    Unclear {
        /// What went wrong.
        words: String,
        /// How long the app asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The app does not know the work (404). It may not know it yet, or something before it answered; said again and
    /// again it is how the run ends.
    Missing(Report),
    /// The work is over, or nothing more is to be learned of it.
    Over(Report),
}

impl Dispatcher {
    /// Asks once, within 30 s, with a run token of its own; a 401 is answered with another credential as any is.
    pub async fn poll(&self, inquiry: &Inquiry, work: &Work) -> Polled {
        let call = Call { method: "GET".to_owned(), path: work.path.clone() };
        let (tried, redactor) = self.inquire(inquiry, &call).await;
        let look = Look { inquiry, work, redactor };
        match tried.result {
            Ok(Exchange::Answered { answer, .. }) => {
                self.note_answer(inquiry, answer.status);
                look.judge(&answer, self.clock.now())
            }
            Ok(Exchange::NotSent { words } | Exchange::Broken { words, .. }) => look.unclear(&words, None),
            Ok(Exchange::TimedOut { .. }) => {
                look.unclear(&format!("no complete answer within {:?}", super::inquiry::LIMIT), None)
            }
            Err(unsendable) => look.unclear(&unsendable.to_string(), None),
        }
    }

    fn note_answer(&self, inquiry: &Inquiry, status: u16) {
        match status {
            401 | 403 => self.refused(&inquiry.job.target, status),
            200..300 => self.accepted(&inquiry.job.target),
            _ => {}
        }
    }
}

/// One look.
struct Look<'a> {
    inquiry: &'a Inquiry,
    work: &'a Work,
    redactor: Redactor,
}

impl Look<'_> {
    fn judge(&self, answer: &Answer, now: DateTime<Utc>) -> Polled {
        let unknown = |reason| (Outcome::Unknown, Some(reason));
        match answer.status {
            200..300 => self.judge_state(answer, now),
            status @ (401 | 403) => self.unclear(&what_to_do(&self.inquiry.job.target, status), answer.retry_after),
            404 => Polled::Missing(self.report(
                unknown(Reason::UnknownStatus),
                answer,
                now,
                "the app does not know the work",
            )),
            300..=399 => {
                let to = answer.location.as_deref().unwrap_or("nowhere");
                let words = format!("a redirect to {to}, which is not followed");
                Polled::Over(self.report(unknown(Reason::PollRefused), answer, now, &words))
            }
            status @ (408 | 425 | 429 | 500..) => {
                self.unclear(&format!("the app answered {status}"), answer.retry_after)
            }
            410 => Polled::Over(self.report(unknown(Reason::UnknownStatus), answer, now, "the work is gone")),
            status => {
                let words = format!("asked how far the work is, the app answered {status}");
                Polled::Over(self.report(unknown(Reason::UnknownStatus), answer, now, &words))
            }
        }
    }

    fn judge_state(&self, answer: &Answer, now: DateTime<Utc>) -> Polled {
        let work = self.work;
        let document: Value = match serde_json::from_slice(&answer.body) {
            Ok(document) => document,
            Err(error) => return self.unclear(&format!("the answer is no JSON: {error}"), answer.retry_after),
        };
        let Some(state) = document.pointer(&work.state).and_then(text) else {
            return self.unclear(&format!("the answer has no state at `{}`", work.state), answer.retry_after);
        };
        if work.failure.contains(&state) {
            let words = format!("the work ended as \"{state}\"");
            return Polled::Over(self.report((Outcome::Failed, Some(Reason::Status)), answer, now, &words));
        }
        if !work.success.contains(&state) {
            let progress = document.pointer(&work.progress).and_then(text);
            return Polled::Pending {
                progress: progress.and_then(|text| self.shown(&text)),
                retry_after: answer.retry_after,
            };
        }
        Polled::Over(match unmet(&self.inquiry.job.expect, answer, &self.redactor) {
            None => self.report((Outcome::Succeeded, None), answer, now, ""),
            Some(words) => self.report((Outcome::Failed, Some(Reason::Expect)), answer, now, &words),
        })
    }

    fn unclear(&self, words: &str, retry_after: Option<Duration>) -> Polled {
        Polled::Unclear { words: self.shown(words).unwrap_or_default(), retry_after }
    }

    /// Redacted before it is cut: half a secret would not be found again.
    fn shown(&self, text: &str) -> Option<String> {
        self.redactor.excerpt(text.as_bytes()).map(|text| clip(&text))
    }

    fn report(&self, (outcome, reason): Verdict, answer: &Answer, now: DateTime<Utc>, words: &str) -> Report {
        Report {
            outcome,
            reason,
            status: Some(answer.status),
            excerpt: self.redactor.excerpt_with(words, &answer.body),
            body_cut: answer.cut,
            retry_after: answer.retry_after,
            sent_at: Some(self.work.since),
            duration: (now - self.work.since).to_std().unwrap_or_default(),
            work: None,
        }
    }
}

/// A JSON value as a word: what is no text is written as JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
