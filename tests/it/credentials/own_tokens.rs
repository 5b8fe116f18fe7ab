//! `sexton token issue | inspect | revoke`.

use std::{fs, path::Path, process::ExitCode, sync::Arc};

use clap::Parser;
use serde_json::{Value, json};
use sexton::{
    auth::{InMemoryRevocations, Verifier, VerifierConfig},
    cli::token::{self, Surroundings, TokenArgs},
    clock::{Clock, SystemClock},
    entropy::Entropy,
    protocol::{Problem, TokenClass},
};

use super::{run_token::parts, secret_command::secret};
use crate::support::{
    app::{Builder, TestApp},
    process::{self, eventually},
    sidecar::{PATIENCE, sexton},
};

const SECRET: &str = "the-first-secret-of-the-tokens-00000001";
const ISSUER: (&str, &str) = ("SEXTON_ISSUER", "https://cron.example.org");
const SECRETS: (&str, &str) = ("SEXTON_JWT_SECRETS", SECRET);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: TokenArgs,
}

/// What the command prints, and its exit code, or the message it fails with.
fn token(line: &[&str], environment: &[(&str, &str)], input: &str) -> Result<(ExitCode, String), String> {
    let args = Line::try_parse_from([&["token"], line].concat()).map_err(|error| error.to_string())?.args;
    let lookup = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let (mut out, clock) = (Vec::new(), Arc::new(SystemClock));
    let input = &mut input.as_bytes();
    let around = Surroundings { environment: &lookup, clock, entropy: Entropy::System, input };
    let code = token::run(args, around, &mut out).map_err(|error| format!("{error:?}"))?;
    Ok((code, String::from_utf8(out).unwrap()))
}

fn issue(line: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    token(&[&["issue", "--audience", "app"], line].concat(), environment, "").map(|(_, out)| out.trim_end().to_owned())
}

fn verified(token: &str, taken: VerifierConfig) -> Result<sexton::auth::Grant, sexton::auth::Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let verifier = Verifier::start(taken, InMemoryRevocations::default(), Arc::new(SystemClock)).await.unwrap();
        verifier.with_sessions(|_| async { Ok::<_, Problem>(true) }).verify(token).await
    })
}

fn taken() -> VerifierConfig {
    VerifierConfig::from_lookup(|name| {
        let of = [ISSUER, SECRETS, ("SEXTON_AUDIENCE", "app")];
        of.iter().find_map(|(key, value)| (*key == name).then(|| (*value).into()))
    })
    .unwrap()
    .unwrap()
}

/// Seed C10: what issue prints, verify accepts: each class, under a secret and under a key.
#[test]
fn c10_what_is_issued_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let path = key.to_str().unwrap();
    secret(&["ensure", "--ed25519", path], &[]).unwrap();
    let pinned = || VerifierConfig::new(ISSUER.1, "app").with_jwks_file(format!("{path}.jwks"));
    for line in [
        &["--subject", "reporting", "--scope", "jobs:read", "--scope", "jobs:enqueue"][..],
        &["--subject", "reporting", "--claim", "resources=run:7,run:8", "--claim", "resources=batch:1"],
        &["--class", "user", "--subject", "ada", "--claim", "groups=Admin", "--scope", "admin"],
        &["--class", "session", "--subject", "ada", "--claim", "run_id=7", "--claim", "session_id=s"],
        &["--class", "run", "--claim", "run_id=7", "--claim", "job=nightly", "--claim", "fence=3"],
    ] {
        let by_secret = issue(line, &[ISSUER, SECRETS]).unwrap();
        let grant = verified(&by_secret, taken()).unwrap_or_else(|refusal| panic!("{line:?}: {refusal}"));
        assert!(grant.claims().jti.len() == 32 && verified(&by_secret, pinned()).is_err());
        let by_key = issue(line, &[ISSUER, ("SEXTON_SIGNING_KEY_FILE", path)]).unwrap();
        assert_eq!(verified(&by_key, pinned()).unwrap().class(), grant.class());
        assert_ne!(verified(&by_key, pinned()).unwrap().claims().jti, grant.claims().jti);
    }
    let listed =
        issue(&["--subject", "r", "--claim", "resources=run:7, run:8", "--claim", "team=a"], &[ISSUER, SECRETS]);
    let (_, claims) = parts(&listed.unwrap());
    assert_eq!((&claims["resources"], &claims["team"]), (&json!(["run:7", "run:8"]), &json!("a")));
    let json = issue(&["--subject", "r", "--json"], &[ISSUER, SECRETS]).unwrap();
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(verified(told["token"].as_str().unwrap(), taken()).unwrap().claims().jti, told["jti"]);
}

