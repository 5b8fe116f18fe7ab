//! The authenticated self-check of a target: a dead secret is found at start, and not at 03:00 (seed A33).

use std::time::Duration;

use super::{
    Dispatcher,
    dispatcher::what_to_do,
    exchange::{Answer, Exchange},
    request::Call,
};
use crate::{credentials::Errand, job::Target, run::RunId};

/// An app that needs longer to say who is asking is as good as unreachable.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a target is not known to accept the credential. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum WhoamiError {
    /// The app refused the credential: every job of this target would fail.
    #[error("{words}")]
    Rejected {
        /// 401 or 403.
        status: u16,
        /// What to do.
        words: String,
    },
    /// The app answered something that says nothing of the credential.
    #[error(
        "target `{target}`: {path} answered {status}, which tells nothing: `whoami` must name a path that answers 2xx to whom the app knows"
    )]
    Unclear {
        /// The target's name.
        target: String,
        /// The path that was asked.
        path: String,
        /// What it answered.
        status: u16,
    },
    /// No complete answer: the app may not have started yet.
    #[error("target `{target}` is not reachable at {address}: {words}")]
    Unreachable {
        /// The target's name.
        target: String,
        /// Its base address, without userinfo.
        address: String,
        /// What went wrong.
        words: String,
    },
    /// There is nothing to ask with.
    #[error("target `{target}` cannot be asked: {words}")]
    Unaskable {
        /// The target's name.
        target: String,
        /// What is missing.
        words: String,
    },
}

impl Dispatcher {
    /// Asks `target` at `path` (its `whoami`) who Sexton is, with the credential that its jobs would show.
    ///
    /// # Errors
    /// Anything but a 2xx. A refusal counts among [`Self::rejections`].
    pub async fn whoami(&self, target: &Target, path: &str) -> Result<(), WhoamiError> {
        let asked = self.still_known(target, path).await;
        match &asked {
            Ok(()) => self.accepted(target),
            Err(WhoamiError::Rejected { status, .. }) => self.refused(target, *status),
            Err(_) => {}
        }
        asked
    }

    /// Asks the same after a job was refused: is it the credential, or only that job's path? The answer changes nothing in
    /// [`Self::rejections`], which count what jobs met (seed D5).
    ///
    /// # Errors
    /// Anything but a 2xx.
    pub async fn still_known(&self, target: &Target, path: &str) -> Result<(), WhoamiError> {
        let deadline = self.clock.monotonic() + LIMIT;
        let errand = Errand::of_no_job(RunId::new(self.clock.now(), self.entropy), LIMIT);
        let call = |secret: Option<&_>| Call::outside_runs("GET", target, path, secret, self.entropy);
        let name = || target.name.clone();
        match self.authenticated(target, &errand, deadline, call).await.result {
            Ok(Exchange::Answered { answer, .. }) => judge(target, path, &answer),
            Ok(Exchange::NotSent { words } | Exchange::Broken { words, .. }) => Err(self.unreachable(target, &words)),
            Ok(Exchange::TimedOut { .. }) => Err(self.unreachable(target, &format!("no answer within {LIMIT:?}"))),
            Err(unsendable) => Err(WhoamiError::Unaskable { target: name(), words: unsendable.to_string() }),
        }
    }

    fn unreachable(&self, target: &Target, words: &str) -> WhoamiError {
        let words = self.redactor(target, []).excerpt(words.as_bytes()).unwrap_or_default();
        WhoamiError::Unreachable { target: target.name.clone(), address: super::request::shown_address(target), words }
    }
}

fn judge(target: &Target, path: &str, answer: &Answer) -> Result<(), WhoamiError> {
    match answer.status {
        200..300 => Ok(()),
        status @ (401 | 403) => Err(WhoamiError::Rejected { status, words: what_to_do(target, status) }),
        status => Err(WhoamiError::Unclear { target: target.name.clone(), path: path.to_owned(), status }),
    }
}
