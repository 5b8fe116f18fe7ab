//! A request that comes twice.

use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    example,
    example::{Example, python_in_example},
    python,
};
use crate::support::{http::Reply, process::run};

async fn sync(example: &Example, key: &str, fence: &str, body: serde_json::Value) -> Reply {
    let call = example.call("POST", "/api/sync").header("idempotency-key", key);
    call.header("sexton-job", "nightly").header("sexton-fence", fence).json(&body).send().await
}

/// Changes what the app remembers.
async fn remember(example: &Example, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(example.path("app.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(statement).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

/// The same key is answered from the store, another request with it is refused, and so is an attempt that a later one of
/// its job has overtaken.
#[tokio::test]
async fn is_worked_on_once() {
    let Some(example) = example().await else { return };
    let first = sync(&example, "\"a\"", "7", json!({})).await;
    assert_eq!((first.status, first.json()), (200, json!({ "number": 1 })));
    let replayed = sync(&example, "\"a\"", "7", json!({})).await;
    assert_eq!((replayed.status, replayed.json()), (200, json!({ "number": 1 })), "the stored answer");
    assert_eq!((first.header("idempotency-replayed"), replayed.header("idempotency-replayed")), (None, Some("true")));
    sync(&example, "\"a\"", "7", json!({ "full": true })).await.problem(422);
    sync(&example, "\"b\"", "6", json!({})).await.problem(412);
    sync(&example, "\"b\"", "many", json!({})).await.problem(400);
    let next = sync(&example, "\"b\"", "8", json!({})).await;
    assert_eq!((next.status, next.json()), (200, json!({ "number": 2 })), "a refused attempt holds no key");
    sync(&example, "\"a\"", "7", json!({})).await.problem(412);
    assert_eq!(sync(&example, "\"a\"", "9", json!({})).await.json(), json!({ "number": 1 }), "old answers stay");
    let without = example.call("POST", "/api/sync").send().await;
    assert_eq!(without.json(), json!({ "number": 3 }), "a person with curl needs no key");
}

/// Seed C3: a key and a fence are one caller's: what another chose is nothing to them. A refusal of who asks is not kept.
#[tokio::test]
async fn two_callers_share_no_keys() {
    let Some(example) = example().await else { return };
    let script = r#"
from fastapi import HTTPException
from starlette.requests import Request
from once import once
count = 0
def ask(who, key, fence, refuse=None):
    def work():
        global count
        if refuse:
            raise HTTPException(refuse)
        count += 1
        return {"number": count}
    sent = {"idempotency-key": key, "sexton-job": "nightly", "sexton-fence": str(fence)}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    request = Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers})
    try:
        return once(request, who, b"", work).body.decode()
    except HTTPException as error:
        return error.status_code
print(ask("ada", "k", 7), ask("bob", "k", 1), ask("ada", "k", 7), ask("bob", "k", 1))
print(ask("ada", "x", 7, 403), ask("ada", "x", 7, 401), ask("ada", "x", 7), ask("ada", "x", 6))
"#;
    let mut command = python_in_example(&python::installed().await.unwrap());
    command.args(["-c", script]).env("APP_DATABASE", example.path("other.db"));
    let expected = "{\"number\":1} {\"number\":2} {\"number\":1} {\"number\":2}\n403 401 {\"number\":3} 412\n";
    assert_eq!(run(command).await.good(), expected);
}

/// While a request is worked on, the same one is 409; it counts as left behind when its process died long ago.
#[tokio::test]
async fn is_refused_while_it_is_worked_on() {
    let Some(example) = example().await else { return };
    assert_eq!(sync(&example, "\"a\"", "1", json!({})).await.status, 200);
    remember(&example, "UPDATE keys SET status = NULL, answer = NULL").await;
    sync(&example, "\"a\"", "2", json!({})).await.problem(409);
    remember(&example, "UPDATE keys SET began = began - 3600").await;
    let again = sync(&example, "\"a\"", "3", json!({})).await;
    assert_eq!((again.status, again.json()), (200, json!({ "number": 2 })));
}
