//! Guarantee G5, end to end: with a known secret in every slot the program runs through everything, and none of them is in
//! anything that it writes.

use std::{collections::BTreeSet, fmt::Write, fs, net::SocketAddr, path::Path};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::{
    run_token::{bearer, parts},
    secret_command::secret,
    token_command::store,
};
use crate::{
    dispatch::fake_app::{FakeApp, Reply, Seen, answer, answer_with},
    support::{
        http::Call,
        process,
        sidecar::{Running, sexton},
    },
};

/// A secret for each slot. The core of each is what is looked for; around it stand characters that writings escape.
const SHARED: &str = r#"shared/"Kq7Vw2Zt9Xr4"\+<secret>&=of%the'test"#;
const TOKEN: &str = r#"token/"Hn3Bc8Ls6Df1"\+<file>&=of%the'test!"#;
const PARTNER: &str = r#"partner/"Gy5Mx0Pj7Ub2"\+<header>&=%41'~"#;
const ADMIN: &str = "admin-Wd4Fk9Qs1Tz6-token-of-the-test-0123";
const JWT: &str = "jwt-Rv8Ec3Ya5Nh0-secret-of-the-test-012345";
const CORES: [&str; 5] = ["Kq7Vw2Zt9Xr4", "Hn3Bc8Ls6Df1", "Gy5Mx0Pj7Ub2", "Wd4Fk9Qs1Tz6", "Rv8Ec3Ya5Nh0"];

/// What the app does with a request, by its path.
const PATHS: [&str; 6] = ["ok", "failure", "unauthorized", "forbidden", "redirect", "broken"];

/// Work that is polled: a job that ends and one that does not, where each is asked after, and the first one's end.
const WORK: [&str; 3] = ["work", "look", "waiting"];

/// Sends back every header that it got, in every writing.
fn echo(seen: &Seen) -> Reply {
    let mut body = String::new();
    for (name, value) in &seen.headers {
        let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let escaped: String = value.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        let json = json!({ name: value }).to_string();
        let within = json!({ "inner": json }).to_string();
        let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        let coded = [BASE64_STANDARD.encode(value), BASE64_URL_SAFE_NO_PAD.encode(format!("{name}={value}"))].join(" ");
        let page = value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;").replace('\'', "&#x27;");
        writeln!(body, "{name}: {value}\n{percent}\n{escaped}\n{json}\n{within}\n{form}\n{coded}\n{page}").unwrap();
    }
    let (folder, path) = seen.line.split(' ').nth(1).unwrap().rsplit_once('/').unwrap();
    let taken_on = |look: &str| answer_with(202, &format!("location: {folder}/{look}\r\n"), told("running", &body));
    let location = format!("location: http://elsewhere.example/?token={}\r\n", bearer(seen));
    match path {
        "" => Reply::Whole(answer(404, body)),
        "ok" | "me" => Reply::Whole(answer(200, body)),
        "failure" => Reply::Whole(answer(500, body)),
        "unauthorized" => Reply::Whole(answer(401, body)),
        "forbidden" => Reply::Whole(answer(403, body)),
        "redirect" => Reply::Whole(answer_with(302, &location, body)),
        "work" => Reply::Whole(taken_on("look")),
        "look" => Reply::Whole(answer(200, told("completed", &body))),
        "endless" => Reply::Whole(taken_on("waiting")),
        "waiting" => Reply::Whole(answer(200, told("running", &body))),
        "stop" => Reply::Whole(answer(200, body)),
        "broken" => Reply::Closing(answer(200, body)[..60].to_vec()),
        other => panic!("no such path: {other}"),
    }
}

/// How far polled work is, as JSON that holds `echo` too, and in what a log may take up.
fn told(status: &str, echo: &str) -> String {
    json!({ "status": status, "id": "7", "error": echo }).to_string()
}

/// jobs.toml: each path of the app, with each way to authenticate.
fn definitions(app: &FakeApp, token_file: &Path) -> String {
    let mut text = "[sexton]\nissuer = \"https://cron.example.org\"\nshutdown_grace = \"5s\"\n".to_owned();
    for (target, auth) in [
        ("shared", "auth = \"shared-secret\"\nwhoami = \"/me\"".to_owned()),
        ("custom", "header = \"X-Api-Key\"".to_owned()),
        ("file", format!("auth = \"token-file\"\ntoken_file = \"{}\"", token_file.display())),
        ("minted", "auth = \"run-token\"\naudience = \"app\"\nwhoami = \"/me\"".to_owned()),
    ] {
        writeln!(text, "[targets.{target}]\nbase_url = \"{}\"\n{auth}", app.url()).unwrap();
        for path in PATHS {
            writeln!(
                text,
                "[jobs.{target}-{path}]\ntarget = \"{target}\"\nschedule = \"every 1s\"\npath = \"/{target}/{path}\"\n\
                 timeout = \"5s\"\noverlap = \"allow\"\nheaders = {{ X-Partner = {{ env = \"PARTNER_KEY\", format = \"Key {{}}\" }} }}"
            )
            .unwrap();
        }
        for path in ["work", "endless"] {
            writeln!(
                text,
                "[jobs.{target}-{path}]\ntarget = \"{target}\"\nschedule = \"every 1s\"\npath = \"/{target}/{path}\"\n\
                 completion = \"poll\"\ncancel = {{ method = \"POST\", path = \"/{target}/stop\" }}\n\
                 poll = {{ interval = \"1s\", state = \"/status\", success = [\"completed\"], failure = [\"failed\"] }}\n\
                 headers = {{ X-Partner = {{ env = \"PARTNER_KEY\", format = \"Key {{}}\" }} }}"
            )
            .unwrap();
        }
    }
    text
}

