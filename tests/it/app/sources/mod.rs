//! `/api/sources…`, and the job that imports them

mod collection;
mod content;
mod files;
mod web;

use std::fs;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::app::TestApp;

/// Writes a file that may be imported.
fn write(app: &TestApp, file: &str, text: impl AsRef<[u8]>) {
    let path = app.folder().join("sources").join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn add(app: &TestApp, body: Value) {
    let reply = app.scheduler("POST", "/api/sources").json(&body).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
}

/// Asks for a refresh of everything; the job when it is over, or waits for another try.
async fn refresh(app: &TestApp) -> Value {
    let id = app.enqueue(&json!({ "kind": "data-refresh" })).await;
    app.job(&id, |job| job["status"] == "completed" || job["error"].is_string()).await
}

/// What became of one source.
fn report<'a>(job: &'a Value, name: &str) -> &'a Value {
    let reports = job["result"]["sources"].as_array().unwrap_or_else(|| panic!("{job}"));
    reports.iter().find(|report| report["name"] == name).unwrap()
}

/// The database of what was imported, as people open it.
async fn data(app: &TestApp) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(app.folder().join("data.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// A table of what was imported: its columns, and its rows as text with `|` between values and `-` for null.
async fn table(app: &TestApp, name: &str) -> (Vec<String>, Vec<String>) {
    let mut data = data(app).await;
    let columns = sqlx::query("SELECT name FROM pragma_table_info(?)").bind(name).fetch_all(&mut data).await.unwrap();
    let columns: Vec<String> = columns.iter().map(|row| row.get(0)).collect();
    let values: Vec<String> = columns.iter().map(|name| format!("coalesce(\"{name}\", '-')")).collect();
    let query = format!("SELECT {} FROM {name} ORDER BY rowid", values.join(" || '|' || "));
    let rows = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut data).await.unwrap();
    data.close().await.unwrap();
    (columns, rows)
}
