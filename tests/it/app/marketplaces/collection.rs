//! `POST`, `GET /api/marketplaces`, `DELETE /api/marketplaces/{name}`

use serde_json::json;

use super::sync_all;
use crate::support::{
    app::{TestApp, secret},
    origin::Origin,
};

#[tokio::test]
async fn a_marketplace_is_added_listed_and_removed() {
    let app = TestApp::start().await;
    let origin = Origin::with_commits(1);
    let shown = json!({ "name": "tools", "url": origin.url(), "commit": null, "synced_at": null });
    let body = json!({ "name": "tools", "url": origin.url() });
    let added = app.scheduler("POST", "/api/marketplaces").json(&body).send().await;
    assert_eq!((added.status, added.json()), (201, shown.clone()));
    assert_eq!(app.scheduler("GET", "/api/marketplaces").send().await.json(), json!([shown]));
    sync_all(&app).await;
    assert!(app.repository("tools").is_dir());
    assert_eq!(app.scheduler("DELETE", "/api/marketplaces/tools").send().await.status, 204);
    assert!(!app.repository("tools").exists());
    assert_eq!(app.scheduler("GET", "/api/marketplaces").send().await.json(), json!([]));
    app.scheduler("DELETE", "/api/marketplaces/tools").send().await.problem(404);
    app.stop().await;
}

#[tokio::test]
async fn a_name_is_taken_in_any_case() {
    let app = TestApp::start().await;
    app.add_marketplace("Tools", "https://example.org/r").await;
    let body = json!({ "name": "tools", "url": "https://example.org/other" });
    app.scheduler("POST", "/api/marketplaces").json(&body).send().await.problem(409);
    app.stop().await;
}

/// Everybody known may read; admins change.
#[tokio::test]
async fn changing_is_for_admins() {
    let app = TestApp::start().await;
    let ada = app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    let body = json!({ "name": "tools", "url": "https://example.org/r" });
    app.get("/api/marketplaces").send().await.problem(401);
    app.post("/api/marketplaces").json(&body).send().await.problem(401);
    app.post("/api/marketplaces").cookie(&bob).json(&body).send().await.problem(403);
    assert_eq!(app.post("/api/marketplaces").cookie(&ada).json(&body).send().await.status, 201);
    assert_eq!(app.get("/api/marketplaces").cookie(&bob).send().await.status, 200);
    for path in ["/api/marketplaces/sync-all", "/api/marketplaces/tools/sync"] {
        app.post(path).cookie(&bob).send().await.problem(403);
        app.post(path).send().await.problem(401);
    }
    app.call("DELETE", "/api/marketplaces/tools").cookie(&bob).send().await.problem(403);
    app.stop().await;
}

/// Addresses that would run a program or pass an option, names that would leave the folder.
#[tokio::test]
async fn dangerous_ones_are_refused() {
    let app = TestApp::start().await;
    let folder = app.folder();
    let marker = folder.join("ran");
    for url in [
        format!("ext::sh -c touch% {}", marker.display()),
        format!("--upload-pack=touch {}", marker.display()),
        "-u./payload".to_owned(),
        "ssh://-oProxyCommand=touch/r".to_owned(),
        "fd::17".to_owned(),
        "http://example.org/r".to_owned(),
        "https://example.org/r\nx".to_owned(),
        "/srv/r".to_owned(),
        String::new(),
    ] {
        let body = json!({ "name": "tools", "url": url });
        app.scheduler("POST", "/api/marketplaces").json(&body).send().await.problem(422);
    }
    for name in ["..", "../x", "a/b", "", "-x", "sync-all", "x_all"] {
        let body = json!({ "name": name, "url": "https://example.org/r" });
        app.scheduler("POST", "/api/marketplaces").json(&body).send().await.problem(422);
    }
    assert_eq!(app.value::<i64>("SELECT count(*) FROM marketplaces").await, 0);
    assert!(!marker.exists());
    app.stop().await;
}

/// Guarantee G5: the credential of an address is in the app's own database and nowhere else.
#[tokio::test]
async fn a_credential_is_never_shown() {
    let logs = crate::support::logs::Logs::capture();
    let app = TestApp::start().await;
    let closed = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let url = format!("https://ada:open-sesame@{closed}/r.git");
    let body = json!({ "name": "tools", "url": url });
    let mut seen = app.scheduler("POST", "/api/marketplaces").json(&body).send().await.body;
    assert!(seen.contains(&format!("https://***@{closed}/r.git")), "{seen}");
    let synced = sync_all(&app).await;
    assert_eq!(synced.status, 500);
    assert!(
        synced.json()["repositories"][0]["error"].as_str().unwrap().contains("fatal: unable to access"),
        "{synced:?}"
    );
    seen += &synced.body;
    seen += &app.scheduler("GET", "/api/marketplaces").send().await.body;
    let bad = json!({ "name": "other", "url": format!("{url}?x") });
    seen += &app.scheduler("POST", "/api/marketplaces").json(&bad).send().await.problem(422);
    seen += &serde_json::to_string(&app.audit().await).unwrap();
    seen += &logs.text();
    for hidden in ["sesame", "b3Blbi1zZXNhbWU", &secret()] {
        assert!(!seen.contains(hidden), "{hidden} in {seen}");
    }
    app.stop().await;
}