/// Waits until every job was sent twice; hands back every token that was minted.
async fn every_path_twice(app: &mut FakeApp) -> BTreeSet<String> {
    let (mut minted, mut sent) = (BTreeSet::new(), Vec::new());
    let all: BTreeSet<String> = ["shared", "custom", "file", "minted"]
        .iter()
        .flat_map(|target| PATHS.iter().chain(&WORK).map(move |path| format!("/{target}/{path}")))
        .collect();
    let twice = |sent: &[String]| all.iter().all(|path| sent.iter().filter(|one| *one == path).count() >= 2);
    while !twice(&sent) {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), app.next()).await;
        let seen = next.unwrap_or_else(|_| panic!("not all were sent: {sent:?}"));
        let path = seen.line.split(' ').nth(1).unwrap().to_owned();
        if path.starts_with("/minted") {
            minted.insert(bearer(&seen));
        }
        sent.push(path);
    }
    minted
}

/// The address in the line, in JSON, that says that the sidecar is up.
fn listening(line: &str) -> SocketAddr {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["listening"].as_str().unwrap().parse().unwrap()
}

/// How a secret's core may be written: as it is, escaped throughout, or in base64 at each of the three places that a byte
/// can have in a group.
fn writings(core: &str) -> Vec<String> {
    let percent: String = core.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let escaped: String = core.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let hex: String = core.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![core.to_lowercase(), percent, escaped, hex];
    for shift in 0..3 {
        let shifted = [&vec![b' '; shift][..], core.as_bytes()].concat();
        let whole = &BASE64_STANDARD_NO_PAD.encode(&shifted[..shifted.len() / 3 * 3])[[0, 2, 3][shift]..];
        all.push(whole.to_lowercase());
    }
    all
}

/// Fails when any writing of any core is in `text`.
pub(super) fn assert_clean(origin: &str, text: &[u8], cores: &[String]) {
    let text = String::from_utf8_lossy(text).to_lowercase();
    for core in cores {
        for writing in writings(core) {
            if let Some(at) = text.find(&writing) {
                let around: String = text[..at].chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
                panic!("{origin} holds {core} as {writing}, after: {around}");
            }
        }
    }
}

#[test]
fn the_search_finds_every_writing() {
    let cores = ["Kq7Vw2Zt9Xr4".to_owned()];
    for text in [
        SHARED.to_owned(),
        SHARED.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        SHARED.bytes().map(|byte| format!("\\u{byte:04X}")).collect(),
        BASE64_STANDARD.encode(SHARED),
        BASE64_STANDARD.encode(format!("x{SHARED}")),
        BASE64_URL_SAFE_NO_PAD.encode(format!("xy{SHARED}")),
    ] {
        let found = std::panic::catch_unwind(|| assert_clean("it", text.as_bytes(), &cores));
        assert!(found.is_err(), "{text}");
    }
}

