//! Apps that are not reached, in plain words.

use tokio::net::TcpListener;

use super::{doctor, finding, verdicts};
use crate::{
    dispatch::fake_app::{FakeApp, Reply},
    support::{
        process::{Done, run},
        sidecar::{SECRET, Sidecar},
    },
};

/// Asked about a target at this address.
async fn at(base_url: &str) -> Done {
    let sidecar = Sidecar::new(([127, 0, 0, 1], 9).into(), "");
    sidecar.define(&format!("[targets.app]\nbase_url = \"{base_url}\"\nwhoami = \"/me\"\n"));
    run(sidecar.command(&["doctor", "--json"])).await
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let done = doctor(address, "", SECRET, &["--json"]).await;
    assert_eq!((done.code, verdicts(&done)), (Some(1), vec!["reached: wrong".to_owned()]), "{done}");
    let words = finding(&done, "reached").1;
    assert!(words.contains(&format!("nobody listens at {address} Start the app")), "{words}");
}

/// `.invalid` never resolves (RFC 6761).
#[tokio::test]
async fn no_such_name() {
    let done = at("http://app.invalid:8000").await;
    let words = finding(&done, "reached").1;
    assert!(words.contains("http://app.invalid:8000/: the name `app.invalid` leads nowhere"), "{words}");
    assert!(words.contains("`base_url` of [targets.app]"), "{words}");
}

/// A socket of nobody's.
#[tokio::test]
async fn no_socket() {
    let done = at("unix:///nowhere/app.sock").await;
    let words = finding(&done, "reached").1;
    assert!(words.contains("nobody listens at /nowhere/app.sock: No such file"), "{words}");
    assert!(words.contains("a volume that both mount"), "{words}");
}

/// A listener that speaks no TLS, and one that speaks nothing.
#[tokio::test]
async fn somebody_listens_who_does_not_answer() {
    let app = FakeApp::replying(Reply::Closing(b"nonsense\r\n".to_vec())).await;
    let words = finding(&at(&app.url()).await, "reached").1;
    assert!(words.contains("it listens, and gives no answer to http: "), "{words}");
    let words = finding(&at(&app.url().replace("http:", "https:")).await, "reached").1;
    assert!(words.contains("gives no answer to https: ") && words.contains("write http:// in `base_url`"), "{words}");
}
