//! The log of `sexton run`.

use serde_json::Value;

use crate::support::sidecar::{FakeApp, Running, Sidecar};

/// One object a line, from the first to the last; and one line for each run, with what the contract names.
#[tokio::test]
async fn with_json_every_line_is_an_object() {
    let app = FakeApp::start().await;
    let sidecar = Sidecar::new(app.address, "[jobs.quick]\nschedule = 'every 1s'\npath = '/ok'\n");
    let mut command = sidecar.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("SEXTON_LOG", "json");
    let mut running = Running::start(command);
    running.hear("run ended").await;
    assert_eq!(running.stop().await, Some(0));
    let lines: Vec<Value> = running.said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{lines:#?}");

    let up = lines.iter().find(|line| line["message"] == "sexton is up").unwrap();
    assert_eq!((&up["jobs"], &up["version"]), (&1.into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(up["listening"].as_str().unwrap().starts_with("127.0.0.1:"));
    let ended: Vec<&Value> = lines.iter().filter(|line| line["message"] == "run ended").collect();
    for line in &ended {
        assert_eq!(
            (&line["job"], &line["outcome"], &line["status"]),
            (&"quick".into(), &"succeeded".into(), &200.into())
        );
        assert!(line["run"].is_string() && line["scheduled_for"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(line["lateness_ms"].is_i64() && line["duration_ms"].is_i64(), "{line}");
        assert!(line["count"].is_null() && line["reason"].is_null(), "{line}");
    }
    assert_eq!(ended.len(), app.arrivals().len(), "one line for each run");
    assert!(lines.iter().all(|line| line["level"] != "ERROR"), "{lines:#?}");
    assert_eq!(lines.last().unwrap()["message"], "stopped");
}
