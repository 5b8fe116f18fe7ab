//! What an app's log holds of a request, and of what it was asked about it since. All instants are on the clock that nobody
//! sets.

use chrono::{DateTime, Utc};
use sexton::{
    job::JobName,
    run::{RunId, Trigger},
};

type Instant = DateTime<Utc>;

/// One request, as the app saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) job: JobName,
    pub(crate) run: RunId,
    pub(crate) scheduled_for: Instant,
    pub(crate) attempt: u32,
    pub(crate) fence: u64,
    pub(crate) trigger: Trigger,
    pub(crate) received: Instant,
    /// When the app was done with it, whether anybody listened or not; `None` for never.
    pub(crate) finished: Option<Instant>,
    /// What the app answered while somebody listened.
    pub(crate) answer: Option<(Instant, u16)>,
    /// When the connection was over.
    pub(crate) closed: Instant,
    pub(crate) closed_by: Side,
    /// How it was asked after the work that it took on with a 202; `None` where it took none on.
    pub(crate) looks: Option<Vec<Look>>,
    /// How it was asked to stop.
    pub(crate) stops: Vec<Stop>,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The app: with an answer, or it broke.
    App,
    /// The sidecar, which waits no longer.
    Client,
    /// The end of the sidecar.
    Death,
}

/// A look at work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) asked: Instant,
    /// When the answer was there.
    pub(crate) at: Instant,
    pub(crate) said: Said,
    /// Whether the sidecar lived to hear it.
    pub(crate) heard: bool,
}

/// What an app says of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    AtIt,
    Done,
    Failed,
    /// 404.
    Unknown,
    /// 410.
    Gone,
    /// Nothing that tells anything.
    Nothing,
    /// Nobody knows: the code that asked panicked.
    Panicked,
}

/// A call to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) asked: Instant,
    /// When the answer was there.
    pub(crate) at: Instant,
    /// Whether the sidecar lived to hear it.
    pub(crate) heard: bool,
    /// Whether it said, to somebody who heard it, that it is not at it any more; which may be a lie.
    pub(crate) confirmed: bool,
}

impl Call {
    /// Whether the sidecar outlived the connection.
    pub(super) fn was_heard(&self) -> bool {
        self.closed_by != Side::Death
    }

    /// The looks at the work that the sidecar knows of: one that is open when the app answers whether it stops it tells
    /// nothing any more. One that is asked later is there because a crash took that answer away.
    pub(super) fn looks_heard(&self) -> impl Iterator<Item = &Look> {
        let about_work = self.stops.iter().filter(|stop| stop.heard && self.closed <= stop.asked);
        let over = about_work.map(|stop| stop.at).min();
        let is_cut_off = move |look: &&Look| over.is_some_and(|over| look.asked < over && over < look.at);
        self.looks.iter().flatten().filter(move |look| look.heard && !is_cut_off(look))
    }

    /// Whether the sidecar knows of work.
    pub(super) fn is_followed(&self) -> bool {
        self.looks.is_some() && self.answer.is_some() && self.was_heard()
    }

    /// Whether the app was taken at its word that it stopped. An open request says otherwise, and so does one that was not
    /// answered in time, by itself or by what stands before it.
    pub(super) fn is_stopped(&self, at: Instant) -> bool {
        let is_answered = self.closed <= at && self.closed_by == Side::App;
        let is_over = is_answered && !matches!(self.answer, Some((_, 408 | 502 | 504)));
        self.stops.iter().any(|stop| stop.confirmed && stop.at <= at && (is_over || self.is_followed()))
    }
}
