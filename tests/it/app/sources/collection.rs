//! `POST`, `GET /api/sources`, `DELETE /api/sources/{name}`

use serde_json::json;

use super::{add, data, refresh, write};
use crate::support::app::{TestApp, secret};

#[tokio::test]
async fn a_source_is_added_listed_and_removed() {
    let app = TestApp::start().await;
    write(&app, "prices.csv", "id,price\n1,9\n2,8\n");
    add(&app, json!({ "name": "prices", "file": "prices.csv" })).await;
    let list = async || app.scheduler("GET", "/api/sources").send().await.json();
    let shown = json!([{ "name": "prices", "from": "file:prices.csv", "format": "csv", "import": null }]);
    assert_eq!(list().await, shown);
    refresh(&app).await;
    let import = list().await[0]["import"].clone();
    assert_eq!((&import["rows"], &import["bytes"]), (&json!(2), &json!(17)));
    assert_eq!(import["imported_at"], import["checked_at"]);
    assert_eq!(app.call("DELETE", "/api/sources/prices").bearer(&secret()).send().await.status, 204);
    assert_eq!(list().await, json!([]));
    let left = "SELECT (SELECT count(*) FROM sqlite_master WHERE name = 'prices') + (SELECT count(*) FROM _imports)";
    assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(&mut data(&app).await).await.unwrap(), 0);
    app.call("DELETE", "/api/sources/prices").bearer(&secret()).send().await.problem(404);
    // Nothing of the old one counts for a new one of the same name.
    add(&app, json!({ "name": "prices", "file": "prices.csv" })).await;
    assert_eq!(refresh(&app).await["result"]["imported"], 1);
    app.stop().await;
}

/// Seed C15.
#[tokio::test]
async fn what_cannot_be_a_source_is_pointed_at() {
    let app = TestApp::start().await;
    for (body, pointer) in [
        (json!({ "name": "Prices", "file": "a.csv" }), "#/name"),
        (json!({ "name": "a" }), "#/url"),
        (json!({ "name": "a", "file": "a.csv", "url": "https://example.org/a.csv" }), "#/url"),
        (json!({ "name": "a", "file": "../app.db", "format": "csv" }), "#/file"),
        (json!({ "name": "a", "file": "/etc/passwd", "format": "csv" }), "#/file"),
        (json!({ "name": "a", "url": "file:///etc/passwd", "format": "csv" }), "#/url"),
        (json!({ "name": "a", "url": "gopher://inner:6379/x", "format": "csv" }), "#/url"),
        (json!({ "name": "a", "file": "a.xml" }), "#/format"),
        (json!({ "name": "a", "file": "a.csv", "format": "xml" }), "#/format"),
        (json!({ "name": "a", "file": "a.csv", "fromat": "csv" }), "#/fromat"),
    ] {
        let reply = app.scheduler("POST", "/api/sources").json(&body).send().await;
        reply.problem(422);
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{reply:?}");
    }
    add(&app, json!({ "name": "a", "file": "a.csv" })).await;
    let again = json!({ "name": "a", "file": "b.csv" });
    app.scheduler("POST", "/api/sources").json(&again).send().await.problem(409);
    let job = json!({ "kind": "data-refresh", "sources": ["a", "b"] });
    let reply = app.scheduler("POST", "/api/jobs").json(&job).send().await;
    assert!(reply.problem(422).contains("`b`"), "{reply:?}");
    assert_eq!(reply.json()["errors"][0]["pointer"], "#/sources/1");
    let none = json!({ "kind": "data-refresh", "sources": [] });
    app.scheduler("POST", "/api/jobs").json(&none).send().await.problem(422);
    app.stop().await;
}

/// Everybody known may read; admins change.
#[tokio::test]
async fn changing_is_for_admins() {
    let app = TestApp::start().await;
    app.person("ada@example.org").await;
    let bob = app.person("bob@example.org").await;
    let body = json!({ "name": "a", "file": "a.csv" });
    app.get("/api/sources").send().await.problem(401);
    app.post("/api/sources").json(&body).send().await.problem(401);
    app.post("/api/sources").cookie(&bob).json(&body).send().await.problem(403);
    add(&app, body).await;
    assert_eq!(app.get("/api/sources").cookie(&bob).send().await.status, 200);
    app.call("DELETE", "/api/sources/a").cookie(&bob).send().await.problem(403);
    app.stop().await;
}

/// Guarantee G5: the credential in an address is neither shown nor logged.
#[tokio::test]
async fn an_address_hides_its_credential() {
    let logs = crate::support::logs::Logs::capture();
    let app = TestApp::start().await;
    let url = "http://ada:sesame@127.0.0.1:1/p.csv?key=sesame";
    add(&app, json!({ "name": "prices", "url": url })).await;
    let list = app.scheduler("GET", "/api/sources").send().await;
    assert_eq!(list.json()[0]["from"], "http://***@127.0.0.1:1/p.csv?***");
    let job = refresh(&app).await;
    app.stop().await;
    for text in [list.body, job.to_string(), logs.text()] {
        assert!(!text.contains("sesame"), "{text}");
    }
}
