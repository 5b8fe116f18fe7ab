//! The real program against a real app that keeps a log, held to the same rules as a simulated day.

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;

use super::{
    check::{Call, Clock, Deeds, History, Kind, Reign, Said, Side, Trouble, Violation, check},
    dice::Dice,
    variable,
    witness::{Witness, now},
};
use crate::support::{
    definitions::definitions,
    sidecar::{Running, Sidecar},
    world::{millis, secs},
};

/// How often a run of all tests kills it; `just kill9` does it 200 times.
const ROUNDS: u64 = 20;

/// How late a machine under load may make whatever it does. Around a death it is no wonder that something is missed: what the
/// sidecar then sends instead, simulated days tell to the second.
const SLOWNESS: TimeDelta = secs(30);

/// A sidecar that is started again and again.
struct Campaign {
    witness: Witness,
    sidecar: Sidecar,
    text: String,
    timeout: TimeDelta,
    begin: DateTime<Utc>,
    reigns: Vec<Reign>,
    troubles: Vec<Trouble>,
    deaths: Vec<DateTime<Utc>>,
    /// When it had ended as it was asked to.
    stopped: Vec<DateTime<Utc>>,
}

impl Campaign {
    /// `jobs` follows the target; every job has this timeout.
    async fn of(jobs: &str, timeout: TimeDelta) -> Self {
        let witness = Witness::start().await;
        let text = format!("[targets.app]\nbase_url = \"http://{}\"\nauth = \"none\"\n{jobs}", witness.address);
        let sidecar = Sidecar::new(witness.address, "");
        sidecar.define(&text);
        let begin = now();
        Self {
            witness,
            sidecar,
            text,
            timeout,
            begin,
            reigns: Vec::new(),
            troubles: Vec::new(),
            deaths: Vec::new(),
            stopped: Vec::new(),
        }
    }

    async fn start(&mut self) -> Running {
        self.reigns.push(Reign { since: now(), definitions: definitions(&self.text), took: true });
        let (running, _) = self.sidecar.run().await;
        if let Some(trouble) = self.troubles.last_mut() {
            trouble.to = now() + SLOWNESS;
        }
        running
    }

    async fn kill(&mut self, mut running: Running) {
        self.deaths.push(now());
        running.signal(Signal::KILL);
        assert_eq!(running.ended().await, None);
        self.down_since(now());
    }

    /// Whether a connection that nobody answered was over because the sidecar died, and not because that had waited its
    /// time out. The app hears of both late on a busy machine.
    fn died_with(&self, call: &Call) -> bool {
        let was_killed = self.deaths.iter().any(|death| call.received <= *death && *death <= call.closed);
        was_killed && call.closed - call.received < self.timeout - millis(300)
    }

    async fn stop(&mut self, mut running: Running) {
        let begun = now();
        assert_eq!(running.stop().await, Some(0));
        self.stopped.push(now());
        self.down_since(begun);
    }

    fn down_since(&mut self, at: DateTime<Utc>) {
        self.troubles.push(Trouble { from: at - SLOWNESS, to: at + secs(3_600), kind: Kind::Ill });
    }

    /// What came of it, once the app is done with everything.
    async fn violations(self) -> Vec<Violation> {
        let end = now();
        self.witness.is_idle().await;
        let mut calls = self.witness.calls();
        for call in &mut calls {
            if call.closed_by == Side::Death && !self.died_with(call) {
                call.closed_by = Side::Client;
            }
        }
        let mut history = History {
            clock: Clock::right_from(self.begin),
            reigns: self.reigns,
            troubles: self.troubles,
            calls,
            rows: Vec::new(),
            evidence: Vec::new(),
            fates: Vec::new(),
            deeds: Deeds::default(),
            deaths: self.deaths.into_iter().chain(self.stopped).collect(),
            graces: Vec::new(),
            stalls: Vec::new(),
            unsent: Vec::new(),
            slowness: SLOWNESS,
            end,
        };
        let address = format!("sqlite://{}", self.sidecar.path("sexton.db").display());
        let store = sexton::store::open_read_only(&address).await.unwrap();
        history.read(store.as_ref()).await;
        store.close().await;
        check(&history)
    }
}

