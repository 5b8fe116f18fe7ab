//! Who waits for a run outlives the sidecar, and learns how it ended.

use rustix::process::Signal;

use super::working_app::WorkingApp;
use crate::support::sidecar::Sidecar;

/// `fire --wait` over a restart: a stop lets the run end, a kill leaves it unknown, and the exit code says which.
#[tokio::test]
async fn fire_waits_over_a_restart() {
    let app = WorkingApp::start();
    let jobs = "[jobs.slow]\nschedule = 'every 1d'\npath = '/takes/3000'\nhold = '1h'\n";
    let sidecar = Sidecar::new(app.address, jobs);
    let (mut running, address) = sidecar.operated().await;
    for (passes, signal, code, words) in
        [(1, Signal::TERM, Some(0), "succeeded, status 200"), (2, Signal::KILL, Some(1), "unknown (crash)")]
    {
        let restart = async {
            app.has("slow", passes).await;
            running.signal(signal);
            running.ended().await;
            sidecar.operated_at(address).await.0
        };
        let (fired, again) = tokio::join!(sidecar.ask(address, &["fire", "slow", "--wait"]), restart);
        assert!(fired.code == code && fired.stdout.contains(words), "{fired}");
        running = again;
    }
    assert_eq!((running.stop().await, app.passes().len()), (Some(0), 2));
}