/// Seed C11: a program's token is semi-permanent, 90 days unless said otherwise, 180 at most; the others live shorter.
#[test]
fn c11_how_long_tokens_live() {
    let life = |line: &[&str]| {
        let (_, claims) = parts(&issue(line, &[ISSUER, SECRETS])?);
        Ok::<_, String>((claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()) / 3600)
    };
    let user = ["--class", "user", "--subject", "ada"];
    let session = ["--class", "session", "--subject", "a", "--claim", "run_id=7", "--claim", "session_id=s"];
    let service = ["--subject", "reporting"];
    assert_eq!((life(&service), life(&user), life(&session)), (Ok(90 * 24), Ok(12), Ok(1)));
    for (line, most) in [(&service[..], "180d"), (&user, "30d"), (&session, "1d")] {
        let hours = most.trim_end_matches('d').parse::<i64>().unwrap() * 24;
        assert_eq!(life(&[line, &["--expires-in", most]].concat()), Ok(hours));
        let over = format!("{}h", hours + 1);
        let error = life(&[line, &["--expires-in", &over]].concat()).unwrap_err();
        assert!(error.contains(&format!("1s to {most}")), "{error}");
    }
    for wrong in ["0s", "90", "soon", "-1d", ""] {
        assert!(life(&["--subject", "r", "--expires-in", wrong]).is_err(), "{wrong}");
    }
}

/// What no app would take is not issued, and each message says what to give.
#[test]
fn what_no_app_would_take_is_not_issued() {
    for (line, environment, words) in [
        (&["--class", "user"][..], &[ISSUER, SECRETS][..], "--subject"),
        (&["--class", "root", "--subject", "r"], &[ISSUER, SECRETS], "`root` is no class of token"),
        (&["--class", "session", "--subject", "r"], &[ISSUER, SECRETS], "`run_id` and `session_id`"),
        (&["--class", "run"], &[ISSUER, SECRETS], "`run_id`, `job` and `fence`"),
        (&["--class", "run", "--subject", "me", "--claim", "run_id=7", "--claim", "job=j"], &[ISSUER, SECRETS], "run"),
        (&["--class", "user", "--subject", "r", "--claim", "run_id=7"], &[ISSUER, SECRETS], "bound to no run"),
        (&["--subject", "scheduler@system.local"], &[ISSUER, SECRETS], "reserved"),
        (&["--subject", "r", "--claim", "exp=1"], &[ISSUER, SECRETS], "has a flag of its own"),
        (&["--subject", "r", "--claim", "groups"], &[ISSUER, SECRETS], "NAME=VALUE"),
        (&["--subject", "r", "--claim", "fence=x"], &[ISSUER, SECRETS], "a fence is a number"),
        (&["--subject", "r", "--scope", "a\"b"], &[ISSUER, SECRETS], "a scope is visible ASCII"),
        (&["--subject", "r"], &[SECRETS], "SEXTON_ISSUER"),
        (&["--subject", "r"], &[ISSUER], "SEXTON_JWT_SECRETS"),
        (&["--subject", "r"], &[ISSUER, ("SEXTON_JWT_SECRETS", "short")], "5 characters"),
    ] {
        let error = issue(line, environment).unwrap_err();
        let flat = error.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert!(flat.contains(words) && !error.contains(SECRET), "{line:?}: {error}");
    }
}

