//! Sends orders and reports on them.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::{
    Order, Report,
    client::ClientError,
    clients::Clients,
    exchange::{Exchange, exchange},
    redact::{Redactor, percent_decoded},
    report::Attempted,
    request::{Call, RequestError},
    streaks::Streaks,
};
use crate::{
    clock::SharedClock,
    credentials::{CredentialError, Credentials, Errand, SIGNING_KEY_FILE, Shown, TOKEN, TOKEN_FILE},
    entropy::Entropy,
    job::{Auth, HeaderText, Job, Target},
    run::{Outcome, Reason},
    secret::Secret,
};

/// Makes attempts. Shared by all runs; knows nothing of them between two calls but how often in a row each target refused the
/// credential and each job was answered with nothing.
#[derive(Debug)]
pub struct Dispatcher {
    clients: Clients,
    pub(super) credentials: Arc<Credentials>,
    /// By target: refusals of the credential (401 and 403). Answers that say nothing of it do not count.
    refusals: Streaks,
    /// By job: a 200 that has no content.
    empty_answers: Streaks,
    pub(super) clock: SharedClock,
    pub(super) entropy: Entropy,
}

/// Why there was not even an exchange.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// What came of showing the credential, once or twice, and what was shown.
pub(super) struct Tried {
    pub(super) result: Result<Exchange, Unsendable>,
    pub(super) shown: Vec<Shown>,
}

impl Dispatcher {
    /// Sets up the HTTP client, with the platform's root certificates and Mozilla's.
    ///
    /// # Errors
    /// TLS or the client cannot be set up.
    pub fn new(credentials: Arc<Credentials>, clock: SharedClock, entropy: Entropy) -> Result<Self, ClientError> {
        let (refusals, empty_answers) = (Streaks::none(), Streaks::none());
        Ok(Self { clients: Clients::new()?, credentials, refusals, empty_answers, clock, entropy })
    }

    /// Makes one attempt, within the job's timeout. A 401 after which the file of the credential holds another one is
    /// answered with that one, once, as part of the same attempt (seed D3).
    pub async fn send(&self, order: &Order) -> Report {
        let job = &order.job;
        let begin = self.clock.monotonic();
        let deadline = begin + job.timeout;
        let errand = Errand {
            job: job.name.as_str(),
            run: order.run,
            fence: Some(order.fence),
            scopes: &job.scopes,
            life: job.timeout + job.hold + job.completion.poll().map_or(Duration::ZERO, |poll| poll.timeout),
        };
        let call = |secret: Option<&Secret>| Call::of_order(order, secret, self.entropy);
        let Tried { result, shown } = self.authenticated(&job.target, &errand, deadline, call).await;
        // After the exchange: a secret that came into force meanwhile is known too.
        let hidden = shown.iter().flat_map(Shown::hidden).chain(secret_headers(job));
        let redactor = self.redactor(&job.target, hidden);
        let (end, now) = (self.clock.monotonic(), self.clock.now());
        let report =
            Attempted { job, number: order.attempt, fence: order.fence, begin, end, now, redactor }.report(result);
        self.note(&job.target, &report);
        self.note_content(job, &report);
        report
    }

    /// How many requests in a row the target refused with 401 or 403; from the third on its health is degraded.
    #[must_use]
    pub fn rejections(&self, target: &str) -> u32 {
        self.refusals.of(target)
    }

    /// One exchange; a second one when the first was refused and there is something else to show by now.
    pub(super) async fn authenticated(
        &self,
        target: &Target,
        errand: &Errand<'_>,
        deadline: Instant,
        call: impl Fn(Option<&Secret>) -> Result<Call, RequestError>,
    ) -> Tried {
        let mut shown = Vec::new();
        let result = self.exchanges(target, errand, deadline, call, &mut shown).await;
        Tried { result, shown }
    }

    async fn exchanges(
        &self,
        target: &Target,
        errand: &Errand<'_>,
        deadline: Instant,
        call: impl Fn(Option<&Secret>) -> Result<Call, RequestError>,
        shown: &mut Vec<Shown>,
    ) -> Result<Exchange, Unsendable> {
        let first = self.once(target, errand, deadline, &call, shown).await?;
        match shown.last() {
            Some(refused) if first.is_unauthorized() && self.is_there_another(refused, deadline).await => {
                self.once(target, errand, deadline, &call, shown).await
            }
            _ => Ok(first),
        }
    }

    async fn once(
        &self,
        target: &Target,
        errand: &Errand<'_>,
        deadline: Instant,
        call: impl Fn(Option<&Secret>) -> Result<Call, RequestError>,
        shown: &mut Vec<Shown>,
    ) -> Result<Exchange, Unsendable> {
        let showing = self.credentials.show_after(shown.last(), &target.auth, errand, self.clock.now(), self.entropy);
        let stuck = |_elapsed| CredentialError::Interrupted("the time of the request was over".to_owned());
        let now_shown = timeout_at(deadline, showing).await.map_err(stuck)??;
        let call = call(now_shown.as_ref().map(Shown::secret))?;
        shown.extend(now_shown);
        self.carry(target, call, deadline).await
    }

