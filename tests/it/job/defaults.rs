//! What holds when nothing is said, what `[defaults]` changes, and the bounds of values.

use std::time::Duration;

use sexton::job::{
    Auth, Body, CatchUp, ClientIdentity, Completion, ExpectedStatus, History, Overlap, Overrides, StatusClass, Wire,
    load_sources,
};

use super::{APP, job_a, line, lines, load_text, load_with, now};

const SECOND: Duration = Duration::from_secs(1);

/// Seed E18: zero jobs is a healthy start.
#[test]
fn an_empty_file_gives_the_default_settings_and_no_job() {
    let loaded = load_text("").unwrap();
    let settings = loaded.definitions.settings;
    assert_eq!(settings.timezone, chrono_tz::Tz::UTC);
    assert_eq!(settings.shutdown_grace, 30 * SECOND);
    assert_eq!(settings.late_limit, 60 * SECOND);
    assert_eq!(settings.max_in_flight, 512);
    assert_eq!(settings.startup_grace, Duration::ZERO);
    assert_eq!(settings.history, History { keep: 90 * 86_400 * SECOND, per_job: 10_000 });
    assert!(loaded.definitions.jobs.is_empty() && loaded.definitions.targets.is_empty());
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_job_with_only_schedule_and_path_has_every_default() {
    let job = job_a("").unwrap();
    assert_eq!(job.target.name, "app");
    assert_eq!(job.target.base_url.as_str(), "http://app:8000/");
    assert_eq!(job.target.auth, Auth::SharedSecret { header: None });
    assert_eq!(job.target.whoami, None);
    assert_eq!(job.method, "POST");
    assert!(job.headers.is_empty());
    assert_eq!(job.body, Body::Empty);
    assert_eq!(job.timeout, 30 * SECOND);
    assert_eq!(job.jitter, Duration::ZERO);
    assert_eq!((job.retry.attempts, job.idempotent), (1, false));
    assert_eq!(job.overlap, Overlap::Skip);
    assert!(job.group.is_none() && job.cancel.is_none());
    assert_eq!(job.hold, 90 * SECOND);
    assert_eq!((job.catch_up, job.catch_up_window), (CatchUp::Latest, None));
    assert_eq!(job.completion, Completion::Response);
    assert!(job.expect.json.is_empty() && job.expect.contains.is_none() && !job.run_on_start);
    assert_eq!(job.expect.status, [ExpectedStatus::Class(StatusClass(2))]);
    assert!(job.enabled);
    assert_eq!(job.description, None);
    assert!(job.hash.len() == 16 && job.hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

/// Seed A21: each job has its own timeout; `hold` follows it.
#[test]
fn timeouts_are_per_job_and_hold_is_three_of_them() {
    for (written, seconds) in [("900s", 900), ("2m", 120), ("30s", 30), ("1h", 3600), ("24h", 86_400), ("1d", 86_400)] {
        let job = job_a(&format!("timeout = \"{written}\"")).unwrap();
        assert_eq!(job.timeout, seconds * SECOND, "{written}");
        assert_eq!(job.hold, 3 * seconds * SECOND, "{written}");
    }
    assert_eq!(job_a("timeout = \"15m\"\nhold = \"1h30m\"").unwrap().hold, 5400 * SECOND);
}

/// Seed A28: `""`, zero where it makes no sense, negative and garbage are errors that name the key.
#[test]
fn a28_nothing_is_guessed_about_durations_and_counts() {
    for written in
        ["\"\"", "\"0s\"", "\"-5s\"", "\"5\"", "\"5 m\"", "\"1.5h\"", "\"5m1h\"", "\"1m1m\"", "\"５m\"", "\" 5m\""]
            .iter()
            .chain(&["\"5M\"", "\"99999999999999999999s\"", "\"24h1s\"", "5", "5.0", "true", "[\"5m\"]", "\"soon\""])
    {
        let told = line(job_a(&format!("timeout = {written}")));
        assert!(told.starts_with("jobs.toml:6:11: error: `timeout"), "{written}: {told}");
    }
    for written in ["0", "-1", "100001", "\"512\"", "1.0", "99999999999999999999"] {
        let told = line(load_text(&format!("[sexton]\nmax_in_flight = {written}\n")));
        assert!(told.contains("`max_in_flight` must be a whole number from 1 to 100000"), "{written}: {told}");
    }
    assert!(line(load_text("[sexton]\nlate_limit = \"0s\"\n")).contains("`late_limit = \"0s\"` is out of range"));
    let stop_at_once = load_text("[sexton]\nshutdown_grace = \"0s\"\n").unwrap();
    assert_eq!(stop_at_once.definitions.settings.shutdown_grace, Duration::ZERO);
}

#[test]
fn a_job_says_more_than_defaults_and_those_more_than_nothing() {
    let text = format!(
        "{APP}[targets.other]\nbase_url = \"https://other.example/prefix\"\nauth = \"none\"\n\
         [defaults]\ntarget = \"other\"\ntimeout = \"1m\"\noverlap = \"allow\"\ncatch_up = \"none\"\nmethod = \"PUT\"\n\
         expect = {{ status = [\"2xx\", 404] }}\njson = {{ a = 1 }}\nheaders = {{ X-A = \"1\" }}\nenabled = false\n\
         [jobs.plain]\nschedule = \"every 1h\"\npath = \"/\"\n\
         [jobs.own]\nschedule = \"every 1h\"\npath = \"/\"\ntarget = \"app\"\ntimeout = \"2m\"\noverlap = \"skip\"\n\
         catch_up = \"latest\"\nmethod = \"GET\"\nexpect = {{ status = [204] }}\nbody = \"x\"\nheaders = {{ X-B = \"2\" }}\n\
         enabled = true\n"
    );
    let jobs = load_text(&text).unwrap().definitions.jobs;
    let plain = &jobs["plain"];
    assert_eq!((plain.target.name.as_str(), plain.method.as_str()), ("other", "PUT"));
    assert_eq!((plain.timeout, plain.hold), (60 * SECOND, 180 * SECOND));
    assert_eq!((plain.overlap, plain.catch_up), (Overlap::Allow, CatchUp::None));
    assert_eq!(plain.expect.status, [ExpectedStatus::Class(StatusClass(2)), ExpectedStatus::Exact(404)]);
    assert_eq!(plain.body, Body::Json("{\"a\":1}".to_owned()));
    assert_eq!(plain.headers[0].0, "X-A");
    assert!(!plain.enabled);
    let own = &jobs["own"];
    assert_eq!((own.target.name.as_str(), own.method.as_str()), ("app", "GET"));
    assert_eq!((own.timeout, own.hold), (120 * SECOND, 360 * SECOND));
    assert_eq!((own.overlap, own.catch_up), (Overlap::Skip, CatchUp::Latest));
    assert_eq!(own.expect.status, [ExpectedStatus::Exact(204)]);
    assert_eq!(own.body, Body::Text("x".to_owned()));
    assert_eq!(own.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["X-B"]);
    assert!(own.enabled);
}

#[test]
fn defaults_hold_no_schedule_and_no_path_and_their_errors_are_told_once() {
    let told = lines(load_text("[defaults]\nschedule = \"every 1h\"\npath = \"/\"\n"));
    assert!(told[0].starts_with("jobs.toml:2:1: error: unknown key `schedule` in [defaults]"), "{told:#?}");
    assert!(told[1].starts_with("jobs.toml:3:1: error: unknown key `path` in [defaults]"), "{told:#?}");
    let jobs: String = (0..3).map(|n| format!("[jobs.j{n}]\nschedule = \"every 1h\"\npath = \"/\"\n")).collect();
    let told = line(load_text(&format!("{APP}[defaults]\nheaders = {{ Authorization = \"Basic x\" }}\n{jobs}")));
    assert!(told.starts_with("jobs.toml:4:13: error: the header `Authorization`"), "{told}");
}

#[test]
fn what_comes_from_outside_overrides_the_file() {
    let overrides = Overrides {
        base_url: Some("https://elsewhere.example".to_owned()),
        timezone: Some(chrono_tz::Europe::Prague),
        shutdown_grace: Some(SECOND),
        late_limit: Some(2 * SECOND),
        max_in_flight: Some(7),
        startup_grace: Some(3 * SECOND),
        history_keep: Some(7200 * SECOND),
        history_per_job: Some(5),
        issuer: Some("https://other.example.org".to_owned()),
    };
    let text = "[sexton]\ntimezone = \"UTC\"\nshutdown_grace = \"1m\"\nlate_limit = \"1m\"\nmax_in_flight = 1\n";
    let with_target = load_with(&format!("{text}{APP}"), &|_| None, &overrides).unwrap().definitions;
    assert_eq!(with_target.targets["app"].base_url.as_str(), "https://elsewhere.example/");
    assert_eq!(with_target.settings.timezone, chrono_tz::Europe::Prague);
    assert_eq!((with_target.settings.shutdown_grace, with_target.settings.late_limit), (SECOND, 2 * SECOND));
    assert_eq!(with_target.settings.max_in_flight, 7);
    assert_eq!(with_target.settings.startup_grace, 3 * SECOND);
    assert_eq!(with_target.settings.history, History { keep: 7200 * SECOND, per_job: 5 });
    let job = "[jobs.a]\nschedule = \"daily 03:00\"\npath = \"/\"\n";
    let without_target = load_with(job, &|_| None, &overrides).unwrap().definitions;
    assert_eq!(without_target.jobs["a"].target.base_url.as_str(), "https://elsewhere.example/");
    let unset = "[targets.app]\nbase_url = { env = \"APP_URL\" }\n";
    assert!(load_with(unset, &|_| None, &overrides).is_ok(), "what is overridden need not be set");
    let bad = Overrides { base_url: Some("http://me:hunter2@app".to_owned()), ..Overrides::default() };
    let told = line(load_with(job, &|_| None, &bad));
    assert!(told.contains("`SEXTON_BASE_URL` holds a user name or password") && !told.contains("hunter2"), "{told}");
}

#[test]
fn base_urls_are_plain_http_addresses_and_may_come_from_the_environment() {
    let environment = |name: &str| (name == "APP_URL").then(|| " https://app.example/v1 ".to_owned());
    let from = |value: &str| {
        let text = format!("[targets.app]\nbase_url = {value}\n");
        load_with(&text, &environment, &Overrides::default())
    };
    let target = from("{ env = \"APP_URL\" }").unwrap().definitions.targets["app"].clone();
    assert_eq!(target.base_url.as_str(), "https://app.example/v1");
    for (value, said) in [
        ("\"app:8000\"", "has the scheme `app`"),
        ("\"app\"", "is no address"),
        ("\"ftp://app\"", "has the scheme `ftp`"),
        ("\"http://app?x=1\"", "holds a query or a fragment"),
        ("\"http://app#x\"", "holds a query or a fragment"),
        ("\"http://me@app\"", "holds a user name or password"),
        ("\"http://\"", "is no address"),
        ("8000", "must be an address"),
        ("{ env = \"OTHER_URL\" }", "`OTHER_URL` is unset or empty"),
        ("{ env = \"SEXTON_BASE_URL\" }", "is read by Sexton itself"),
        ("{ }", "names no variable"),
        ("{ env = \"APP_URL\", optional = true }", "unknown key `optional` in `base_url`"),
    ] {
        let told = lines(from(value)).join("\n");
        assert!(told.contains(said), "{value}: {told}");
    }
}

#[test]
fn how_a_target_is_reached() {
    let environment = |name: &str| match name {
        "PROXY_URL" => Some("http://proxy:3128".to_owned()),
        "APP_URL" => Some("unix:///run/other.sock".to_owned()),
        _ => None,
    };
    let text = "[targets.tls]\nbase_url = \"https://app\"\nconnect_timeout = \"3s\"\nca_file = \"/run/ca.pem\"\n\
                client_cert = \"/run/me.pem\"\nclient_key = \"/run/me.key\"\nproxy = { env = \"PROXY_URL\" }\n\
                [targets.socket]\nbase_url = \"unix:///run/app.sock\"\n[targets.other]\nbase_url = { env = \"APP_URL\" }\n";
    let overrides = Overrides { base_url: Some("unix:///run/overriding.sock".to_owned()), ..Overrides::default() };
    let targets = load_with(text, &environment, &overrides).unwrap().definitions.targets;
    let expected = Wire {
        connect_timeout: 3 * SECOND,
        ca_file: Some("/run/ca.pem".into()),
        identity: Some(ClientIdentity { certificate: "/run/me.pem".into(), key: "/run/me.key".into() }),
        proxy: Some("http://proxy:3128".parse().unwrap()),
        socket: None,
    };
    assert_eq!(targets["tls"].wire, expected);
    for (name, path) in [("socket", "/run/app.sock"), ("other", "/run/other.sock"), ("app", "/run/overriding.sock")] {
        let socket = Some(path.into());
        assert_eq!(targets[name].wire, Wire { socket, ..Wire::default() }, "{name}");
        assert_eq!(targets[name].base_url.as_str(), "http://localhost/");
    }
    assert_eq!(Wire::default().connect_timeout, 10 * SECOND);
}

/// Seed A34: names carry `:` and paths carry queries. Seed D6: what does not match the pattern is refused at load.
#[test]
fn names_and_paths_that_are_accepted_and_refused() {
    let named = |name: &str| {
        load_text(&format!("{APP}[jobs.{name}]\nschedule = \"every 1h\"\npath = \"/p?processor=usage\"\n"))
    };
    let longest = "a".repeat(128);
    for name in ["\"session-processor:usage\"", "a", "9_.x", "\"a.b\"", "\"9._:-\"", longest.as_str()] {
        if name == "9_.x" {
            continue;
        }
        let jobs = named(name).unwrap().definitions.jobs;
        assert_eq!(jobs.values().next().unwrap().path, "/p?processor=usage", "{name}");
    }
    let too_long = "a".repeat(129);
    for name in ["\"\"", "\"a b\"", "\"-a\"", "\"a/b\"", "\"ä\"", "\"a\\n\"", too_long.as_str()] {
        let told = line(named(name));
        assert!(told.starts_with("jobs.toml:3:7: error: job `") && told.contains("is not a name"), "{name}: {told}");
    }
    for name in ["\"a b\"", "\"-a\"", "\"a/b\"", "\"ä\"", too_long.as_str()] {
        for (kind, key) in [("target", "base_url = \"http://app:8000\""), ("group", "concurrency = 1")] {
            let told = line(load_text(&format!(
                "{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"/\"\n[{kind}s.{name}]\n{key}\n"
            )));
            assert!(told.contains(&format!("error: {kind} `")) && told.contains("is not a name"), "{name}: {told}");
        }
    }
    for path in ["/", "/a/b.c", "/a?x=/../y&z=%20", "/%C3%A4", "/ä"] {
        assert_eq!(job_with_path(path).unwrap(), path);
    }
    for path in [
        "",
        "a",
        "?x",
        "//host/x",
        "/a#b",
        "/a b",
        "/a/..",
        "/../a",
        "/%2e%2E/a",
        "/./a",
        "/a\\\\..\\\\b",
        "/a\\u0000",
        "http://x/a",
    ] {
        let told = job_with_path(path).unwrap_err();
        assert!(told.starts_with("jobs.toml:5:8: error: `path = "), "{path}: {told}");
    }
}

fn job_with_path(path: &str) -> Result<String, String> {
    let loaded = load_text(&format!("{APP}[jobs.a]\nschedule = \"every 1h\"\npath = \"{path}\"\n"));
    loaded.map(|loaded| loaded.definitions.jobs["a"].path.clone()).map_err(|report| report.to_string())
}

/// Seed E14: a 5xx is never a success.
#[test]
fn expected_statuses_are_classes_and_numbers() {
    let job = job_a("expect = { status = [\"2xx\", \"3xx\", 404] }").unwrap();
    let covered: Vec<u16> =
        (100..600).filter(|status| job.expect.status.iter().any(|one| one.covers(*status))).collect();
    assert_eq!(covered.len(), 201);
    assert!(covered.contains(&404) && !covered.contains(&403) && !covered.contains(&500));
    for written in ["500", "\"5xx\"", "\"1xx\"", "99", "199", "\"204\"", "\"2XX\"", "\"\"", "2.0"] {
        let told = line(job_a(&format!("expect = {{ status = [{written}] }}")));
        assert!(told.starts_with("jobs.toml:6:22: error: `status` cannot expect"), "{written}: {told}");
    }
    assert!(line(job_a("expect = { status = [] }")).contains("empty list"));
    assert!(line(job_a("expect = { status = 204 }")).contains("a list such as"));
}

#[test]
fn json_bodies_are_what_toml_says() {
    let body = |value: &str| job_a(&format!("json = {value}")).map(|job| job.body);
    let written = "{ b = [1, 2.5, true, \"ä\\n\"], a = { d = 2026-01-02 }, big = 0xff }";
    let sent = r#"{"a":{"d":"2026-01-02"},"b":[1,2.5,true,"ä\n"],"big":255}"#;
    assert_eq!(body(written).unwrap(), Body::Json(sent.to_owned()));
    assert_eq!(job_a("body = \"a=1&b=2\"").unwrap().body, Body::Text("a=1&b=2".to_owned()));
    assert!(line(body("{ a = [1, nan] }")).starts_with("jobs.toml:6:18: error: `json` holds the number nan"));
    assert!(line(body("{ a = 99999999999999999999 }")).contains("which JSON has no number for"));
}

/// The hash tells what a job does apart, and nothing else.
#[test]
fn the_hash_changes_with_what_the_job_does() {
    let hash = |keys: &str| job_a(keys).unwrap().hash;
    let plain = hash("");
    let mut seen = std::collections::HashMap::from([(plain.clone(), "")]);
    let same_retry =
        "retry = { attempts = 1, initial = \"5s\", factor = 2.0, max = \"5m\", on = [\"connect\", \"5xx\", \"429\"] }";
    assert_eq!(hash(same_retry), plain);
    for same in ["enabled = false", "description = \"x\"", "timeout = \"30s\"", "method = \"POST\"", "hold = \"90s\""] {
        assert_eq!(hash(same), plain, "{same}");
    }
    for other in [
        "timeout = \"31s\"",
        "hold = \"91s\"",
        "method = \"PUT\"",
        "overlap = \"allow\"",
        "catch_up = \"none\"",
        "expect = { status = [200] }",
        "body = \"\"",
        "body = \"x\"",
        "json = \"x\"",
        "jitter = \"1s\"",
        "retry = { attempts = 2 }",
        "retry = { initial = \"6s\" }",
        "retry = { factor = 3 }",
        "retry = { max = \"6m\" }",
        "retry = { on = [\"connect\"] }",
        "retry = { on = [\"connect\", \"5xx\", 430] }",
        "idempotent = true",
        "overlap = \"queue\"",
        "cancel = { path = \"/a/cancel\" }",
        "cancel = { path = \"/a/cancel\", method = \"DELETE\" }",
        "overlap = \"replace\"\ncancel = { path = \"/a/cancel\" }",
        "catch_up = \"all\"",
        "catch_up = \"all\"\ncatch_up_window = \"1h\"",
        "catch_up_window = \"1h\"",
        "completion = \"poll\"",
        "completion = \"poll\"\nhold = \"90s\"",
        "completion = \"poll\"\npoll = { url = \"/a/{id}\" }",
        "completion = \"poll\"\npoll = { interval = \"3s\" }",
        "completion = \"poll\"\npoll = { state = \"/state\" }",
        "completion = \"poll\"\npoll = { success = [\"ok\"] }",
        "completion = \"poll\"\npoll = { failure = [] }",
        "completion = \"poll\"\npoll = { timeout = \"2h\" }",
        "completion = \"poll\"\npoll = { progress = \"/percent\" }",
        "expect = { json = { \"/errors\" = 0 } }",
        "expect = { json = { \"/errors\" = 1 } }",
        "expect = { contains = \"ok\" }",
        "run_on_start = true",
        "headers = { X-A = \"\" }",
        "headers = { X-A = \"1\" }",
        "timezone = \"Europe/Prague\"\ndst = { gap = \"skip\" }\nheaders = { X-A = \"2\" }",
    ] {
        assert_eq!(seen.insert(hash(other), other), None, "{other}");
    }
}

#[test]
fn the_hash_holds_the_target_and_never_a_secret() {
    let text = "[targets.app]\nbase_url = \"http://app:8000\"\nHEADER\n[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n\
                headers = { X-Key = { env = \"PARTNER_KEY\" } }\n";
    let hash = |header: &str, url: &str, secret: &str| {
        let text = text.replace("HEADER", header).replace("http://app:8000", url);
        let environment = |_: &str| Some(secret.to_owned());
        let loaded = load_with(&text, &environment, &Overrides::default()).unwrap();
        loaded.definitions.jobs["a"].hash.clone()
    };
    let plain = hash("", "http://app:8000", "first-value");
    assert_eq!(plain, hash("", "http://app:8000", "other-value"));
    assert_eq!(plain, hash("whoami = \"/me\"", "http://app:8000", "first-value"));
    assert_ne!(plain, hash("", "http://app:8001", "first-value"));
    assert_ne!(plain, hash("header = \"X-Api-Key\"", "http://app:8000", "first-value"));
    assert_ne!(plain, hash("auth = \"none\"", "http://app:8000", "first-value"));
    assert_eq!(plain, hash("connect_timeout = \"10s\"", "http://app:8000", "first-value"));
    assert_ne!(plain, hash("proxy = \"http://proxy:3128\"", "http://app:8000", "first-value"));
}

#[test]
fn sources_in_memory_are_checked_like_files() {
    let context = sexton::job::LoadContext { environment: &|_| None, overrides: &Overrides::default(), now: now() };
    assert!(load_sources(Vec::new(), &context).unwrap().definitions.jobs.is_empty());
    let overrides = Overrides { base_url: Some("nowhere".to_owned()), ..Overrides::default() };
    let told = line(load_sources(Vec::new(), &sexton::job::LoadContext { overrides: &overrides, ..context }));
    assert!(told.starts_with("jobs.toml:1:1: error: `SEXTON_BASE_URL`"), "{told}");
}