/// Runs everything in a folder of its own, with the key or the secrets of run tokens in `signing`.
async fn run_everything(signing: (&str, &str), folder: &Path) {
    let mut app = FakeApp::start(echo).await;
    let token_file = folder.join("token");
    store(&token_file, TOKEN).unwrap();
    let jobs = folder.join("jobs.toml");
    fs::write(&jobs, definitions(&app, &token_file)).unwrap();
    let environment = [
        ("SCHEDULER_API_TOKEN", SHARED),
        ("PARTNER_KEY", PARTNER),
        ("SEXTON_ADMIN_TOKEN", ADMIN),
        ("SEXTON_LOG", "json"),
        ("RUST_LOG", "trace"),
        signing,
    ];
    let with_environment = |line: &[&str]| {
        let mut command = sexton(folder, line);
        command.envs(environment);
        command
    };
    let mut sidecar = Running::start(with_environment(&["run", "--listen", "127.0.0.1:0"]));
    let address = listening(&sidecar.hear("sexton is up").await);
    let mut minted = every_path_twice(&mut app).await;
    let url = format!("http://{address}");
    let mut written = Vec::new();
    for path in [
        "/metrics",
        "/healthz",
        "/readyz",
        "/livez",
        "/.well-known/jwks.json",
        "/api/v1/definitions",
        "/api/v1/openapi.json",
        "/api/v1/jobs",
        "/api/v1/jobs/minted-ok",
        "/api/v1/runs?limit=1000",
        "/none",
    ] {
        for call in [Call::new(address, "GET", path), Call::new(address, "GET", path).bearer(ADMIN)] {
            written.push((format!("GET {path}"), format!("{:?}", call.send().await).into_bytes()));
        }
    }
    for text in [fs::read_to_string(&jobs).unwrap(), format!("[jobs.a]\nheaders = {{ X = \"{PARTNER}\" }}")] {
        for path in ["/api/v1/definitions/check", "/api/v1/definitions/plan"] {
            let call = Call::new(address, "POST", path).bearer(ADMIN).json(&json!({ "text": text }));
            written.push((format!("POST {path}"), format!("{:?}", call.send().await).into_bytes()));
        }
    }
    for (job, path, line) in [
        ("shared-endless", "cancel", &["cancel"][..]),
        ("minted-endless", "cancel", &["cancel"]),
        ("custom-broken", "settle", &["settle", "--as", "succeeded"]),
    ] {
        let newest = async || {
            let path = format!("/api/v1/runs?limit=1&job={job}");
            let newest = Call::new(address, "GET", &path).bearer(ADMIN).send().await.json();
            newest["runs"][0]["id"].as_str().unwrap_or_else(|| panic!("no run of {job}: {newest}")).to_owned()
        };
        let done = process::run(with_environment(&[line, &[&newest().await, "--url", &url]].concat())).await;
        written.push((line.join(" "), done.said().into_bytes()));
        let call = Call::new(address, "POST", &format!("/api/v1/runs/{}/{path}", newest().await)).bearer(ADMIN);
        let answer = call.json(&if path == "settle" { json!({ "as": "failed" }) } else { json!({}) }).send().await;
        written.push((format!("POST {path}"), format!("{answer:?}").into_bytes()));
    }
    for line in [
        &["check"][..],
        &["check", "--format", "json"],
        &["next", "-n", "50"],
        &["plan", "jobs.toml", "--url", &url],
        &["list", "--url", &url],
        &["list", "--store", "sqlite://sexton.db", "--json"],
        &["runs", "--url", &url],
        &["runs", "--url", &url, "--json", "-n", "1000"],
        &["fire", "minted-ok", "--dry-run", "--url", &url],
        &["fire", "shared-failure", "--wait", "--url", &url],
        &["fire", "custom-ok", "--dry-run", "--url", &url],
        &["secret", "check"],
        &["doctor", "--tokens", "/failure"],
        &["doctor", "--tokens", "/ok", "--json"],
        &["verify"],
    ] {
        written.push((line.join(" "), process::run(with_environment(line)).await.said().into_bytes()));
    }
    let rows = process::run(with_environment(&["runs", "--url", &url, "--json", "-n", "40"])).await.good();
    for row in rows.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()) {
        let id = row["id"].as_str().unwrap();
        let shown = process::run(with_environment(&["show", id, "--url", &url])).await;
        written.push(("show".to_owned(), shown.said().into_bytes()));
        let answer = Call::new(address, "GET", &format!("/api/v1/runs/{id}")).bearer(ADMIN).send().await;
        written.push(("a run of the API".to_owned(), format!("{answer:?}").into_bytes()));
    }
    assert_eq!(sidecar.stop().await, Some(0));
    let seen = app.rest();
    minted.extend(seen.iter().map(bearer).filter(|bearer| bearer.starts_with("ey")));
    written.push(("the log".to_owned(), sidecar.said.join("\n").into_bytes()));
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sexton.db")) {
            written.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }

    let stopped = seen.iter().filter(|seen| seen.line.contains("/stop ")).count();
    assert!(stopped >= 2, "the app was asked to stop work, and echoed: {stopped}");
    let runs = written.iter().find(|(origin, _)| origin.ends_with("--json -n 1000")).unwrap();
    let runs = String::from_utf8_lossy(&runs.1);
    assert!(runs.matches("[redacted]").count() > 100, "the app's echoes were kept, without secrets");
    assert!(written.iter().any(|(origin, bytes)| origin.ends_with("sexton.db") && bytes.len() > 4096));
    assert!(minted.len() >= 2 * PATHS.len(), "each attempt has a token of its own");
    let mut cores: Vec<String> = CORES.map(str::to_owned).into();
    for token in &minted {
        parts(token);
        cores.push(token.rsplit('.').next().unwrap()[10..34].to_owned());
    }
    if let (_, key) = signing
        && let Ok(pem) = fs::read_to_string(key)
    {
        cores.push(pem.lines().nth(1).unwrap()[20..60].to_owned());
    }
    for (origin, bytes) in &written {
        assert_clean(origin, bytes, &cores);
    }
}

/// Guarantee G5, and seeds A14 and B8 for what is sent: with an Ed25519 key.
#[tokio::test]
async fn nothing_that_is_written_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    secret(&["ensure", "--ed25519", key.to_str().unwrap()], &[]).unwrap();
    run_everything(("SEXTON_SIGNING_KEY_FILE", key.to_str().unwrap()), folder.path()).await;
}

/// The same with secrets for HS256.
#[tokio::test]
async fn nothing_that_is_written_holds_a_secret_of_hs256() {
    let folder = tempfile::tempdir().unwrap();
    run_everything(("SEXTON_JWT_SECRETS", JWT), folder.path()).await;
}