    /// Sends `call` the way that leads to the target, and waits for the answer.
    pub(super) async fn carry(&self, target: &Target, call: Call, deadline: Instant) -> Result<Exchange, Unsendable> {
        let Ok(client) = timeout_at(deadline, self.clients.of(&target.wire)).await else {
            return Ok(Exchange::NotSent { words: "the time was over before the target's files were read".to_owned() });
        };
        Ok(exchange(&client?, &self.clock, call, deadline).await)
    }

    async fn is_there_another(&self, refused: &Shown, deadline: Instant) -> bool {
        timeout_at(deadline, self.credentials.another(refused)).await.unwrap_or(false)
    }

    /// Counts refusals, and is loud about the third in a row.
    fn note(&self, target: &Target, report: &Report) {
        match (report.outcome, report.reason, report.status) {
            (Outcome::Succeeded, ..) => self.accepted(target),
            _ if report.work.is_some() => self.accepted(target),
            (_, Some(Reason::Credential), Some(status)) => self.refused(target, status),
            _ => {}
        }
    }

    /// An endpoint that answers 200 with nothing may do nothing: the third in a row is said (seed D13). 204 and HEAD have no
    /// content by their nature.
    fn note_content(&self, job: &Job, report: &Report) {
        if (report.outcome, report.status) != (Outcome::Succeeded, Some(200)) || job.method == "HEAD" {
            return;
        }
        if report.excerpt.is_some() {
            return self.empty_answers.reset(job.name.as_str());
        }
        if let Some(count) = self.empty_answers.add(job.name.as_str()) {
            tracing::warn!(
                job = %job.name, count,
                "the app keeps answering 200 with an empty body: `expect` (json, contains) can demand content, and a 204 \
                 says that there is none"
            );
        }
    }

    pub(super) fn refused(&self, target: &Target, status: u16) {
        if let Some(count) = self.refusals.add(&target.name) {
            let what_to_do = what_to_do(target, status);
            tracing::error!(target_name = %target.name, status, count, "the app keeps refusing the credential: {what_to_do}");
        }
    }

    pub(super) fn accepted(&self, target: &Target) {
        self.refusals.reset(&target.name);
    }

    /// Knows every secret of the sidecar, the target's userinfo, and `more`.
    pub(super) fn redactor<'a>(&self, target: &Target, more: impl IntoIterator<Item = &'a str>) -> Redactor {
        let known = self.credentials.known();
        let password = target.base_url.password().unwrap_or_default();
        let decoded = Zeroizing::new(String::from_utf8_lossy(&percent_decoded(password)).into_owned());
        let mut all: Vec<&str> = known.iter().map(Secret::expose).chain([password, decoded.as_str()]).collect();
        for secret in more {
            all.push(secret);
        }
        Redactor::new(all)
    }
}

/// The values of the job's headers that are never shown.
pub(super) fn secret_headers(job: &Job) -> impl Iterator<Item = &str> {
    job.headers.iter().flat_map(|(_, text)| match text {
        HeaderText::Secret { text, value } => vec![text.expose(), value.expose()],
        HeaderText::Plain(_) => Vec::new(),
    })
}

/// The one place that tells an operator how to mend a refused credential.
#[must_use]
pub fn what_to_do(target: &Target, status: u16) -> String {
    let Target { name, auth, .. } = target;
    match (auth, status) {
        (Auth::None, _) => {
            format!(
                "target `{name}` has auth = \"none\", and the app answered {status}: give the target an auth it accepts"
            )
        }
        (Auth::TokenFile { path, .. }, 403) => format!(
            "the app knows the token of {} and forbids this request (403): ask whoever issues it for the right, or ask \
             for another path",
            path.display()
        ),
        (Auth::TokenFile { path, .. }, _) => format!(
            "the app does not know the token of {} ({status}): whoever issues it has to write a new one there \
             (`sexton token store FILE` does it from standard input); it is read at the next refusal",
            path.display()
        ),
        (Auth::RunToken(tokens), 403) => format!(
            "the app knows the run tokens and forbids this request (403): give it the scope in [targets.{name}] and in \
             the job ({}), or ask for another path; a `whoami` is asked without any scope",
            if tokens.scopes.is_empty() { "there are none".to_owned() } else { tokens.scopes.join(", ") }
        ),
        (Auth::RunToken(tokens), _) => format!(
            "the app does not take the run tokens ({status}): it has to expect the issuer {} and the audience {}, to know \
             the public key (KEY.jwks next to the file of {SIGNING_KEY_FILE}, or /.well-known/jwks.json) or the secrets, \
             and to have the same time (`sexton doctor` compares the clocks)",
            tokens.issuer, tokens.audience
        ),
        (Auth::SharedSecret { .. }, 403) => format!(
            "the app knows the secret of {TOKEN} or {TOKEN_FILE} and forbids this request (403): give the scheduler's user \
             the right, or ask for another path"
        ),
        (Auth::SharedSecret { .. }, _) => format!(
            "the app does not know the secret of {TOKEN} or {TOKEN_FILE} ({status}): give Sexton and the app the same one \
             (`sexton secret check` shows where it is loaded from and how long it is); a changed file is read at the next \
             refusal, a changed variable needs a restart of both"
        ),
    }
}
