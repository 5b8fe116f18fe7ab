//! How somebody asks a running scheduler for something, and hears what came of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};

use super::decisions::{Command, Done, Refused, Ticket};

/// How many questions may wait.
const WAITING: usize = 64;
/// How long one waits for its answer: over a panic of the loop and its new beginning, if that is the only one.
const PATIENCE: Duration = Duration::from_secs(10);

type Answer = Result<Done, Refused>;

/// The way to a running scheduler. Cheap to clone; it survives every new beginning of the loop.
#[derive(Debug, Clone)]
pub struct Handle(mpsc::Sender<Question>);

/// The scheduler's end of it.
#[derive(Debug, Clone)]
pub struct Commands(Arc<Mutex<mpsc::Receiver<Question>>>);

#[derive(Debug)]
struct Question {
    command: Command,
    asker: oneshot::Sender<Answer>,
}

impl Handle {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Self, Commands) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), Commands(Arc::new(Mutex::new(receiver))))
    }

    /// Has `command` carried out.
    ///
    /// # Errors
    /// Why it was not, or that nobody can tell.
    pub async fn ask(&self, command: Command) -> Answer {
        let (asker, answer) = oneshot::channel();
        let asked = async {
            let question = Question { command, asker };
            self.0.send(question).await.map_err(|_stopped| Refused::NotFiring)?;
            answer.await.unwrap_or(Err(Refused::Interrupted))
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(Refused::Interrupted))
    }
}

impl Commands {
    /// Where one life of the loop takes questions. The next life waits here until this one is over.
    pub(super) async fn desk(&self) -> Desk {
        Desk { questions: Arc::clone(&self.0).lock_owned().await, askers: HashMap::new(), last: 0 }
    }
}

/// The questions of one life of the loop. With it goes whoever still waits: they hear that it was interrupted.
#[derive(Debug)]
pub(super) struct Desk {
    questions: OwnedMutexGuard<mpsc::Receiver<Question>>,
    askers: HashMap<Ticket, oneshot::Sender<Answer>>,
    last: Ticket,
}

impl Desk {
    /// The next question; `None` once nobody can ask any more.
    pub(super) async fn next(&mut self) -> Option<(Ticket, Command)> {
        loop {
            let Question { command, asker } = self.questions.recv().await?;
            // Who stopped waiting was told that nobody can tell: now nothing is done.
            if asker.is_closed() {
                continue;
            }
            self.last += 1;
            self.askers.insert(self.last, asker);
            return Some((self.last, command));
        }
    }

    /// An asker that went away does not want to know.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        if let Some(asker) = self.askers.remove(&ticket) {
            drop(asker.send(answer));
        }
    }
}
