//! The requests about runs that are open beside theirs: looks at what apps took on, and calls to stop.

use std::{collections::HashMap, sync::Arc};

use tokio::task::{Id, JoinError, JoinSet};

use super::decisions::Event;
use crate::{
    dispatch::{Cancelled, Dispatcher, Inquiry, Polled},
    job::Call,
    run::{RunId, Work},
};

/// The event of a task that panicked.
type Panicked = fn(RunId) -> Event;

#[derive(Debug, Default)]
pub(super) struct Inquiries {
    open: JoinSet<Answer>,
    /// Which run a task asks about, and what its panic is.
    tasks: HashMap<Id, (RunId, Panicked)>,
}

#[derive(Debug)]
enum Answer {
    Polled(Polled),
    Cancelled(Cancelled),
}

impl Inquiries {
    pub(super) fn poll(&mut self, dispatcher: &Arc<Dispatcher>, inquiry: Inquiry, work: Arc<Work>) {
        let (dispatcher, run) = (Arc::clone(dispatcher), inquiry.run);
        let task = self.open.spawn(async move { Answer::Polled(dispatcher.poll(&inquiry, &work).await) });
        self.tasks.insert(task.id(), (run, |run| Event::Polled(run, None)));
    }

    pub(super) fn cancel(&mut self, dispatcher: &Arc<Dispatcher>, inquiry: Inquiry, call: Call) {
        let (dispatcher, run) = (Arc::clone(dispatcher), inquiry.run);
        let task = self.open.spawn(async move { Answer::Cancelled(dispatcher.cancel(&inquiry, &call).await) });
        self.tasks.insert(task.id(), (run, |run| Event::Cancelled(run, None)));
    }

    /// The next answer; never while nothing is asked.
    pub(super) async fn answered(&mut self) -> Event {
        loop {
            let Some(done) = self.open.join_next_with_id().await else { std::future::pending().await };
            let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            let Some((run, panicked)) = self.tasks.remove(&id) else { continue };
            return match done {
                Ok((_, Answer::Polled(polled))) => Event::Polled(run, Some(polled)),
                Ok((_, Answer::Cancelled(cancelled))) => Event::Cancelled(run, Some(cancelled)),
                Err(_) => panicked(run),
            };
        }
    }
}
