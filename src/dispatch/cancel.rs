//! Asking an app to stop a run.

use super::{
    Dispatcher, Inquiry,
    exchange::{Answer, Exchange},
};
use crate::job::Call;

/// What an app said to being asked to stop a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It does not work on the run any more: it stopped (2xx), or knows of nothing to stop (404).
    Confirmed {
        /// The answer's status.
        status: u16,
    },
    /// It may still work on the run.
    NotConfirmed {
        /// Why, without secrets.
        words: String,
    },
}

impl Dispatcher {
    /// Asks the app to stop the run, within 30 s, with `call` from [`stop_call`](super::stop_call). A run token is minted
    /// for it; a 401 is answered with another credential as any is.
    pub async fn cancel(&self, inquiry: &Inquiry, call: &Call) -> Cancelled {
        let (tried, redactor) = self.inquire(inquiry, call).await;
        let words = match tried.result {
            Ok(Exchange::Answered { answer: Answer { status: status @ (200..300 | 404), .. }, .. }) => {
                return Cancelled::Confirmed { status };
            }
            Ok(Exchange::Answered { answer, .. }) => format!("the app answered {}", answer.status),
            Ok(Exchange::NotSent { words } | Exchange::Broken { words, .. }) => words,
            Ok(Exchange::TimedOut { .. }) => format!("no answer within {:?}", super::inquiry::LIMIT),
            Err(unsendable) => unsendable.to_string(),
        };
        Cancelled::NotConfirmed { words: redactor.excerpt(words.as_bytes()).unwrap_or_default() }
    }
}
