//! The only reader of "now". Everything else is handed a [`Clock`].

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{sync::watch, time::Instant};

/// A future that ends when its instant has come.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the time comes from: the machine, or a test.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, UTC. It may step in either direction.
    fn now(&self) -> DateTime<Utc>;

    /// Ends when the wall clock reads `instant` or later, also when the clock is stepped meanwhile.
    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_>;

    /// A clock that never steps, for measuring how long something took.
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock shared by the rooms of one process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// How long a wait may sleep before it looks at the wall clock again where no absolute timer exists: a step of the clock
/// is noticed within this.
#[cfg(not(target_os = "linux"))]
const SLICE: Duration = Duration::from_millis(100);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_> {
        Box::pin(system_sleep(*self, instant))
    }
}

#[cfg(target_os = "linux")]
async fn system_sleep(clock: SystemClock, instant: DateTime<Utc>) {
    while clock.now() < instant {
        if let Err(error) = absolute_timer(instant).await {
            tracing::debug!(%error, "no absolute timer, sleeping in slices");
            tokio::time::sleep(remaining(clock.now(), instant).min(Duration::from_millis(100))).await;
        }
    }
}

/// Waits on a timerfd set to an absolute `CLOCK_REALTIME` instant. A step of the clock wakes it (`ECANCELED`), and the
/// caller looks at the clock again.
#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "its flaw is types that lie about their descriptor; an OwnedFd cannot, and we forbid unsafe"
)]
async fn absolute_timer(instant: DateTime<Utc>) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let at = Timespec { tv_sec: instant.timestamp(), tv_nsec: i64::from(instant.timestamp_subsec_nanos()) };
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
        &Itimerspec { it_interval: never, it_value: at },
    )?;
    AsyncFd::with_interest(timer, Interest::READABLE)?.readable().await?.retain_ready();
    Ok(())
}

#[cfg(not(target_os = "linux"))]
async fn system_sleep(clock: SystemClock, instant: DateTime<Utc>) {
    while clock.now() < instant {
        tokio::time::sleep(remaining(clock.now(), instant).min(SLICE)).await;
    }
}

fn remaining(now: DateTime<Utc>, instant: DateTime<Utc>) -> Duration {
    (instant - now).to_std().unwrap_or_default()
}

/// A clock that runs on tokio's time (which a test may pause and advance) and can be stepped like a machine's.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Instant,
    base: Arc<watch::Sender<DateTime<Utc>>>,
}

impl VirtualClock {
    /// A clock that reads `now` at this moment of tokio's time.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { start: Instant::now(), base: Arc::new(watch::Sender::new(now)) }
    }

    /// Steps the wall clock by `delta`, as an operator or NTP does; the monotonic clock does not notice.
    pub fn step(&self, delta: TimeDelta) {
        self.base.send_modify(|base| *base += delta);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.base.borrow() + self.start.elapsed()
    }

    fn sleep_until(&self, instant: DateTime<Utc>) -> Sleep<'_> {
        let mut stepped = self.base.subscribe();
        Box::pin(async move {
            while self.now() < instant {
                let pause = remaining(self.now(), instant);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stepped.changed() => {}
                }
            }
        })
    }
}