/// Seed C10: inspect says what a token claims and whether it holds, from standard input or a file; never the token.
#[test]
fn c10_inspect_shows_claims_and_never_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let good = issue(&["--subject", "reporting", "--scope", "jobs:read"], &[ISSUER, SECRETS]).unwrap();
    let signature = good.rsplit('.').next().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{good}\n")).unwrap();
    let other = ("SEXTON_JWT_SECRETS", "another-secret-of-the-tokens-0000000001");
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(43));
    for (environment, input, said, code) in [
        (&[ISSUER, SECRETS][..], &good, "\nverified: yes\n", ExitCode::SUCCESS),
        (&[SECRETS], &good, "\nverified: yes\n", ExitCode::SUCCESS),
        (&[], &good, "NOT VERIFIED: no key is in the environment", ExitCode::FAILURE),
        (&[other], &good, "NOT VERIFIED: the token is not signed", ExitCode::FAILURE),
        (&[SECRETS], &forged, "NOT VERIFIED: the token is not signed", ExitCode::FAILURE),
        (&[SECRETS, ("SEXTON_AUDIENCE", "other")], &good, "NOT VERIFIED: the token's `aud`", ExitCode::FAILURE),
        (&[SECRETS, ("SEXTON_ISSUER", "other")], &good, "NOT VERIFIED: the token's `iss`", ExitCode::FAILURE),
    ] {
        let (ended, out) = token(&["inspect"], environment, input).unwrap();
        assert!(out.contains(said) && out.contains("\"reporting\"") && out.contains("jobs:read"), "{out}");
        assert_eq!(ended, code, "{out}");
        let (_, json) = token(&["inspect", "--json"], environment, input).unwrap();
        let told: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told["claims"]["sub"], "reporting");
        assert_eq!(told["verified"], json!(code == ExitCode::SUCCESS));
        assert_eq!(told["why"].is_null(), code == ExitCode::SUCCESS);
        for text in [&out, &json] {
            assert!(!text.contains(signature) && !text.contains(good.split('.').nth(1).unwrap()), "{text}");
        }
    }
    let (_, out) = token(&["inspect", "--token-file", file.to_str().unwrap()], &[SECRETS], "").unwrap();
    assert!(out.contains("verified: yes"), "{out}");
    for environment in [&[][..], &[SECRETS], &[other]] {
        let (code, out) = token(&["inspect", "--unverified"], environment, &good).unwrap();
        assert!(code == ExitCode::SUCCESS && out.contains("NOT VERIFIED: only") && out.contains("jobs:read"), "{out}");
        let (_, json) = token(&["inspect", "--unverified", "--json"], environment, &good).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["verified"], json!(false));
    }
    for (input, words) in
        [("", "is empty"), ("no-token-at-all", "no JWT"), ("a.b.c.d.e.f", "no JWT"), ("e30.e30000", "no JWT")]
    {
        let error = token(&["inspect"], &[], input).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let error = token(&["inspect", &good], &[SECRETS], "").unwrap_err();
    assert!(error.contains("unexpected argument"), "never on the command line: {error}");
    let (_, key) = (folder.path(), folder.path().join("key.pem"));
    secret(&["ensure", "--ed25519", key.to_str().unwrap()], &[]).unwrap();
    let signing = ("SEXTON_SIGNING_KEY_FILE", key.to_str().unwrap());
    let by_key = issue(&["--subject", "r"], &[ISSUER, signing]).unwrap();
    assert!(token(&["inspect"], &[signing], &by_key).unwrap().1.contains("verified: yes"));
}

/// What a stranger's token says cannot move a terminal's cursor.
#[test]
fn inspect_writes_no_control_characters() {
    let claims = json!({ "sub": "a\u{1b}[2Jb", "x\u{1b}y": 1, "exp": 1_700_000_000 }).to_string();
    let part = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text);
    let stranger = format!("{}.{}.{}", part("{\"alg\":\"none\"}"), part(&claims), "AAAA");
    let (_, out) = token(&["inspect"], &[], &stranger).unwrap();
    assert!(!out.contains('\u{1b}') && out.contains("2023-11-14T22:13:20Z"), "{out:?}");
}

async fn app() -> TestApp {
    let builder = Builder::default().environment("SEXTON_JWT_SECRETS", SECRET);
    builder.environment(ISSUER.0, ISSUER.1).environment("SEXTON_AUDIENCE", "app").start().await
}

/// Runs the real program with the secrets of tokens.
async fn program(folder: &Path, line: &[&str]) -> process::Done {
    let mut command = sexton(folder, line);
    command.envs([ISSUER, SECRETS]);
    process::run(command).await
}

