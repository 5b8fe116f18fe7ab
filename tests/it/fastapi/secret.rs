//! The shared secret: where it is taken from, how it is compared, and which ones are of no use.

use std::fs;

use serde_json::{Value, json};

use super::{PART, example, example::python_in_example, python};
use crate::support::{
    http::{Call, PATIENCE},
    process::{eventually, run},
    require,
    sidecar::{OTHER, SECRET},
};

const ME: &str = "/api/auth/me";

/// Seeds A3, A13, A15, C5: as bytes, whole, and from one header of two parts; whatever else comes is 401 and never 500.
#[tokio::test]
async fn only_the_secret_in_its_header_is_known() {
    let Some(example) = example().await else { return };
    let ask = |method: &str| Call::new(example.address, method, ME);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let me = ask("GET").header("authorization", format!("{scheme} {SECRET}")).send().await;
        let expected = json!({ "email": "scheduler@system.local", "kind": "service", "groups": ["Admin"] });
        assert_eq!((me.status, me.json()), (200, expected));
    }
    let values: [&[u8]; 9] = [
        b"Bearer",
        b"Bearer ",
        OTHER.as_bytes(),
        SECRET.as_bytes(),
        &[b"Bearer ", OTHER.as_bytes()].concat(),
        &[b"Bearer ", SECRET.as_bytes(), b"0"].concat(),
        &[b"Bearer ", &SECRET.as_bytes()[1..]].concat(),
        &[b"Bearer ", SECRET.as_bytes(), b" more"].concat(),
        b"Bearer \xff\xfe\x80",
    ];
    for value in values {
        let refused = ask("GET").header("authorization", value).send().await;
        refused.problem(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    ask("GET").bearer(SECRET).bearer(SECRET).send().await.problem(401);
    ask("GET").cookie(&format!("token={SECRET}; access_token={SECRET}")).send().await.problem(401);
    ask("GET").header("x-api-key", SECRET).send().await.problem(401);
    Call::new(example.address, "GET", &format!("{ME}?token={SECRET}")).send().await.problem(401);
    let minting = example.call("POST", "/api/auth/tokens").send().await;
    assert_eq!(minting.problem(403), "only for people");
}

/// Seed B6: both halves know the same placeholders.
#[test]
fn b6_its_placeholders_are_sextons() {
    let text = include_str!("../../../examples/fastapi/scheduler.py");
    let (_, list) = text.split_once("PLACEHOLDERS = b\"\"\"").unwrap();
    let mut theirs: Vec<&str> = list.split_once("\"\"\"").unwrap().0.split_whitespace().collect();
    let mut ours = sexton::secret::PLACEHOLDERS.to_vec();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(theirs, ours);
}

/// Every line of the file counts, and a line that goes is forgotten, without a restart; a file that turns bad changes
/// nothing.
#[tokio::test]
async fn it_is_rotated_while_the_app_runs() {
    let Some(mut example) = example().await else { return };
    let address = example.address;
    let asked = async |secret: &str| Call::new(address, "GET", ME).bearer(secret).send().await.status;
    let becomes = async |secret: &str, status: u16| {
        eventually(&format!("{status}"), PATIENCE, async || (asked(secret).await == status).then_some(())).await;
    };
    becomes(OTHER, 401).await;
    fs::write(example.path("token"), format!("{OTHER}\n\n{SECRET}\n")).unwrap();
    becomes(OTHER, 200).await;
    becomes(SECRET, 200).await;
    fs::write(example.path("token"), format!("{OTHER}\r\n")).unwrap();
    becomes(SECRET, 401).await;
    becomes(OTHER, 200).await;
    fs::write(example.path("token"), "short").unwrap();
    let complaint = tokio::select! {
        complaint = example.app.hear("what the scheduler is known by cannot be used") => complaint,
        () = async { while asked(OTHER).await == 200 {} } => panic!("the last good secret is kept"),
    };
    assert!(complaint.contains("5 characters") && !complaint.contains("short"), "{complaint}");
    becomes(OTHER, 200).await;
}

/// A name, the variables, what the file holds, the secrets that are accepted, and what the log complains of.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str], &'a str);

/// Seeds A1, A2, A14, B6: the loader's rules are Sexton's own. What is of no use turns the path off, and is named by its
/// length.
#[tokio::test]
async fn what_is_no_secret_turns_the_path_off() {
    let python = match python::installed().await {
        Ok(python) => python,
        Err(why) => return require::skip(PART, &why),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let (value, path, previous) = ("SCHEDULER_API_TOKEN", "SCHEDULER_API_TOKEN_FILE", "SCHEDULER_API_TOKEN_PREVIOUS");
    let placeholder = "changeme-changeme-changeme-changeme";
    let cases: [Case; 11] = [
        ("nothing", &[], "", &[], "no secret is set"),
        ("blank", &[(value, "  ")], "", &[], "no secret is set"),
        ("trimmed", &[(value, &format!(" {SECRET}\n"))], "", &[SECRET], ""),
        ("short", &[(value, &SECRET[..31])], "", &[], "31 characters"),
        ("a space", &[(value, &format!("{SECRET} {OTHER}"))], "", &[], "visible ASCII"),
        ("a placeholder", &[(value, placeholder)], "", &[], "placeholder"),
        ("one character", &[(value, &"a".repeat(40))], "", &[], "placeholder"),
        ("before a rotation", &[(value, OTHER), (previous, SECRET)], "", &[OTHER, SECRET], ""),
        ("two lines", &[(path, "token")], &format!("{SECRET}\n \n{OTHER}\n"), &[SECRET, OTHER], ""),
        ("a bad line", &[(path, "token")], &format!("{SECRET}\nbad\n"), &[], "3 characters"),
        ("no file", &[(path, "none")], "", &[], "No such file"),
    ];
    let show = "import json, scheduler; print(json.dumps([s.decode() for s in scheduler.SECRETS.now()]))";
    for (name, variables, text, expected, complaint) in cases {
        fs::write(&file, text).unwrap();
        let mut command = python_in_example(&python);
        command.args(["-c", show]).envs(variables.iter().copied()).current_dir(folder.path());
        let done = run(command).await;
        let said = done.stderr.clone();
        let found: Value = serde_json::from_str(&done.good()).unwrap();
        assert_eq!(found, json!(expected), "{name}");
        assert_eq!(said.is_empty(), complaint.is_empty(), "{name}: {said}");
        assert!(
            said.contains(complaint) && !said.contains(&SECRET[..31]) && !said.contains(placeholder),
            "{name}: {said}"
        );
    }
}
