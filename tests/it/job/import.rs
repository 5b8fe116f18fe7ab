//! `sexton import`: what carries over, what does not, and that no secret is written.

use std::{io, path::PathBuf, process::ExitCode};

use sexton::{
    cli::import::{Args, From, Streams, run},
    job::{
        Body, Definitions, HeaderText,
        import::{Imported, agnes, crontab, vercel},
    },
};

use super::load_text;

/// What the text defines; it has to pass a check, whatever was imported.
fn definitions(imported: &Imported) -> Definitions {
    match load_text(&imported.text) {
        Ok(loaded) => loaded.definitions,
        Err(report) => panic!("{report}\n{}", imported.text),
    }
}

fn lost(imported: &Imported) -> Vec<String> {
    imported.lost.iter().map(ToString::to_string).collect()
}

/// One line of a crontab.
fn line(text: &str) -> (Definitions, Vec<String>) {
    let imported = crontab(text, Some(chrono_tz::Tz::UTC));
    (definitions(&imported), lost(&imported))
}

#[test]
fn the_example_crontab() {
    let imported = crontab(include_str!("../../../examples/import/crontab"), None);
    definitions(&imported);
    insta::assert_snapshot!(
        "import_crontab",
        format!("{}\n--- lost ---\n{}", imported.text, lost(&imported).join("\n"))
    );
}

#[test]
fn the_example_vercel_json() {
    let imported = vercel(include_str!("../../../examples/import/vercel.json"), "http://127.0.0.1:3000").unwrap();
    definitions(&imported);
    insta::assert_snapshot!(
        "import_vercel",
        format!("{}\n--- lost ---\n{}", imported.text, lost(&imported).join("\n"))
    );
}

/// Seed A44: its table of jobs. Seed A43: its environment is parsed, never sourced.
#[test]
fn the_example_agnes_env() {
    let imported = agnes(include_str!("../../../examples/import/agnes.env"), "http://127.0.0.1:8000").unwrap();
    definitions(&imported);
    insta::assert_snapshot!("import_agnes", format!("{}\n--- lost ---\n{}", imported.text, lost(&imported).join("\n")));
}