/// Jobs of every kind, often enough that each second has some.
fn many_jobs() -> String {
    let mut jobs = String::from(
        "[sexton]\nlate_limit = \"1s\"\n[defaults]\ntimeout = \"2s\"\nhold = \"3s\"\n[groups.narrow]\nconcurrency = 2\n",
    );
    for number in 0..60 {
        let overlap = if number % 6 == 0 { "allow" } else { "skip" };
        let catch_up = if number % 2 == 0 { "latest" } else { "none" };
        let every = 1 + number % 3;
        jobs += &format!(
            "[jobs.j{number}]\nschedule = \"every {every}s\"\noverlap = \"{overlap}\"\ncatch_up = \"{catch_up}\"\n\
             path = \"/mixed\"\n"
        );
    }
    for number in 0..6 {
        for (kind, path, keys) in [
            ("queue", "/mixed", "overlap = \"queue\""),
            ("retry", "/again", "retry = { attempts = 3, initial = \"1s\", max = \"2s\" }"),
            ("group", "/mixed", "group = \"narrow\""),
            ("poll", "/later", "completion = \"poll\"\npoll = { interval = \"1s\", timeout = \"20s\" }"),
        ] {
            let every = 2 + number % 4;
            jobs += &format!("[jobs.{kind}{number}]\nschedule = \"every {every}s\"\npath = \"{path}\"\n{keys}\n");
        }
    }
    jobs
}

/// Guarantees G1, G2, G3; seeds A22, D11: killed at any moment under load, by the app's own log.
#[tokio::test]
async fn killed_again_and_again_it_loses_and_doubles_nothing() {
    let rounds = variable("SEXTON_KILL_ROUNDS").unwrap_or(ROUNDS);
    let mut campaign = Campaign::of(&many_jobs(), secs(2)).await;
    let mut dice = Dice::of(rounds);
    for _ in 0..rounds {
        let running = campaign.start().await;
        let more = usize::try_from(1 + dice.below(30)).unwrap();
        campaign.witness.has(campaign.witness.count() + more).await;
        // Not a wait for anything: the moment is what is tried.
        tokio::time::sleep(dice.span(millis(0), millis(80)).to_std().unwrap()).await;
        campaign.kill(running).await;
    }
    let running = campaign.start().await;
    campaign.witness.has(campaign.witness.count() + 200).await;
    campaign.stop(running).await;
    let calls = campaign.witness.calls();
    assert!(calls.iter().any(|call| call.attempt > 1), "something was tried again");
    let ended = |call: &Call| call.looks.iter().flatten().any(|look| look.said == Said::Done);
    assert!(calls.iter().any(ended), "some work was followed to its end");
    assert_eq!(campaign.violations().await, [], "{} calls", calls.len());
}

/// Guarantee G3, by the app's own log: it takes 2.5 times the timeout, and never has two passes of a job at once.
async fn never_two_at_once(keys: &str, interruptions: &[Signal]) {
    let slow = "[jobs.slow]\nschedule = \"every 1s\"\npath = \"/takes/2500\"\ntimeout = \"1s\"\nhold = \"3s\"\n";
    let mut campaign = Campaign::of(&format!("{slow}{keys}"), secs(1)).await;
    let mut running = campaign.start().await;
    for (number, signal) in interruptions.iter().enumerate() {
        campaign.witness.has(1 + number).await;
        match *signal {
            Signal::KILL => campaign.kill(running).await,
            _ => campaign.stop(running).await,
        }
        running = campaign.start().await;
    }
    campaign.witness.has(3 + interruptions.len()).await;
    campaign.stop(running).await;
    assert_eq!(campaign.violations().await, []);
}

#[tokio::test]
async fn an_app_that_outlasts_the_timeout_has_one_pass_at_a_time() {
    never_two_at_once("", &[]).await;
}

#[tokio::test]
async fn and_so_over_restarts() {
    never_two_at_once("", &[Signal::KILL, Signal::TERM, Signal::KILL]).await;
}
