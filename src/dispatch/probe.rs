//! One question to an app outside any run, for `sexton doctor`: asked with the client, the credentials and the rules that
//! jobs have.

use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::TimeDelta;
use tokio::time::Instant;

use super::{
    Dispatcher,
    dispatcher::{Tried, Unsendable},
    exchange::{Answer, Exchange},
    handover::Sent,
    redact::Redactor,
    request::Call,
};
use crate::{
    credentials::{CredentialError, Errand, Shown},
    job::{Auth, Target},
    run::RunId,
    secret::Secret,
};

/// Who needs longer than that for a question is as good as not there.
const LIMIT: Duration = Duration::from_secs(10);

/// A question; never the request of a job.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path on the target.
    pub path: &'a str,
    /// What the request shows.
    pub showing: Showing,
    /// What a run token that it shows may do. Nothing else that is shown knows of scopes.
    pub scopes: &'a [String],
}

/// What a question shows of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// Nothing at all.
    Nothing,
    /// What the jobs of the target show.
    Credential,
    /// Something of the same form that no app may take for it.
    Forged,
}

/// What the app answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// Where a redirect points; redacted.
    pub location: Option<String>,
    /// By how much the app's clock is ahead of this one, from its `Date`, which knows whole seconds. `None`: it sent none.
    pub ahead: Option<TimeDelta>,
}

/// Why there is no answer. Everything in it is redacted.
#[derive(Debug, thiserror::Error)]
pub enum Untold {
    /// There is nothing to show.
    #[error(transparent)]
    Credential(CredentialError),
    /// No connection came about, or no request can be made of it.
    #[error("{0}")]
    NotSent(String),
    /// There was a connection, and no complete answer.
    #[error("{0}")]
    Unanswered(String),
}

impl Dispatcher {
    /// Asks `target`, within 10 s.
    ///
    /// # Errors
    /// No complete answer.
    pub async fn ask(&self, target: &Target, question: Question<'_>) -> Result<Told, Untold> {
        let deadline = self.clock.monotonic() + LIMIT;
        let Tried { result, shown } = self.asked(target, question, deadline).await;
        let redactor = self.redactor(target, shown.iter().flat_map(Shown::hidden));
        let words = |words: &str| redactor.excerpt(words.as_bytes()).unwrap_or_default();
        match result {
            Ok(Exchange::Answered { sent, answer }) => Ok(self.told(sent, &answer, &redactor)),
            Ok(Exchange::NotSent { words: why }) => Err(Untold::NotSent(words(&why))),
            Ok(Exchange::Broken { words: why, .. }) => Err(Untold::Unanswered(words(&why))),
            Ok(Exchange::TimedOut { .. }) => Err(Untold::Unanswered(format!("no complete answer within {LIMIT:?}"))),
            Err(Unsendable::Credential(error)) => Err(Untold::Credential(error)),
            Err(error) => Err(Untold::NotSent(words(&error.to_string()))),
        }
    }

    async fn asked(&self, target: &Target, question: Question<'_>, deadline: Instant) -> Tried {
        let Question { method, path, showing, scopes } = question;
        let call = |secret: Option<&Secret>| Call::outside_runs(method, target, path, secret, self.entropy);
        let errand = Errand { scopes, ..Errand::of_no_job(RunId::new(self.clock.now(), self.entropy), LIMIT) };
        let forged = match showing {
            Showing::Credential => return self.authenticated(target, &errand, deadline, call).await,
            Showing::Forged => self.forged(&target.auth, &errand).await.map(Some),
            Showing::Nothing => Ok(None),
        };
        let call = forged.map_err(Unsendable::from).and_then(|secret| Ok(call(secret.as_ref())?));
        let result = match call {
            Ok(call) => self.carry(target, call, deadline).await,
            Err(error) => Err(error),
        };
        Tried { result, shown: Vec::new() }
    }

    /// A secret that nobody has; for run tokens one that is right in everything but its signature.
    async fn forged(&self, auth: &Auth, errand: &Errand<'_>) -> Result<Secret, CredentialError> {
        let genuine = match auth {
            Auth::RunToken(_) => self.credentials.show(auth, errand, self.clock.now(), self.entropy).await?,
            Auth::SharedSecret { .. } | Auth::TokenFile { .. } | Auth::None => None,
        };
        let forged = genuine.as_ref().and_then(|shown| {
            let (message, signature) = shown.secret().expose().rsplit_once('.')?;
            let length = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?.len();
            let noise = self.entropy.bytes::<64>();
            Some(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(&noise[..length.min(noise.len())])))
        });
        Ok(Secret::new(forged.unwrap_or_else(|| self.entropy.hex::<32>())))
    }

    fn told(&self, sent: Option<Sent>, answer: &Answer, redactor: &Redactor) -> Told {
        let now = self.clock.now();
        let asked = sent.map_or(now, |sent| sent.at);
        // The answer was written in the middle of the exchange, and in the middle of the second that `Date` names.
        let here = asked + (now - asked) / 2;
        let ahead = answer.date.map(|date| date + TimeDelta::milliseconds(500) - here);
        let location = answer.location.as_deref().and_then(|location| redactor.excerpt(location.as_bytes()));
        Told { status: answer.status, location, ahead }
    }
}