#[test]
fn what_curl_is_told_becomes_keys() {
    let (definitions, lost) = line(
        "0 3 * * * curl -sXPUT -m2.5 --header 'X-Org: a: b' -A bot/1 -d a=1 -d 'b=2' 'https://h.example:8443/x/y?z=1#f'",
    );
    let job = &definitions.jobs["x-y"];
    assert_eq!(job.target.base_url.as_str(), "https://h.example:8443/");
    assert_eq!((job.method.as_str(), job.path.as_str(), job.timeout.as_secs()), ("PUT", "/x/y?z=1", 3));
    assert_eq!(job.body, Body::Text("a=1&b=2".to_owned()));
    let headers: Vec<String> = job.headers.iter().map(|(name, text)| format!("{name}: {text:?}")).collect();
    assert_eq!(
        headers,
        [
            "X-Org: Plain(\"a: b\")",
            "User-Agent: Plain(\"bot/1\")",
            "Content-Type: Plain(\"application/x-www-form-urlencoded\")"
        ]
    );
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn methods_and_bodies_of_curl_and_wget() {
    for (command, method, body) in [
        ("curl h/x", "GET", Body::Empty),
        ("curl -I h/x", "HEAD", Body::Empty),
        ("curl --request delete h/x", "DELETE", Body::Empty),
        ("curl --json '{\"a\":[1,true]}' h/x", "POST", Body::Json("{\"a\":[1,true]}".to_owned())),
        ("curl --json '{\"a\":null}' h/x", "POST", Body::Text("{\"a\":null}".to_owned())),
        ("curl -H 'content-type: application/json; charset=utf-8' -d '{}' h/x", "POST", Body::Json("{}".to_owned())),
        ("curl -H 'Content-Type: text/plain' -d '{}' h/x", "POST", Body::Text("{}".to_owned())),
        ("curl --data-urlencode 'a=b c&d' h/x", "POST", Body::Text("a=b+c%26d".to_owned())),
        ("curl -d @- h/x%one%two", "POST", Body::Text("one\ntwo".to_owned())),
        ("curl -d '10\\%' h/x", "POST", Body::Text("10%".to_owned())),
        ("/usr/bin/wget -qO- h/x", "GET", Body::Empty),
        ("wget --post-data='a=1' -O /dev/null h/x", "POST", Body::Text("a=1".to_owned())),
        ("wget --method PATCH --body-data x h/x", "PATCH", Body::Text("x".to_owned())),
        ("root curl -X POST h/x", "POST", Body::Empty),
        ("cd /tmp && curl h/x", "GET", Body::Empty),
        ("env A=b nice -n 5 curl h/x 2>&1 >/dev/null &", "GET", Body::Empty),
    ] {
        let (definitions, lost) = line(&format!("0 3 * * * {command}"));
        let job = definitions.jobs.get("x").unwrap_or_else(|| panic!("{command}: {lost:?}"));
        assert_eq!((job.method.as_str(), &job.body), (method, &body), "{command}");
        assert_eq!(job.target.base_url.as_str(), "http://h/", "{command}");
    }
}

#[test]
fn queries_and_limits() {
    let (definitions, _) = line("@daily timeout -k 5 90 curl -G -d a=1 -d b=2 'h/x?c=3'");
    assert_eq!(definitions.jobs["x"].path, "/x?c=3&a=1&b=2");
    assert_eq!(definitions.jobs["x"].timeout.as_secs(), 90);
    let (definitions, _) = line("@daily wget -T 20 h/x");
    assert_eq!(definitions.jobs["x"].timeout.as_secs(), 20);
}

/// A bearer becomes the target's auth; where none went before, the shared secret does not go now.
#[test]
fn bearers_become_the_auth_of_their_target() {
    let (definitions, lost) = line(
        "0 3 * * * curl -H 'Authorization: Bearer h0us3-k3y' http://app/x\n0 4 * * * curl http://app/y\n\
         0 5 * * * curl https://other.example/z\n0 6 * * * curl --oauth2-bearer h0us3-k3y http://app/w\n",
    );
    let auth = |job: &str| format!("{}: {:?}", definitions.jobs[job].target.name, definitions.jobs[job].target.auth);
    assert_eq!(auth("x"), "app: SharedSecret { header: None }");
    assert_eq!(auth("w"), auth("x"));
    assert_eq!(auth("y"), "app-2: None");
    assert_eq!(auth("z"), "other.example: None");
    assert_eq!(lost, ["the bearer that went to http://app: put it into SCHEDULER_API_TOKEN"]);
}

/// Guarantee G5: whatever holds a secret, neither the file nor what is told about it shows it.
#[test]
fn no_secret_is_written_anywhere() {
    for command in [
        "curl -H 'Authorization: Bearer h0us3-k3y' http://app/x",
        "curl -H \"authorization:bearer h0us3-k3y\" http://app/x",
        "curl -H 'Authorization: Basic h0us3-k3y' http://app/x",
        "curl --oauth2-bearer h0us3-k3y http://app/x",
        "curl -u me:h0us3-k3y http://app/x",
        "curl -ume:h0us3-k3y http://app/x",
        "curl http://me:h0us3-k3y@app/x",
        "curl -H 'X-Api-Key: h0us3-k3y' http://app/x",
        "curl -b session=h0us3-k3y http://app/x",
        "curl --pass h0us3-k3y http://app/x",
        "wget --header='X-Auth-Token: h0us3-k3y' http://app/x",
        "wget --user=me --password=h0us3-k3y http://app/x",
        "/opt/run --token h0us3-k3y",
        "curl $(cat h0us3-k3y) http://app/x",
        "curl -F token=h0us3-k3y http://app/x",
        "curl 'http://app/x?token=h0us3-k3y'",
        "curl -G -d api_key=h0us3-k3y http://app/x",
    ] {
        let text = format!("# curl -H 'Authorization: Bearer h0us3-k3y' x\n# key h0us3-k3y\n0 3 * * * {command}\n");
        for text in [text.clone(), format!("KEY=h0us3-k3y\n{}", text.replace("h0us3-k3y'", "'\"$KEY\"''"))] {
            let imported = crontab(&text, None);
            definitions(&imported);
            let shown = format!("{}{}", imported.text, lost(&imported).join("\n"));
            assert!(!shown.contains("h0us3"), "{command}:\n{shown}");
        }
    }
    let imported = agnes("SCHEDULER_API_TOKEN=h0us3-k3y\nSCHEDULER_OTHER=h0us3-k3y\n", "http://app").unwrap();
    assert!(!format!("{}{:?}", imported.text, imported.lost).contains("h0us3"));
    let refused = agnes("API_URL=http://me:h0us3-k3y@app\n", "http://app").unwrap_err().to_string();
    assert!(!refused.contains("h0us3"), "{refused}");
}

#[test]
fn headers_from_variables_come_from_the_environment() {
    let (definitions, lost) =
        line("0 3 * * * curl -H \"X-Partner: Key ${PARTNER}\" -H \"X-A: $SEXTON_URL\" http://app/x");
    assert!(definitions.jobs["x"].headers.is_empty(), "optional until the variable is set");
    assert!(lost[0].contains("header X-Partner: set PARTNER for sexton"), "{lost:?}");
    assert!(lost[1].contains("set APP_SEXTON_URL"), "{lost:?}");
    let imported = crontab("0 3 * * * curl -H \"X-Partner: Key ${PARTNER}\" http://app/x", None);
    assert!(imported.text.contains("X-Partner = { env = \"PARTNER\", format = \"Key {}\", optional = true }"));
    let (definitions, _) = line("ORG=acme\n0 3 * * * curl -H \"X-Org: $ORG\" http://app/x");
    assert!(matches!(&definitions.jobs["x"].headers[0].1, HeaderText::Plain(text) if text == "acme"));
}

#[test]
fn what_does_not_carry_over_is_a_comment_with_its_line() {
    for (command, what) in [
        ("0 3 * * * /opt/backup.sh --all", "line 2: a line that runs `backup.sh`, which is no HTTP call"),
        ("@reboot curl http://app/x", "line 2: @reboot"),
        ("0 3 * * * curl http://app/$(date)", "line 2: a line that needs a shell"),
        ("0 3 * * * curl http://app/`date`", "line 2: a line that needs a shell"),
        ("0 3 * * * curl 'http://app", "line 2: a line that needs a shell"),
        ("0 3 * * * curl $UNSET/x", "line 2: a call whose address needs a variable"),
        ("0 3 * * * curl -d \"$UNSET\" http://app/x", "line 2: a call whose body needs a variable"),
        ("0 3 * * * curl -d @body.json http://app/x", "line 2: a call whose body comes from a file"),
        ("0 3 * * * curl -F a=@file http://app/x", "line 2: a call whose body comes from a file or a form"),
        ("0 3 * * * curl ftp://app/x", "line 2: a call whose address is not one of http or https"),
        ("0 3 * * * curl http://app/{a,b}", "line 2: a call whose address is a pattern"),
        ("0 3 * * * curl -s", "line 2: a call without an address"),
        (
            "0 3 * * * curl 'http://app/x?a=1&access_token=h'",
            "line 2: a call whose query holds a secret (`access_token`)",
        ),
        ("0 3 31 2 * curl http://app/x", "line 2: the schedule `0 3 31 2 *`"),
        ("0 99 * * * curl http://app/x", "line 2: the schedule `0 99 * * *`"),
        ("what is this", "line 2: a line that is neither a schedule nor a variable"),
    ] {
        let imported = crontab(&format!("\n{command}\n"), Some(chrono_tz::Tz::UTC));
        assert!(definitions(&imported).jobs.is_empty(), "{command}");
        assert!(lost(&imported)[0].starts_with(what), "{command}: {:?}", lost(&imported));
        assert!(imported.text.contains(&format!("# not carried over: {what}")), "{command}: {}", imported.text);
    }
    for (command, what) in [
        ("curl -L http://app/x", "curl's -L"),
        ("curl -k http://app/x", "curl's -k"),
        ("curl --retry 3 http://app/x", "curl's --retry"),
        ("curl http://app/x http://app/y", "a second address"),
        ("curl http://app//x", "the second `/` at the beginning of its path"),
        ("curl http://app/x | jq .", "what else the line runs: `jq`"),
        ("curl http://app/x && curl http://app/y", "the order of its calls"),
    ] {
        let (definitions, lost) = line(&format!("0 3 * * * {command}"));
        assert!(definitions.jobs.contains_key("x"), "{command}");
        assert!(lost.iter().any(|lost| lost.contains(what)), "{command}: {lost:?}");
    }
}

#[test]
fn names_are_unique_and_zones_are_kept() {
    let text = "CRON_TZ=Europe/Prague\n0 3 * * * curl http://app/api/sync\n0 4 * * * curl http://app/api/sync\n\
                0 5 * * * curl http://app/\n0 6 * * * curl 'http://app/\\%C3\\%A4'\n";
    let (definitions, _) = line(text);
    assert_eq!(
        definitions.jobs.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["C3-A4", "app", "sync", "sync-2"]
    );
    assert_eq!(definitions.jobs["sync"].schedule.zone(), chrono_tz::Europe::Prague);
    let imported = crontab("0 3 * * * curl http://app/x", Some(chrono_tz::Asia::Tokyo));
    assert_eq!(definitions_zone(&imported), chrono_tz::Asia::Tokyo);
}

fn definitions_zone(imported: &Imported) -> chrono_tz::Tz {
    definitions(imported).jobs["x"].schedule.zone()
}

#[test]
fn vercel_files_that_are_none() {
    assert!(vercel("{", "http://app").unwrap_err().to_string().contains("this is no JSON"));
    assert!(vercel("{}", "http://app").unwrap_err().to_string().contains("no list `crons`"));
    assert!(vercel("{\"crons\":[]}", "app").unwrap_err().to_string().contains("`app` is none"));
    let imported = vercel(
        "{\"crons\":[{\"path\":\"/a\"},{\"path\":\"b\",\"schedule\":\"0 0 * * *\"},{\"path\":\"/c\",\"schedule\":\"0 0 30 2 *\"},\
         {\"path\":\"/d\",\"schedule\":\"0 0 * * *\",\"host\":\"x\"}]}",
        "http://app",
    )
    .unwrap();
    assert_eq!(definitions(&imported).jobs.len(), 1);
    let lost = lost(&imported);
    for (index, what) in [(2, "entry 1"), (3, "entry 2"), (4, "entry 3"), (5, "`host` of entry 4")] {
        assert!(lost[index].contains(what), "{lost:?}");
    }
}

/// Seeds A28, A29: seconds become a cadence that is never shorter; `""`, 0, negative and garbage name the variable.
#[test]
fn a29_intervals_of_agnes_are_seconds() {
    let schedule = |line: &str, job: &str| {
        let imported = agnes(line, "http://app").map_err(|error| error.to_string())?;
        Ok::<_, String>(definitions(&imported).jobs[job].schedule.text().to_owned())
    };
    for (variable, job, seconds, text) in [
        ("SCHEDULER_DATA_REFRESH_INTERVAL", "data-refresh", "900", "every 15m"),
        ("SCHEDULER_DATA_REFRESH_INTERVAL", "data-refresh", "90", "every 1m30s"),
        ("SCHEDULER_DATA_REFRESH_INTERVAL", "data-refresh", "7201", "every 2h1s"),
        ("SCHEDULER_MARKETPLACES_INTERVAL", "marketplaces", "86400", "every 1d"),
        ("SCHEDULER_SCRIPT_RUN_INTERVAL", "script-runner", "120", "every 2m"),
        ("SCHEDULER_SCRIPT_RUNNER_INTERVAL", "script-runner", "120", "every 2m"),
        ("SCHEDULER_USAGE_PROCESSOR_INTERVAL", "session-processor:usage", "60", "every 1m"),
        ("SCHEDULER_SESSION_PROCESSOR_USAGE_INTERVAL", "session-processor:usage", "60", "every 1m"),
        ("SCHEDULER_INITIAL_WORKSPACE_SCHEDULE", "initial-workspace", "daily 07:00,13:00", "daily 07:00,13:00"),
    ] {
        assert_eq!(schedule(&format!("{variable}={seconds}"), job).as_deref(), Ok(text), "{variable}={seconds}");
    }
    for value in ["", "\"\"", "0", "-5", "+5", "5.5", "15m", "１５", "99999999999999999999"] {
        let told = schedule(&format!("A=1\nSCHEDULER_DATA_REFRESH_INTERVAL={value}"), "data-refresh").unwrap_err();
        assert!(told.starts_with("line 2: SCHEDULER_DATA_REFRESH_INTERVAL must be a whole number"), "{value}: {told}");
    }
    let told = schedule("SCHEDULER_INITIAL_WORKSPACE_SCHEDULE=daily 7:00", "initial-workspace").unwrap_err();
    assert!(told.starts_with("line 1: SCHEDULER_INITIAL_WORKSPACE_SCHEDULE is no schedule"), "{told}");
}

/// Seed A44: without any variable, its own table.
#[test]
fn a44_the_table_of_agnes() {
    let imported = agnes("", "http://127.0.0.1:8000").unwrap();
    let definitions = definitions(&imported);
    assert_eq!(definitions.jobs.len(), 17);
    let of = |name: &str| {
        let job = &definitions.jobs[name];
        format!("{} | {} {} | {}", job.schedule.text(), job.method, job.path, job.timeout.as_secs())
    };
    assert_eq!(of("data-refresh"), "every 15m | POST /api/jobs | 30");
    assert_eq!(of("health-check"), "every 5m | GET /api/health | 30");
    assert_eq!(of("store-lint-audit"), "cron 0 5 * * 1 | POST /api/admin/store/lint-audit | 900");
    assert_eq!(of("jira-sla-poll"), "every 45m | POST /api/admin/run-jira-sla-poll | 3600");
    let usage = definitions.jobs["session-processor:usage"].as_ref();
    assert!(usage.path.ends_with("?processor=usage") && usage.timeout.as_secs() == 300);
    assert!(
        matches!(&definitions.jobs["data-refresh"].body, Body::Json(json) if json.contains("\"kind\":\"data-refresh\""))
    );
}

fn import(from: From, input: &str) -> (ExitCode, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = io::Cursor::new(input.to_owned());
    let mut streams = Streams { input: &mut input, out: &mut out, err: &mut err };
    let code = run(&Args { from }, &mut streams).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_command_writes_the_file_to_one_stream_and_what_is_lost_to_the_other() {
    let from = From::Crontab { file: PathBuf::from("-"), timezone: None };
    let (code, out, err) = import(from, "0 3 * * * curl http://app/x\n0 4 * * * /opt/x.sh\n");
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(load_text(&out).unwrap().definitions.jobs.len(), 1);
    assert!(err.lines().all(|line| line.starts_with("not carried over: ")) && err.contains("line 2: "), "{err}");
    let from = From::Vercel { file: PathBuf::from("-"), base_url: "http://app".to_owned() };
    let (code, out, err) = import(from, "no json");
    assert_eq!((code, out.as_str()), (ExitCode::from(2), ""));
    assert!(err.starts_with("error: this is no JSON"), "{err}");
}
