//! Tests of the rooms above run on tokio's paused clock, with this ledger.

use std::time::Duration;

use super::{super::conformance::*, Ledger};

/// While the ledger is opened, written or read, no virtual time passes: otherwise the first thing a paused clock does
/// during a write is to let everybody's timeouts pass.
#[tokio::test(start_paused = true)]
async fn virtual_time_stands_still_while_the_ledger_works() {
    let before = tokio::time::Instant::now();
    let timer = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
    let ledger = Ledger::new();
    let store = ledger.open().await;
    anchored(&store, &["a"]).await;
    for second in 1..=20 {
        let run = sent(&store, "a", second * 100).await;
        store.finish(t(second), vec![success(run)]).await.unwrap();
    }
    assert_eq!(store.cursors().await.unwrap().len(), 1);
    store.close().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(!timer.is_finished());
    timer.await.unwrap();
}