/// Seeds C7, C8 and C10, end to end: what the command takes back, a running app refuses within two seconds.
#[tokio::test]
async fn c10_what_is_revoked_is_403_at_the_running_app() {
    let (app, folder) = (app().await, tempfile::tempdir().unwrap());
    let data = app.folder().to_str().unwrap().to_owned();
    let issue = async |subject: &str| {
        let line = ["token", "issue", "--audience", "app", "--subject", subject, "--scope", "jobs:read"];
        program(folder.path(), &line).await.good().trim_end().to_owned()
    };
    let status = async |token: &str| app.get("/api/auth/me").bearer(token).send().await.status;
    let (by_file, by_id, of_subject, left) =
        (issue("reporting").await, issue("reporting").await, issue("metrics").await, issue("reporting").await);
    let by_input = issue("reporting").await;
    for token in [&by_file, &by_id, &by_input, &of_subject, &left] {
        assert_eq!(status(token).await, 200);
    }
    let file = folder.path().join("lost.token");
    fs::write(&file, &by_file).unwrap();
    let jti = parts(&by_id).1["jti"].as_str().unwrap().to_owned();
    // By itself, from standard input. Nobody vouches for its end: whatever it says, the entry outlives the token.
    let (header, mut claims) = parts(&by_input);
    for exp in [1, 8_210_266_876_799_i64] {
        claims["exp"] = json!(exp);
        let part = |value: &Value| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, value.to_string());
        let (own, lent) = (data.clone(), format!("{}.{}.AAAA", part(&header), part(&claims)));
        let revoking = tokio::task::spawn_blocking(move || token(&["revoke", "--data", &own], &[], &lent));
        let (_, out) = revoking.await.unwrap().unwrap();
        assert!(out.starts_with("revoked token") && !out.contains(&by_input), "{out}");
        let kept: i64 = app.value("SELECT until FROM revocations").await;
        assert!(kept >= claims["iat"].as_i64().unwrap() * 1000 + 180 * 86_400_000, "{exp}: {out}");
    }
    let later = SystemClock.now() + chrono::TimeDelta::seconds(2);
    let later = later.to_rfc3339();
    for (line, said) in [
        (&["--token-file", file.to_str().unwrap(), "--reason", "laptop lost"][..], "revoked token"),
        (&["--jti", &jti], "revoked token"),
        (&["--subject", "metrics", "--since", &later], "every token of metrics"),
    ] {
        let line = [&["token", "revoke", "--data", &data], line].concat();
        let out = program(folder.path(), &line).await.good();
        assert!(out.contains(said) && !out.contains(&by_file), "{out}");
    }
    for token in [&by_file, &by_id, &by_input, &of_subject] {
        let two_seconds = std::time::Duration::from_secs(2);
        eventually("it is refused", two_seconds, async || (status(token).await == 403).then_some(())).await;
    }
    assert_eq!(status(&left).await, 200);
    assert_eq!(app.value::<String>("SELECT reason FROM revocations WHERE reason IS NOT NULL").await, "laptop lost");
    let audited: Vec<Value> = app.audit().await.into_iter().filter(|row| row["action"] == "token.revoke").collect();
    let of =
        |row: &Value| [&row["user"], &row["resource"], &row["result"]].map(|text| text.as_str().unwrap().to_owned());
    assert_eq!(of(&audited[0]), ["operator", "subject:metrics", "ok"]);
    assert!(audited.len() == 5 && of(&audited[1]) == ["operator", &format!("token:{jti}"), "ok"], "{audited:?}");
    let app = restarted(app).await;
    assert_eq!(app.get("/api/auth/me").bearer(&by_id).send().await.status, 403, "over a restart");
    app.stop().await;
}

async fn restarted(app: TestApp) -> TestApp {
    let builder = Builder::default().data(app.stop().await).environment("SEXTON_JWT_SECRETS", SECRET);
    builder.environment(ISSUER.0, ISSUER.1).environment("SEXTON_AUDIENCE", "app").start().await
}

/// A folder of no app is not made into one.
#[tokio::test]
async fn revoking_needs_an_apps_folder() {
    let folder = tempfile::tempdir().unwrap();
    let done = program(folder.path(), &["token", "revoke", "--data", "nothing", "--jti", "x"]).await;
    assert!(done.code == Some(1) && done.said().contains("app.db"), "{done}");
    assert!(!folder.path().join("nothing").exists());
    let both = ["token", "revoke", "--data", ".", "--jti", "x", "--subject", "y"];
    assert_eq!(program(folder.path(), &both).await.code, Some(2));
}

/// Seed C12, and a bad key: `sexton app` does not start with what it cannot understand.
#[tokio::test]
async fn c12_the_app_does_not_start_with_an_unknown_mode() {
    for (variables, words) in [
        (&[("SEXTON_AUTH_MODE", "off")][..], "`required`, `optional`"),
        (&[SECRETS], "SEXTON_ISSUER is not set"),
        (&[("SEXTON_JWKS_FILE", "none.jwks"), ISSUER, ("SEXTON_AUDIENCE", "app")], "none.jwks"),
        (&[("SEXTON_JWT_SECRETS", "short"), ISSUER, ("SEXTON_AUDIENCE", "app")], "5 characters"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sexton(folder.path(), &["app", "--listen", "127.0.0.1:0", "--data", "data"]);
        command.envs(variables.iter().copied());
        let ended = tokio::time::timeout(PATIENCE, process::run(command)).await;
        let done = ended.unwrap_or_else(|_| panic!("it runs with {variables:?}"));
        assert!(done.code == Some(2) && done.said().contains(words), "{done}");
    }
}

#[test]
fn every_class_can_be_named() {
    for class in TokenClass::ALL {
        assert_eq!(class.to_string().parse(), Ok(class));
    }
}
