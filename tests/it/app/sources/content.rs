//! What is in the data.

use serde_json::{Value, json};

use super::{add, data, refresh, report, table, write};
use crate::support::app::{Builder, TestApp};

/// Quotes, line ends within quotes, a byte order mark, names that SQL would trip over.
#[tokio::test]
async fn csv_is_read_as_it_is_meant() {
    let app = TestApp::start().await;
    let text = "\u{feff}id, the \"\"name\"\";drop\r\n1,\"a, b\"\r\n2,\"two\nlines\"\r\n3,\r\n";
    write(&app, "odd.csv", text.replace(" the \"\"name\"\";drop", "\"the \"\"name\"\";drop\""));
    add(&app, json!({ "name": "odd", "file": "odd.csv" })).await;
    let job = refresh(&app).await;
    assert_eq!(report(&job, "odd")["rows"], 3, "{job}");
    let mut database = data(&app).await;
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_info('odd')").fetch_all(&mut database).await.unwrap();
    assert_eq!(columns, ["id", "the \"name\";drop"]);
    let values: Vec<String> = sqlx::query_scalar("SELECT \"the \"\"name\"\";drop\" FROM odd ORDER BY rowid")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(values, ["a, b", "two\nlines", ""]);
    app.stop().await;
}

/// Members that only some lines have, every kind of value, blank lines.
#[tokio::test]
async fn json_lines_keep_their_values() {
    let app = TestApp::start().await;
    let lines = [
        r#"{"id": 1, "name": "Ada", "tags": ["a", 1]}"#,
        "",
        r#"{"id": 2, "price": 1.5, "live": true, "name": null}"#,
        r#"{"id": 18446744073709551615, "of": {"a": 1}}"#,
    ];
    write(&app, "things.ndjson", lines.join("\n"));
    add(&app, json!({ "name": "things", "file": "things.ndjson" })).await;
    assert_eq!(report(&refresh(&app).await, "things")["rows"], 3);
    let (columns, rows) = table(&app, "things").await;
    assert_eq!(columns, ["id", "name", "tags", "live", "price", "of"]);
    assert_eq!(rows[..2], [r#"1|Ada|["a",1]|-|-|-"#, "2|-|-|1|1.5|-"]);
    assert!(rows[2].ends_with(r#"|-|-|-|-|{"a":1}"#), "{rows:?}");
    app.stop().await;
}

/// Wrong data says which line, costs no other source, is not tried again, and leaves the table as it was.
#[tokio::test]
async fn wrong_data_keeps_the_table_before() {
    let app = TestApp::start().await;
    write(&app, "a.csv", "x,y\n1,2\n");
    add(&app, json!({ "name": "a", "file": "a.csv" })).await;
    refresh(&app).await;
    let before = table(&app, "a").await;
    for (text, says) in [
        ("x,y\n1,2\n3\n", "line 3 has 1 fields, and the header has 2"),
        ("x,y\n1,2,3\n", "line 2 has 3 fields"),
        ("", "no columns"),
        ("x,\n1,2\n", "column 2 has no name"),
        ("x,X\n1,2\n", "`x` and `X` are one to SQL"),
    ] {
        write(&app, "a.csv", text);
        let job = refresh(&app).await;
        assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(1)), "{job}");
        assert!(report(&job, "a")["error"].as_str().unwrap().contains(says), "{says}: {job}");
        assert_eq!(table(&app, "a").await, before);
    }
    write(&app, "a.csv", b"x,y\n1,\xff\n");
    assert!(refresh(&app).await["result"].to_string().contains("line 2 is no UTF-8"));
    app.stop().await;
}

#[tokio::test]
async fn wrong_lines_of_json_are_named() {
    let app = TestApp::start().await;
    add(&app, json!({ "name": "a", "file": "a.jsonl" })).await;
    for (text, says) in [
        ("{\"x\":1}\n[1]\n", "line 2 is no JSON object"),
        ("{\"x\":1}\n\n{\"x\":\n", "line 3 is no JSON object"),
        ("{}\n", "no columns"),
        ("{\"x\":1,\"X\":2}\n", "are one to SQL"),
    ] {
        write(&app, "a.jsonl", text);
        let job = refresh(&app).await;
        assert!(report(&job, "a")["error"].as_str().unwrap().contains(says), "{says}: {job}");
    }
    app.stop().await;
}

/// More rows than one statement takes; progress is seen while they come; the whole is there, or nothing.
#[tokio::test]
async fn many_rows_come_in_one_piece() {
    let app = TestApp::start().await;
    let rows: Vec<String> = (0..5_001).map(|number| format!("{number},{}", number * 2)).collect();
    write(&app, "big.csv", format!("a,b\n{}\n", rows.join("\n")));
    add(&app, json!({ "name": "big", "file": "big.csv" })).await;
    let job = refresh(&app).await;
    assert_eq!(job["result"]["rows"], 5_001);
    let (_, imported) = table(&app, "big").await;
    assert!(imported.len() == 5_001 && imported[5_000] == "5000|10000");
    app.stop().await;
}

#[tokio::test]
async fn too_much_is_refused() {
    let app = Builder::default().source_bytes(10).start().await;
    write(&app, "a.csv", "x\n123456789\n");
    add(&app, json!({ "name": "a", "file": "a.csv" })).await;
    let job = refresh(&app).await;
    assert_eq!(report(&job, "a")["error"], "it is larger than 10 bytes");
    assert_eq!(job["result"]["sources"][0]["rows"], Value::Null);
    app.stop().await;
}
